package pipeline_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// byHand is a Run that retries r1, as a person has just made it.
func byHand() *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "retry"},
		Spec:       v1alpha1.RunSpec{Pipeline: "web", RetryOf: "r1"},
	}
}

// A Run is kept beyond the bounds while it is about to be retried, and not after.
func TestRetentionWaitsForARetry(t *testing.T) {
	t.Parallel()
	recorded := byHand()
	recorded.Status.Phase = v1alpha1.RunRunning
	ofAnother := byHand()
	ofAnother.Spec.RetryOf = "r2"
	annotated := run("r1", 1, v1alpha1.RunFailed)
	annotated.Annotations = map[string]string{v1alpha1.RetryAnnotation: ""}
	for name, tt := range map[string]struct {
		old, retry *v1alpha1.Run
		kept       bool
	}{
		"retried, nothing recorded": {old: run("r1", 1, v1alpha1.RunFailed), retry: byHand(), kept: true},
		"retried and recorded":      {old: run("r1", 1, v1alpha1.RunFailed), retry: recorded},
		"another is retried":        {old: run("r1", 1, v1alpha1.RunFailed), retry: ofAnother},
		"annotated":                 {old: annotated, retry: recorded, kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, web(), revision.New(web(), 1), tt.old, run("r2", 2, v1alpha1.RunFailed), run("r3", 3, v1alpha1.RunFailed), tt.retry)
			_, after := w.reconcile()
			want := []string{"r2", "r3", "retry"}
			if tt.kept {
				want = []string{"r1", "r2", "r3", "retry"}
			}
			if diff := cmp.Diff(want, w.runs()); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
			if tt.kept != (after > 0) {
				t.Errorf("another look after %s", after)
			}
		})
	}
}

// A Run that is annotated while its Pipeline decides to delete it isn't deleted.
func TestRetentionDeletesARunAsItWasRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, web(), revision.New(web(), 1), run("r1", 1, v1alpha1.RunFailed), run("r2", 2, v1alpha1.RunFailed), run("r3", 3, v1alpha1.RunFailed))
	annotate := func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
		var live v1alpha1.Run
		if err := c.Get(ctx, client.ObjectKeyFromObject(obj), &live); err != nil {
			return err
		}
		metav1.SetMetaDataAnnotation(&live.ObjectMeta, v1alpha1.RetryAnnotation, "1")
		if err := c.Update(ctx, &live); err != nil {
			return err
		}
		return c.Delete(ctx, obj, opts...)
	}
	w.Client = interceptor.NewClient(w.live, interceptor.Funcs{Delete: annotate})
	w.watch()
	result, err := w.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(web())})
	if err != nil || result.RequeueAfter == 0 {
		t.Errorf("answer %+v, %v; want another look", result, err)
	}
	if diff := cmp.Diff([]string{"r1", "r2", "r3"}, w.runs()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}
