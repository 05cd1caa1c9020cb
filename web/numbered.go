package web

import (
	"errors"
	"net/http"

	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/web/secure"
)

// latest stands for a number in the address of a Run: the newest.
const latest = "latest"

// numbered leads to the Run of a Pipeline that has the number.
func (s *server) numbered(w http.ResponseWriter, r *http.Request) error {
	namespace, number := r.PathValue("ns"), r.PathValue("number")
	if number == latest {
		number = ""
	}
	run, err := s.finder(namespace).Run(r.Context(), r.PathValue("pipeline")+"/"+number)
	if missing, is := errors.AsType[*find.NotFoundError](err); is {
		return &problem{Status: http.StatusNotFound, Title: "No such Run", Text: missing.Error(), Hint: "It may have been deleted: Runs are, when newer ones take their place."}
	}
	if err != nil {
		return err
	}
	secure.Redirect(w, r, runPath(namespace, run.Name))
	return nil
}
