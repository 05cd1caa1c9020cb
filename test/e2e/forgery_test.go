package e2e

import (
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// A user who may create Jobs, and none of KayCI's results, makes neither a
// result nor an event.
func TestNobodyPosesAsKayCI(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("gated", gated("test", "echo tested; exit 1"), gated("deploy", "true", "test")))
	s.start(t, "run", "gated")
	s.awaitQuestion(t, "run", "test")
	run := &v1alpha1.Run{}
	s.get(t, "run", run)
	bob := s.grant(t, "bob", "edit")
	const parts, pods = "only KayCI makes what a Run controls", "only the Job controller makes pods with the label kayci.dev/run"
	for _, tc := range []struct {
		name   string
		object client.Object
		want   string
	}{
		{"a Job", s.forgedJob(run, true), parts},
		{"a Job without a controller", s.forgedJob(run, false), ""},
		{"a ConfigMap", &corev1.ConfigMap{ObjectMeta: s.controlled(run, "run-params", true)}, parts},
		{"a Service", &corev1.Service{ObjectMeta: s.controlled(run, "run-web", true), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}, parts},
		{"a pod", &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "pod", Labels: map[string]string{v1alpha1.RunLabel: "run"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
		}, pods},
		{"a ConfigMap of nobody", &corev1.ConfigMap{ObjectMeta: s.meta("mine")}, ""},
	} {
		checkAnswer(t, tc.name, bob.Create(s.ctx, tc.object), tc.want)
	}
	mine := &corev1.ConfigMap{ObjectMeta: s.meta("mine")}
	mine.OwnerReferences = s.controlled(run, "", true).OwnerReferences
	checkAnswer(t, "a ConfigMap that is handed over", bob.Update(s.ctx, mine), parts)
	s.awaitQuestion(t, "run", "test")
}

func (s *space) controlled(run *v1alpha1.Run, name string, controller bool) metav1.ObjectMeta {
	meta := s.meta(name)
	meta.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.RunKind, Name: run.Name, UID: run.UID, Controller: new(controller),
	}}
	return meta
}

// forgedJob has the name of the Job that the Run's first job is to have, if it
// is to be controlled by the Run.
func (s *space) forgedJob(run *v1alpha1.Run, controller bool) *batchv1.Job {
	name := "other"
	if controller {
		name = job.Name(run.Name, "test")
	}
	return &batchv1.Job{ObjectMeta: s.controlled(run, name, controller), Spec: batchv1.JobSpec{
		Suspend: new(true),
		Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers:    []corev1.Container{{Name: "main", Image: "busybox"}},
		}},
	}}
}

func TestAnOriginTakesTheTriggersTrust(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("web", script("one", "true")))
	s.create(t, &rbacv1.Role{ObjectMeta: s.meta("impersonator"), Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{v1alpha1.Group}, Resources: []string{"triggers"}, ResourceNames: []string{"push"}, Verbs: []string{"impersonate"},
	}}})
	s.create(t, &rbacv1.RoleBinding{
		ObjectMeta: s.meta("impersonator"),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "impersonator"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "carol"}},
	})
	bob, carol := s.grant(t, "bob", "edit"), s.grant(t, "carol", "edit")
	from := func(name, trigger string) *v1alpha1.Run {
		return &v1alpha1.Run{ObjectMeta: s.meta(name), Spec: v1alpha1.RunSpec{
			Pipeline: "web", Origin: &v1alpha1.Origin{Trigger: trigger, Ref: "refs/heads/main"},
		}}
	}
	const refusal = "spec.origin says which event a Run comes from; only KayCI sets it"
	checkAnswer(t, "bob", bob.Create(s.ctx, from("bobs", "push")), refusal)
	checkAnswer(t, "carol, as the Trigger push", carol.Create(s.ctx, from("carols", "push")), "")
	checkAnswer(t, "carol, as another Trigger", carol.Create(s.ctx, from("others", "release")), refusal)
	checkAnswer(t, "bob, by hand", bob.Create(s.ctx, &v1alpha1.Run{ObjectMeta: s.meta("plain"), Spec: v1alpha1.RunSpec{Pipeline: "web"}}), "")
	s.awaitEnd(t, "carols", v1alpha1.RunSucceeded)
}

// checkAnswer compares the API server's answer to a user with what the refusal
// is to say, blank for none.
func checkAnswer(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s is answered with %v", what, err)
	case want != "" && (!apierrors.IsForbidden(err) || !strings.Contains(err.Error(), want)):
		t.Errorf("%s is answered with %v, want %q", what, err, want)
	}
}
