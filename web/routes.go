package web

import (
	"context"
	"net/http"

	"github.com/kayci/kayci/web/openid"
	"github.com/kayci/kayci/web/viewer"
)

// handler answers a request, or says why not, in which case it has written nothing.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is a pattern of net/http and who answers it.
type route struct {
	pattern string
	handler http.Handler
}

// routes are all paths.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, route := range s.table() {
		mux.Handle(route.pattern, route.handler)
	}
	return mux
}

func (s *server) table() []route {
	return []route{
		{"GET /healthz", http.HandlerFunc(healthy)},
		{"GET /static/{hash}/{file}", s.static},
		{"GET /login", s.open(s.loginPage)},
		{"POST /login", s.open(s.login)},
		{"GET " + openIDPath, s.open(s.beginOpenID)},
		{"GET " + openid.CallbackPath, s.open(s.finishOpenID)},
		{"POST /logout", s.open(s.logout)},
		{"GET /help", s.open(s.help)},
		{"GET /{$}", s.page(s.namespaces)},
		{"GET /ns/{ns}", s.page(s.runs)},
		{"GET /ns/{ns}/events", s.stream(s.runsEvents)},
		{"GET /ns/{ns}/pipelines/{pipeline}", s.page(s.pipeline)},
		{"POST /ns/{ns}/pipelines/{pipeline}/runs", s.page(s.start)},
		{"GET /ns/{ns}/pipelines/{pipeline}/runs/{number}", s.page(s.numbered)},
		{"GET /ns/{ns}/runs/{run}", s.page(s.run)},
		{"GET /ns/{ns}/runs/{run}/events", s.stream(s.runEvents)},
		{"GET /ns/{ns}/runs/{run}/log.tar.gz", s.stream(s.bundle)},
		{"POST /ns/{ns}/runs/{run}/cancel", s.post(s.cancel)},
		{"POST /ns/{ns}/runs/{run}/retry", s.post(s.retry)},
		{"GET /ns/{ns}/runs/{run}/jobs/{job}", s.page(s.job)},
		{"POST /ns/{ns}/runs/{run}/jobs/{job}/approve", s.post(s.approve)},
		{"GET /ns/{ns}/runs/{run}/jobs/{job}/log", s.stream(s.log)},
		{"GET /ns/{ns}/runs/{run}/jobs/{job}/log/search", s.stream(s.search)},
		{"GET /ns/{ns}/runs/{run}/jobs/{job}/artifacts/{artifact}", s.stream(s.artifact)},
		{"GET /ns/{ns}/configrepos/{repo}", s.page(s.configRepo)},
		{"POST /ns/{ns}/configrepos/{repo}/sync", s.post(s.sync)},
		{"GET /ns/{ns}/triggers/{trigger}", s.page(s.trigger)},
		{"/", s.open(s.nowhere)},
	}
}

// open answers whoever asks, within the time that a person waits.
func (s *server) open(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.Patience)
		defer cancel()
		r = r.WithContext(ctx)
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// page answers a viewer.
func (s *server) page(h handler) http.Handler { return s.open(s.viewed(h)) }

// viewed answers who is known, and has the rest of the request go as that viewer.
func (s *server) viewed(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.Viewers.Of(r)
		if err != nil {
			return err
		}
		return h(w, r.WithContext(viewer.With(r.Context(), v)))
	}
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// nowhere answers for all other paths and methods.
func (*server) nowhere(http.ResponseWriter, *http.Request) error {
	return &problem{Status: http.StatusNotFound, Title: "No such page", Text: "There is nothing at this address."}
}
