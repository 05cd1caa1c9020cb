package run_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run"
)

// handmade is a Run as a person writes it, at the world's first second.
func handmade(name, pipeline string) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: "run-uid", ResourceVersion: "7",
			CreationTimestamp: metav1.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
		},
		Spec: v1alpha1.RunSpec{Pipeline: pipeline},
	}
}

const awaitsWeb = "Queued PipelineNotFound: pipeline web doesn't exist; the Run waits up to 10 minutes for it"

func TestRunBeforeItsPipeline(t *testing.T) {
	t.Parallel()
	p := chain(1)
	other := handmade("other", "docs")
	other.UID = "another"
	w := newWorld(t, handmade("run", "web"), other)
	if after := w.mustReconcile("run").RequeueAfter; after != 10*time.Minute {
		t.Errorf("looks again after %s, want 10m", after)
	}
	w.wantSeen(map[string]string{"run": awaitsWeb})
	before := len(w.writes)
	w.mustReconcile("run")
	if extra := w.writes[before:]; len(extra) > 0 {
		t.Errorf("a second look wrote %v", extra)
	}
	w.clock.SetTime(w.clock.Now().Add(9 * time.Minute))
	if err := w.live.Create(t.Context(), p.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"run"}, w.woken(p)); diff != "" {
		t.Errorf("Runs that the new Pipeline wakes (-want +got):\n%s", diff)
	}
	if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded || final.Status.CreatedVersion != "7" {
		t.Errorf("the Run is %s, of version %q; want Succeeded and 7", final.Status.Phase, final.Status.CreatedVersion)
	}
	if owner := metav1.GetControllerOf(w.run("run")); owner == nil || owner.UID != p.UID {
		t.Errorf("the owner is %v, want Pipeline web", owner)
	}
}

// woken returns the Runs that the Pipeline's creation lets look.
func (w *world) woken(p client.Object) []string {
	w.t.Helper()
	q := &queue{due: map[types.NamespacedName]time.Time{}, now: w.clock.Now}
	e := event.CreateEvent{Object: p}
	if run.Arrivals().Create(e) {
		w.reconciler.Arrival().Create(w.t.Context(), e, q)
	}
	var names []string
	for key := range q.due {
		names = append(names, key.Name)
	}
	return names
}

func TestPipelineThatNeverComes(t *testing.T) {
	t.Parallel()
	const missing = "Failed PipelineNotFound: pipeline web doesn't exist"
	cancelled := handmade("run", "web")
	cancelled.Spec.Cancelled = true
	retry := handmade("run", "web")
	retry.Spec.RetryOf = "before"
	going := chain(1)
	going.DeletionTimestamp, going.Finalizers = &metav1.Time{Time: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)}, []string{"example.com/held"}
	for _, tt := range []struct {
		name  string
		objs  []client.Object
		after time.Duration
		want  string
	}{
		{name: "at first", objs: []client.Object{handmade("run", "web")}, want: awaitsWeb},
		{name: "until the end", objs: []client.Object{handmade("run", "web")}, after: 10*time.Minute - time.Second, want: awaitsWeb},
		{name: "at the end", objs: []client.Object{handmade("run", "web")}, after: 10 * time.Minute, want: missing},
		{name: "cancelled", objs: []client.Object{cancelled}, want: "Cancelled Cancelled: cancelled before it started"},
		{name: "a retry", objs: []client.Object{retry, func() client.Object {
			source := handmade("before", "web")
			source.UID, source.Status.Phase = "source", v1alpha1.RunFailed
			return source
		}()}, want: missing},
		{
			name: "being deleted, and perhaps made again", objs: []client.Object{handmade("run", "web"), going},
			want: "Queued PipelineNotFound: pipeline web is being deleted; the Run waits up to 10 minutes for it",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.objs...)
			w.mustReconcile("run")
			w.clock.SetTime(w.clock.Now().Add(tt.after))
			w.mustReconcile("run")
			w.wantSeen(map[string]string{"run": tt.want})
		})
	}
}

// A revision that can't be made now shows why in the Run, and is tried again.
func TestRevisionThatCannotBeMade(t *testing.T) {
	t.Parallel()
	p := chain(1)
	create := "create *v1.ControllerRevision " + revision.New(p, 1).Name
	broken := apierrors.NewInternalError(errors.New(`failed calling webhook "policy.example.com"`))
	w := newWorld(t, p, handmade("run", "web"))
	w.deny[create] = broken
	if after := w.mustReconcile("run").RequeueAfter; after != 15*time.Second {
		t.Errorf("looks again after %s, want 15s", after)
	}
	if got := w.seen("run")["run"]; !strings.HasPrefix(got, "Queued CreateError: ") || !strings.Contains(got, broken.Error()) {
		t.Errorf("the Run says %q", got)
	}
	delete(w.deny, create)
	if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded {
		t.Errorf("the Run is %s: %v", final.Status.Phase, final.Status.Conditions)
	}

	for name, tt := range map[string]struct {
		err   error
		after time.Duration
		want  string
	}{
		"for too long": {err: broken, after: time.Hour, want: "Failed CreateError: "},
		"ever":         {err: apierrors.NewForbidden(appsv1.Resource("controllerrevisions"), "web", errors.New("not here")), want: "Failed Rejected: "},
	} {
		w := newWorld(t, p, handmade("run", "web"))
		w.deny[create] = tt.err
		w.mustReconcile("run")
		w.clock.SetTime(w.clock.Now().Add(tt.after))
		w.mustReconcile("run")
		if got := w.seen("run")["run"]; !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: the Run says %q, want %q", name, got, tt.want)
		}
	}
}
