package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/store/client"
	"github.com/kayci/kayci/web/viewer"
)

// artifact answers with all files of an artifact, as a tar, or with the one file that is
// asked for. It is saved, or shown if that is asked for and browsers can, as something that
// has nothing to do with this server: nothing of a build is a page of its own.
func (s *server) artifact(w http.ResponseWriter, r *http.Request) error {
	asking, cancel := s.soon(r.Context())
	defer cancel()
	run, err := s.getRun(asking, r.PathValue("ns"), r.PathValue("run"))
	if err != nil {
		return err
	}
	job, name, file := r.PathValue("job"), r.PathValue("artifact"), r.URL.Query().Get("path")
	missing := &problem{Status: http.StatusNotFound, Title: "No such artifact", Text: fmt.Sprintf("The job %s has left no such artifact.", job)}
	// Names are part of an address of the API server.
	if s.cluster.kept == nil || !find.IsName(job) || !find.IsName(name) {
		return missing
	}
	var body io.ReadCloser
	if file == "" {
		body, err = s.cluster.kept.Tar(r.Context(), run, job, name)
	} else {
		body, err = s.cluster.kept.File(r.Context(), run, job, name, file)
	}
	if errors.Is(err, client.ErrNotStored) {
		return missing
	}
	if err != nil {
		return err
	}
	defer body.Close()
	show(w, job+"-"+name+".tar", file, r.URL.Query().Has("show"))
	if _, err := io.Copy(w, body); err != nil {
		if expired(r.Context()) {
			err = viewer.ErrExpired
		}
		// The answer has begun: what breaks off can't be taken for the whole.
		s.Log.Error(err, "an artifact broke off", "path", r.URL.Path)
		panic(http.ErrAbortHandler)
	}
	return nil
}
