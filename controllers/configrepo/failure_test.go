package configrepo_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/git"
)

// TestFailureIsReportedOnce makes each kind of failure happen to a ConfigRepo
// that has synced, twice.
func TestFailureIsReportedOnce(t *testing.T) {
	const retrying = "the sync has failed and is being retried"
	stalled := func(reason, message string) []metav1.Condition {
		return []metav1.Condition{
			{Type: "Stalled", Status: "True", Reason: reason, Message: message, ObservedGeneration: 1},
			{Type: "Ready", Status: "False", Reason: reason, Message: message, ObservedGeneration: 1},
		}
	}
	retried := func(reason, message string) []metav1.Condition {
		return []metav1.Condition{
			{Type: "Reconciling", Status: "True", Reason: meta.ProgressingWithRetryReason, Message: retrying, ObservedGeneration: 1},
			{Type: "Ready", Status: "False", Reason: reason, Message: message, ObservedGeneration: 1},
		}
	}
	tests := map[string]struct {
		harm  func(*testing.T, *world)
		want  []metav1.Condition
		waits []time.Duration
		event string
	}{
		"a file is wrong": {
			harm: func(_ *testing.T, w *world) {
				w.head.Commit = "c2"
				w.rendered, w.files = nil, render.Errors{{File: "web.jsonnet", Line: 3, Message: "expected a comma"}}
			},
			want:  stalled("RenderFailed", "web.jsonnet:3: expected a comma"),
			waits: []time.Duration{5 * time.Minute, 5 * time.Minute},
			event: "Warning RenderFailed web.jsonnet:3: expected a comma",
		},
		"nothing is rendered": {
			harm: func(_ *testing.T, w *world) { w.head.Commit, w.rendered = "c2", nil },
			want: stalled("EmptyCommit",
				"the commit renders no object, so nothing was changed; set spec.allowEmpty if everything is to be removed"),
			waits: []time.Duration{5 * time.Minute, 5 * time.Minute},
			event: "Warning EmptyCommit the commit renders no object, so nothing was changed; set spec.allowEmpty if everything is to be removed",
		},
		"the API server refuses one of two objects": {
			harm: func(_ *testing.T, w *world) {
				w.head.Commit = "c2"
				w.rendered = []render.Object{webPipeline("busybox:2"), webTrigger()}
				w.refuse["web-push"] = invalid("web-push")
			},
			want:  stalled("ApplyRefused", "web.jsonnet: Trigger/web-push: web-push is not acceptable"),
			waits: []time.Duration{5 * time.Minute, 5 * time.Minute},
			event: "Warning ApplyRefused web.jsonnet: Trigger/web-push: web-push is not acceptable",
		},
		"git is unreachable, from another port each time": {
			harm: func(_ *testing.T, w *world) {
				w.headErr = func() error {
					return fmt.Errorf("ask for the head: read tcp 10.0.0.1:%d->10.0.0.2:443: connection reset", 40000+w.looks)
				}
			},
			want:  retried("SyncFailed", "ask for the head: read tcp 10.0.0.2:443: connection reset"),
			waits: []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second},
			event: "Warning SyncFailed ask for the head: read tcp 10.0.0.2:443: connection reset",
		},
		"the Secret is missing": {
			harm: func(t *testing.T, w *world) {
				t.Helper()
				w.setSecret(t, "nowhere")
			},
			want:  retried("SecretNotFound", `there is no Secret "nowhere" in this namespace`),
			waits: []time.Duration{5 * time.Second, 10 * time.Second},
			event: `Warning SecretNotFound there is no Secret "nowhere" in this namespace`,
		},
		"git says no": {
			harm: func(_ *testing.T, w *world) {
				w.headErr = func() error { return &git.Error{Reason: git.ReasonRefNotFound} }
			},
			want:  stalled("RefNotFound", ""),
			waits: []time.Duration{5 * time.Minute, 5 * time.Minute},
			event: "Warning RefNotFound ",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, configRepo())
			w.rendered = []render.Object{webPipeline("busybox:1")}
			w.reconcile(t)
			w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))

			test.harm(t, w)
			before := w.image(t)
			for i, wait := range test.waits {
				result, writes, said := w.reconcile(t)
				expect(t, "wait", ctrl.Result{RequeueAfter: wait}, result)
				expect(t, "conditions", test.want, w.conditions(t))
				if i == 0 {
					expect(t, "events", []string{test.event}, said)
				} else {
					expect(t, "repeated writes", []string(nil), writes)
					expect(t, "repeated events", []string(nil), said)
				}
				w.clock.SetTime(w.clock.Now().Add(wait))
			}
			expect(t, "the live object", before, w.image(t))
			expect(t, "applied revision", "main@sha1:c1", w.repo(t).Status.LastAppliedRevision)
		})
	}
}

// setSecret names one in the spec without a new generation, so that only the
// failure is seen.
func (w *world) setSecret(t *testing.T, name string) {
	t.Helper()
	repo := w.repo(t)
	repo.Spec.SecretRef = &meta.LocalObjectReference{Name: name}
	if err := w.Update(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
}

// image of the one container of the Pipeline.
func (w *world) image(t *testing.T) string {
	t.Helper()
	var p v1alpha1.Pipeline
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "web"}, &p); err != nil {
		t.Fatal(err)
	}
	return p.Spec.Jobs[0].Template.Spec.Template.Spec.Containers[0].Image
}

func invalid(name string) error {
	return apierrors.NewBadRequest(name + " is not acceptable")
}
