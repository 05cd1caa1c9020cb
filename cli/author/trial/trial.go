// Package trial makes, of a Pipeline that is to be tried, one that has a Run and goes
// again. It is pure.
package trial

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// MaxName is what the name of a Pipeline may have of characters.
const MaxName = 52

// mark stands in the name between the Pipeline's own and what is random.
const mark = "-try-"

// Options say what of the Pipeline stays.
type Options struct {
	// Random tells the names of trials of one Pipeline apart.
	Random string
	// Notify keeps the notifiers.
	Notify bool
}

// Of returns the Pipeline as it is tried: under another name, with nothing by which
// somebody takes it for the Pipeline itself, or for an object of a ConfigRepo. What of
// it was left out that a Run of the Pipeline has is said, a clause each.
func Of(pipeline *v1alpha1.Pipeline, o Options) (tried *v1alpha1.Pipeline, leftOut []string) {
	tried = &v1alpha1.Pipeline{
		TypeMeta: pipeline.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pipeline.Namespace,
			Name:      Name(pipeline.Name, o.Random),
			Labels:    map[string]string{v1alpha1.TryLabel: pipeline.Name},
		},
		Spec: *pipeline.Spec.DeepCopy(),
	}
	if !o.Notify && len(tried.Spec.Notifiers) > 0 {
		tried.Spec.Notifiers = nil
		leftOut = append(leftOut, "its notifiers tell nobody: --notify has them do")
	}
	if tried.Spec.Concurrency != nil {
		tried.Spec.Concurrency = nil
		leftOut = append(leftOut, "it waits for no other Runs, and none wait for it: its concurrency is left out")
	}
	return tried, leftOut
}

// Name of a Pipeline that is tried. Of a long name only the beginning is kept.
func Name(pipeline, random string) string {
	most := MaxName - len(mark) - len(random)
	return strings.TrimRight(pipeline[:min(len(pipeline), most)], "-.") + mark + random
}
