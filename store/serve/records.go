package serve

import (
	"cmp"
	"net/http"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
)

// A list has so many Runs unless another number is asked for, and never more than the
// other.
const usualRuns, maxRuns = 50, 500

// Runs is a list of Runs, newest first, with as much of each as a list shows.
type Runs struct {
	Items []records.Summary `json:"items"`
}

func (s *server) list(w http.ResponseWriter, r *http.Request, _ string) error {
	query := r.URL.Query()
	limit, err := number(query.Get("limit"), usualRuns)
	if err != nil {
		return err
	}
	before, err := number(query.Get("before"), 0)
	if err != nil {
		return err
	}
	found, err := records.List(r.Context(), s.Bucket, records.Query{
		Namespace: r.PathValue("namespace"), Pipeline: query.Get("pipeline"), Before: before, Limit: int(min(cmp.Or(limit, usualRuns), maxRuns)),
	})
	if err != nil {
		return err
	}
	return answer(w, Runs{Items: found})
}

// run answers with the record of a Run, by its name.
func (s *server) run(w http.ResponseWriter, r *http.Request, _ string) error {
	run, err := records.Named(r.Context(), s.Bucket, r.PathValue("namespace"), r.PathValue("run"), types.UID(r.URL.Query().Get("uid")))
	if err != nil {
		return err
	}
	return s.record(w, r, run)
}

// numbered answers with the record of a Run, by its number.
func (s *server) numbered(w http.ResponseWriter, r *http.Request, _ string) error {
	n, err := number(r.PathValue("number"), 0)
	if err != nil {
		return err
	}
	run, err := records.Numbered(r.Context(), s.Bucket, r.PathValue("namespace"), r.PathValue("pipeline"), n)
	if err != nil {
		return err
	}
	return s.record(w, r, run)
}

func (s *server) record(w http.ResponseWriter, r *http.Request, run place.Run) error {
	record, err := records.Get(r.Context(), s.Bucket, run)
	if err != nil {
		return err
	}
	return answer(w, record)
}
