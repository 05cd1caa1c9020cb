package web

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/lru"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
)

// mostLayouts bounds how many are kept.
const mostLayouts = 256

// layouts arranges jobs, and keeps what was arranged last: each change of a Run shows its
// revision anew, whose jobs stay where they are. A layout is found by all that it is made
// of, so nobody is shown what somebody else alone may read.
type layouts struct{ kept *lru.Cache }

func newLayouts() layouts { return layouts{lru.New(mostLayouts)} }

// of returns where the jobs stand, with these folds open.
func (l layouts) of(jobs []v1alpha1.Job, open []string) (graph.Layout, error) {
	asked := struct {
		Jobs []v1alpha1.Job
		Open []string
	}{slices.Clone(jobs), open}
	for i := range asked.Jobs {
		// What a job executes is large, and doesn't matter.
		asked.Jobs[i].Template = batchv1.JobTemplateSpec{}
	}
	text, err := json.Marshal(asked)
	if err != nil {
		return graph.Layout{}, fmt.Errorf("tell layouts apart: %w", err)
	}
	key := sha256.Sum256(text)
	if found, ok := l.kept.Get(key); ok {
		if layout, is := found.(graph.Layout); is {
			return layout, nil
		}
	}
	layout := graph.Arrange(jobs, open...)
	l.kept.Add(key, layout)
	return layout, nil
}
