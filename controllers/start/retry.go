package start

import (
	"context"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/names"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Retry creates the Run that retries another, and returns it with true. The
// same Run and value give the same Run, which is returned with false if it is
// there already.
func (s *Starter) Retry(ctx context.Context, pipeline *v1alpha1.Pipeline, source *v1alpha1.Run, value string) (*v1alpha1.Run, bool, error) {
	return s.Start(ctx, Request{Pipeline: pipeline, Name: RetryName(source, value), RetryOf: source})
}

// Inherit completes a Run with what it takes from the one that it retries. What
// the Run has already it keeps.
func Inherit(run, source *v1alpha1.Run) {
	if run.Spec.Revision == "" {
		run.Spec.Revision = source.Spec.Revision
	}
	if run.Spec.Params == nil {
		run.Spec.Params = maps.Clone(source.Spec.Params)
	}
	if run.Spec.Origin == nil {
		run.Spec.Origin = source.Spec.Origin.DeepCopy()
	}
	if trigger := source.Labels[v1alpha1.TriggerLabel]; trigger != "" && run.Labels[v1alpha1.TriggerLabel] == "" {
		metav1.SetMetaDataLabel(&run.ObjectMeta, v1alpha1.TriggerLabel, trigger)
	}
}

// RetryName derives the name of the Run that retries another from that one's
// UID, and from the value that tells one retry of it from the next.
func RetryName(source *v1alpha1.Run, value string) string {
	return names.Hashed(source.Spec.Pipeline, names.MaxLabel, string(source.UID), value)
}
