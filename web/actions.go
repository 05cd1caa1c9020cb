package web

import (
	"errors"
	"net/http"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/act"
	"github.com/kayci/kayci/web/secure"
	"github.com/kayci/kayci/web/viewer"
)

// action does what a form asks for, and returns the path to go on at.
type action func(r *http.Request, form url.Values) (next string, err error)

// post answers a form. Each one is one request to the API server that changes
// something, as the viewer.
func (s *server) post(do action) http.Handler {
	return s.page(func(w http.ResponseWriter, r *http.Request) error {
		if v, ok := viewer.From(r.Context()); !ok || v.Anonymous {
			return mayNotAct()
		}
		form, err := readForm(w, r)
		if err != nil {
			return err
		}
		next, err := do(r, form)
		if err != nil {
			return refusal(err)
		}
		secure.Redirect(w, r, next)
		return nil
	})
}

func mayNotAct() error {
	return &problem{Status: http.StatusForbidden, Title: "Not signed in", Text: "Who hasn't signed in can look, and change nothing."}
}

// refusal tells errors that are about what was asked for from those of the way to the
// API server, which others explain.
func refusal(err error) error {
	var status apierrors.APIStatus
	var network *url.Error
	var known *problem
	switch {
	case errors.As(err, &status), errors.As(err, &network), errors.As(err, &known):
		return err
	case errors.Is(err, act.ErrReplaced):
		return &problem{Status: http.StatusConflict, Title: "It has changed meanwhile", Text: err.Error(), Hint: "Load its page again."}
	default:
		return &problem{Status: http.StatusConflict, Title: "Nothing was done", Text: err.Error()}
	}
}

// seenRun returns the Run of the address, which must be the one that the form's page
// has shown.
func (s *server) seenRun(r *http.Request, form url.Values) (*v1alpha1.Run, error) {
	run, err := s.getRun(r.Context(), r.PathValue("ns"), r.PathValue("run"))
	if err != nil {
		return nil, err
	}
	if uid := form.Get("uid"); uid != "" && uid != string(run.UID) {
		return nil, act.ErrReplaced
	}
	return run, nil
}

func (s *server) cancel(r *http.Request, form url.Values) (string, error) {
	run, err := s.seenRun(r, form)
	if err != nil {
		return "", err
	}
	_, _, err = act.Cancel(r.Context(), s.cluster.client, run)
	return runPath(run.Namespace, run.Name), err
}

func (s *server) retry(r *http.Request, form url.Values) (string, error) {
	run, err := s.seenRun(r, form)
	if err != nil {
		return "", err
	}
	again, err := act.Retry(r.Context(), s.cluster.client, run)
	if err != nil {
		return "", err
	}
	return runPath(again.Namespace, again.Name), nil
}

func (s *server) approve(r *http.Request, form url.Values) (string, error) {
	run, err := s.seenRun(r, form)
	if err != nil {
		return "", err
	}
	_, err = act.Approve(r.Context(), s.cluster.client, run, act.Answer{
		Job: r.PathValue("job"), Refused: form.Get("refuse") != "", Reason: form.Get("reason"),
	})
	return runPath(run.Namespace, run.Name), err
}

func (s *server) sync(r *http.Request, _ url.Values) (string, error) {
	var repo v1alpha1.ConfigRepo
	if err := s.cluster.client.Get(r.Context(), client.ObjectKey{Namespace: r.PathValue("ns"), Name: r.PathValue("repo")}, &repo); err != nil {
		return "", err
	}
	_, err := act.Sync(r.Context(), s.cluster.client, &repo, s.Clock.Now())
	return configRepoPath(repo.Namespace, repo.Name), err
}
