package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/view"
)

// jobPage is what job.html shows.
type jobPage struct {
	Run *runPage
	Job *view.Job
	// Containers that the job has had, the one that is shown among them.
	Containers []logs.Container
	Shown      *logs.Container
	// Log is the address of its log, without parameters of how to read it.
	Log string
	// Missing says what logs there aren't.
	Missing []string
	// Left is what the job has left in the store.
	Left *left
}

// job shows a job of a Run, and the log of one of its containers.
func (s *server) job(w http.ResponseWriter, r *http.Request) error {
	run, err := s.getRun(r.Context(), r.PathValue("ns"), r.PathValue("run"))
	if err != nil {
		return err
	}
	l, err := s.lookAt(r.Context(), run)
	if err != nil {
		return err
	}
	body := &jobPage{Job: l.View.Job(r.PathValue("job"))}
	if body.Job == nil {
		return noJob(r)
	}
	body.Run = &runPage{Run: l.View, Version: run.ResourceVersion, Live: !l.View.State.Ended(), Hidden: l.Hidden, May: s.may(r.Context(), run)}
	part := partOf(l.Found, body.Job.Name)
	body.Containers, body.Missing = part.Containers, part.Missing
	if body.Shown, err = chosen(part, r.URL.Query()); err != nil && r.URL.RawQuery != "" {
		body.Missing = append(body.Missing, err.Error())
	}
	body.Left = s.left(r.Context(), run, body.Job)
	if body.Shown != nil {
		body.Log = logPath(run.Namespace, run.Name, body.Shown)
	}
	return s.show(w, r, "job", page{
		Title: fmt.Sprintf("%s %s %s", body.Job.State.Symbol(), body.Job.Name, l.View.Address),
		State: body.Job.State.Class(), Body: body,
		Trail: append(trail(run.Namespace), pipelineCrumb(run), runCrumb(run), crumb{body.Job.Name, jobPath(run.Namespace, run.Name, body.Job.Name)}),
	})
}

func noJob(r *http.Request) error {
	return &problem{Status: http.StatusNotFound, Title: "No such job", Text: fmt.Sprintf("The Run %s has no job %s.", r.PathValue("run"), r.PathValue("job"))}
}

// partOf is where the logs of a job of the Run are.
func partOf(found *logs.Found, job string) logs.Part {
	for _, part := range found.Parts() {
		if part.Name == job && !part.Service {
			return part
		}
	}
	return logs.Part{Name: job}
}

// chosen is the container that the address asks for: of the last attempt, unless it
// asks for another, the one that has failed, or the last.
func chosen(part logs.Part, query url.Values) (*logs.Container, error) {
	attempt, name, index := query.Get("attempt"), query.Get("container"), query.Get("index")
	var found *logs.Container
	for n := range part.Containers {
		c := &part.Containers[n]
		if name != "" && name != c.Name || attempt != "" && attempt != strconv.Itoa(c.Attempt) || index != "" && index != c.Index {
			continue
		}
		if found == nil || c.Pod != found.Pod || gives(found, c) {
			found = c
		}
	}
	if found == nil {
		return nil, &problem{Status: http.StatusNotFound, Title: "No such log", Text: noLog(part, name, attempt)}
	}
	return found, nil
}

// gives reports whether a container's log says less than that of one behind it: it has
// done its work, or is a sidecar, which may fail when it is told to end.
func gives(found, next *logs.Container) bool {
	return found.State.ExitCode == 0 && !next.Init || found.Sidecar && next.State.ExitCode != 0
}

func noLog(part logs.Part, name, attempt string) string {
	switch {
	case len(part.Containers) == 0 && len(part.Missing) > 0:
		return "There is no log: " + part.Missing[0] + "."
	case len(part.Containers) == 0:
		return "There is no log."
	case attempt != "":
		return fmt.Sprintf("Attempt %q has no container %q.", attempt, name)
	default:
		return fmt.Sprintf("There is no container %q.", name)
	}
}

// logPath is the address of a container's log.
func logPath(namespace, run string, c *logs.Container) string {
	query := url.Values{"container": {c.Name}, "attempt": {strconv.Itoa(c.Attempt)}}
	if c.Index != "" {
		query.Set("index", c.Index)
	}
	return jobPath(namespace, run, c.Job) + "/log?" + query.Encode()
}

// container finds the container that a request asks for the log of.
func (s *server) container(ctx context.Context, r *http.Request) (*logs.Container, error) {
	ctx, cancel := s.soon(ctx)
	defer cancel()
	run, err := s.getRun(ctx, r.PathValue("ns"), r.PathValue("run"))
	if err != nil {
		return nil, err
	}
	found, err := s.pods().Of(ctx, run)
	if err != nil {
		return nil, err
	}
	return chosen(partOf(found, r.PathValue("job")), r.URL.Query())
}
