package serve

import (
	"encoding/json"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
)

// Head is the first line of the answer about a log, as JSON. The log's lines come behind
// it, with their stamps.
type Head struct {
	// First is the number of the first line that is sent.
	First int64 `json:"first"`
	// From is the number of the first line that was asked for, which comes first or later.
	From int64 `json:"from"`
	// End is how the log has ended. nil: it hasn't.
	End *logs.End `json:"end,omitempty"`
}

// log answers with the lines of a log, with their stamps, from a line on or some before.
func (s *server) log(w http.ResponseWriter, r *http.Request) error {
	log, end, err := s.find(r)
	if err != nil {
		return err
	}
	from, err := number(r.URL.Query().Get("from"), 1)
	if err != nil {
		return err
	}
	if tail := r.URL.Query().Get("tail"); tail != "" {
		last, err := number(tail, 0)
		if err != nil {
			return err
		}
		lines, err := s.lines(r, log, end)
		if err != nil {
			return err
		}
		from = max(from, lines-last+1)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	began := false
	begin := func(first int64) {
		began = true
		// Who doesn't listen any more makes the next write fail, too.
		_ = json.NewEncoder(w).Encode(Head{First: first, From: from, End: end})
	}
	err = logs.Read(r.Context(), s.Bucket, log, from, begin, w)
	switch {
	case err != nil && began:
		// The answer has begun: that it breaks off is all that can be said.
		s.Log.Error(err, "A log can't be read to its end", "path", r.URL.Path)
		panic(http.ErrAbortHandler)
	case err == nil && !began:
		begin(1)
	}
	return err
}

// lines are how many the log has.
func (s *server) lines(r *http.Request, log place.Log, end *logs.End) (int64, error) {
	if end != nil {
		return end.Lines, nil
	}
	return logs.Lines(r.Context(), s.Bucket, log)
}

// find returns the log that is asked for: of Runs of one name, that of the Run whose the
// pod is.
func (s *server) find(r *http.Request) (place.Log, *logs.End, error) {
	name := r.PathValue("run")
	log := place.Log{Job: r.PathValue("job"), Pod: types.UID(r.PathValue("pod")), Container: r.PathValue("container")}
	runs, err := records.AllNamed(r.Context(), s.Bucket, r.PathValue("namespace"), name)
	if err != nil {
		return log, nil, err
	}
	// One that has not ended has no record yet.
	if pipeline, uid := r.URL.Query().Get("pipeline"), r.URL.Query().Get("uid"); pipeline != "" && uid != "" {
		runs = append(runs, place.Run{Namespace: r.PathValue("namespace"), Pipeline: pipeline, Name: name, UID: types.UID(uid)})
	}
	for _, run := range runs {
		log.Run = run
		end, err := logs.ReadEnd(r.Context(), s.Bucket, log)
		if err != nil {
			return log, nil, err
		}
		if end != nil {
			return log, end, nil
		}
		parts, err := s.Bucket.List(r.Context(), log.Folder(), "", 1)
		if err != nil {
			return log, nil, fmt.Errorf("find a log: %w", err)
		}
		if len(parts) > 0 {
			return log, nil, nil
		}
	}
	return log, nil, fmt.Errorf("the log of container %s of pod %s of run %s: %w", log.Container, log.Pod, name, bucket.ErrNotFound)
}
