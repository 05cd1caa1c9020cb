package configrepo_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

func jobInvalid(name string) error {
	containers := field.NewPath("spec", "template", "spec", "containers")
	return apierrors.NewInvalid(schema.GroupKind{Group: "batch", Kind: "Job"}, name, field.ErrorList{
		field.Duplicate(containers.Index(1).Child("name"), "main"),
		field.NotSupported(containers.Index(1).Child("imagePullPolicy"), "Alway", []string{"Always"}),
	})
}

// richPipeline has a template of each sort.
func richPipeline(image string) render.Object {
	o := webPipeline(image)
	p, ok := o.Object.(*v1alpha1.Pipeline)
	if !ok {
		panic("no Pipeline")
	}
	template := p.Spec.Jobs[0].Template
	lint := *template.DeepCopy()
	lint.Spec.Template.Spec.Containers[0].Image = "lint"
	p.Spec.Jobs = append(p.Spec.Jobs, v1alpha1.Job{Name: "lint", Template: lint})
	p.Spec.Services = []v1alpha1.Service{{Name: "db", Template: lint, Ports: []v1alpha1.ServicePort{{Port: 80}}}}
	p.Spec.Notifiers = []v1alpha1.Notifier{{Name: "chat", Phases: []v1alpha1.RunPhase{v1alpha1.RunFailed, v1alpha1.RunSucceeded}, Template: lint}}
	p.Spec.Workspace = &v1alpha1.Workspace{MountPath: "/workspace"}
	p.Spec.Workspace.VolumeClaimTemplate.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	return o
}

// What the API server would refuse of a Run, it refuses of the commit; what it
// can't judge now is no reason to.
func TestTemplatesAreRehearsed(t *testing.T) {
	t.Parallel()
	jobs := schema.GroupResource{Group: "batch", Resource: "jobs"}
	const all = 5
	tests := map[string]struct {
		judge map[string]error
		want  string
		// tried is how many templates are tried, and again how many of them when the
		// commit is looked at a second time.
		tried, again int
	}{
		"all good": {tried: all},
		"a job is wrong": {
			judge: map[string]error{"rehearsal-lint": jobInvalid("rehearsal-lint")}, tried: all, again: 1,
			want: "web.jsonnet: Pipeline/web: spec.jobs[1].template.spec.template.spec.containers[1].name: Duplicate value: \"main\"\n" +
				`web.jsonnet: Pipeline/web: spec.jobs[1].template.spec.template.spec.containers[1].imagePullPolicy: Unsupported value: "Alway": supported values: "Always"`,
		},
		"others are wrong": {
			judge: map[string]error{
				"rehearsal-db": apierrors.NewRequestEntityTooLargeError("too large"), "rehearsal-workspace": jobInvalid("rehearsal-workspace"),
				"rehearsal-chat-failed": &apierrors.StatusError{ErrStatus: metav1.Status{
					Status: metav1.StatusFailure, Code: 422, Reason: metav1.StatusReasonInvalid, Message: "a policy denied the request",
					Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Message: "a policy denied the request"}}},
				}},
			},
			tried: all, again: 3,
			want: "web.jsonnet: Pipeline/web: spec.services[0].template: Request entity too large: too large\n" +
				"web.jsonnet: Pipeline/web: spec.notifiers[0].template: a policy denied the request\n" +
				"web.jsonnet: Pipeline/web: spec.workspace.volumeClaimTemplate.spec.template.spec.containers[1].name: Duplicate value: \"main\"\n" +
				`web.jsonnet: Pipeline/web: spec.workspace.volumeClaimTemplate.spec.template.spec.containers[1].imagePullPolicy: Unsupported value: "Alway": supported values: "Always"`,
		},
		"a quota is full": {
			judge: map[string]error{"rehearsal-test": apierrors.NewForbidden(jobs, "rehearsal-test", errors.New("exceeded quota"))}, tried: all,
		},
		"a webhook can't be tried": {
			judge: map[string]error{"rehearsal-test": apierrors.NewBadRequest(`admission webhook "x" does not support dry run`)}, tried: all,
		},
		"a webhook is down": {
			judge: map[string]error{"rehearsal-test": apierrors.NewInternalError(errors.New("failed calling webhook"))}, tried: 1,
		},
		"a Run has that name": {
			judge: map[string]error{"rehearsal-test": apierrors.NewAlreadyExists(jobs, "rehearsal-test")}, tried: all,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, configRepo())
			w.rendered = []render.Object{richPipeline("busybox:1"), webTrigger()}
			maps.Copy(w.judge, test.judge)
			for i, tried := range []int{test.tried, test.again} {
				w.tried = nil
				w.reconcile(t)
				expect(t, "tries", tried, len(w.tried))
				ready := w.conditions(t)[len(w.conditions(t))-1]
				if test.want == "" {
					expect(t, "reason", "Succeeded", ready.Reason)
					continue
				}
				expect(t, "reason", "ApplyRefused", ready.Reason)
				expect(t, "message", test.want, ready.Message)
				if i == 0 {
					expect(t, "writes", []string{"status mine", "status mine"}, w.writes)
				}
				w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
			}
		})
	}
}

// Only templates that differ are tried, and none to put back what was changed by
// hand.
func TestOnlyChangedTemplatesAreRehearsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, configRepo())
	w.rendered = []render.Object{richPipeline("busybox:1")}
	w.reconcile(t)
	w.tried = nil

	var p v1alpha1.Pipeline
	p.Namespace, p.Name = "ci", "web"
	if err := w.Client.Delete(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	w.reconcile(t)
	expect(t, "tries to put back", []string(nil), w.tried)
	expect(t, "the image", "busybox:1", w.image(t))

	w.head.Commit, w.rendered = "c2", []render.Object{richPipeline("busybox:2")}
	w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
	w.reconcile(t)
	expect(t, "tries of a change", []string{"rehearsal-test"}, w.tried)

	changed := richPipeline("busybox:2")
	if pipeline, ok := changed.Object.(*v1alpha1.Pipeline); ok {
		pipeline.Spec.Jobs[0].Needs, pipeline.Spec.Jobs[0].Template = nil, batchv1.JobTemplateSpec{Spec: pipeline.Spec.Jobs[1].Template.Spec}
		pipeline.Spec.Timeout = nil
	}
	w.head.Commit, w.rendered, w.tried = "c3", []render.Object{changed}, nil
	w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
	w.reconcile(t)
	expect(t, "tries of another", []string{"rehearsal-test"}, w.tried)
}
