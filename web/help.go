package web

import "net/http"

// help lists the keys and the roles.
func (s *server) help(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, "help", page{Title: "Help", Trail: []crumb{{"Help", "/help"}}})
}
