package api_test

import (
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/configrepo"
	"github.com/kayci/kayci/render"
)

// What only the API server knows to be wrong with a Job refuses the commit, not
// each Run: it is asked without anything being made.
func TestConfigRepoRehearsesJobs(t *testing.T) {
	s := newRepoSite(t)
	s.repository.push("c1", nil, s.pipeline("web", "test"))
	s.create(t)
	s.waitApplied(t)
	s.writes.take()

	object := s.pipeline("web", "test", "lint")
	p := pipelineOf(t, object)
	pod := &p.Spec.Jobs[1].Template.Spec.Template.Spec
	pod.InitContainers = append(pod.InitContainers, *pod.Containers[0].DeepCopy())
	pod.Containers[0].ImagePullPolicy = "Alway"
	p.Spec.Notifiers = []v1alpha1.Notifier{{Name: "chat", Phases: []v1alpha1.RunPhase{v1alpha1.RunFailed}, Template: *p.Spec.Jobs[0].Template.DeepCopy()}}
	p.Spec.Notifiers[0].Template.Spec.Template.Spec.Containers[0].Image = ""
	p.Spec.Workspace = &v1alpha1.Workspace{MountPath: "/workspace"}
	claim := &p.Spec.Workspace.VolumeClaimTemplate.Spec
	claim.AccessModes = []corev1.PersistentVolumeAccessMode{"ReadWriteSometimes"}
	claim.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	s.repository.push("c2", nil, object)
	ready := conditions.Get(s.request(t), meta.ReadyCondition)
	if ready == nil || ready.Reason != configrepo.ReasonApplyRefused {
		t.Fatalf("Ready is %+v", ready)
	}
	for _, want := range []string{
		`Pipeline/web: spec.jobs[1].template.spec.template.spec.initContainers[0].name: Duplicate value: "main"`,
		`Pipeline/web: spec.jobs[1].template.spec.template.spec.containers[0].imagePullPolicy: Unsupported value: "Alway"`,
		`Pipeline/web: spec.notifiers[0].template.spec.template.spec.containers[0].image: Required value`,
		`Pipeline/web: spec.workspace.volumeClaimTemplate.spec.accessModes: Unsupported value: "ReadWriteSometimes"`,
	} {
		if !strings.Contains(ready.Message, want) {
			t.Errorf("the message lacks %q:\n%s", want, ready.Message)
		}
	}
	if strings.Contains(ready.Message, "jobs[0]") {
		t.Errorf("the first job is good:\n%s", ready.Message)
	}
	for _, line := range s.writes.take() {
		if !strings.HasSuffix(line, "configrepos/mine/status") && !strings.HasSuffix(line, "configrepos/mine") {
			t.Errorf("wrote %s", line)
		}
	}
	var claimed corev1.PersistentVolumeClaim
	if err := s.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "rehearsal-workspace"}, &claimed); !apierrors.IsNotFound(err) {
		t.Errorf("the claim that was tried: %v", err)
	}

	s.repository.push("c3", nil, s.pipeline("web", "test", "lint"))
	if repo := s.request(t); !conditions.IsReady(repo) {
		t.Errorf("after a good commit: %+v", repo.Status.Conditions)
	}
}

func pipelineOf(t *testing.T, o render.Object) *v1alpha1.Pipeline {
	t.Helper()
	p, ok := o.Object.(*v1alpha1.Pipeline)
	if !ok {
		t.Fatalf("%T is no Pipeline", o.Object)
	}
	return p
}
