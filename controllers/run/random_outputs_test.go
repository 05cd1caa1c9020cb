package run_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// share gives the Runs of the Pipeline a workspace.
func share(rng *rand.Rand, spec *v1alpha1.PipelineSpec) {
	if !chance(rng, 200) {
		return
	}
	spec.Workspace = &v1alpha1.Workspace{MountPath: "/workspace"}
	spec.Workspace.VolumeClaimTemplate.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	if chance(rng, 500) {
		spec.Workspace.Retain = new(false)
	}
}

// checkClaimStays checks that the workspace of a Run that has ended is there as
// long as it is to be.
func (s *simulation) checkClaimStays(r *v1alpha1.Run) {
	s.t.Helper()
	w := s.pipeline.Spec.Workspace
	if w == nil || r.Status.StartTime == nil {
		return
	}
	retained := ptr.Deref(w.Retain, true)
	if claim := s.server.objects["PersistentVolumeClaim"][job.WorkspaceName(r.Name)]; (claim != nil) != retained {
		s.t.Errorf("%s: the workspace's claim is there: %t, want %t", r.Name, claim != nil, retained)
	}
	if deleted := r.Status.Workspace == v1alpha1.WorkspaceDeleted; deleted == retained {
		s.t.Errorf("%s: the workspace is %q, retained: %t", r.Name, r.Status.Workspace, retained)
	}
}

// checkClaim checks that the Run's workspace is there before its first Job.
func (s *simulation) checkClaim(created *batchv1.Job) {
	s.t.Helper()
	r, found := s.server.objects["Run"][created.Labels[v1alpha1.RunLabel]].(*v1alpha1.Run)
	if !found || s.pipeline.Spec.Workspace == nil {
		return
	}
	claim := s.server.objects["PersistentVolumeClaim"][job.WorkspaceName(r.Name)]
	if claim == nil || !metav1.IsControlledBy(claim, r) {
		s.t.Errorf("Job %s is created without its Run's workspace", created.Name)
	}
}

// leaves is what a program leaves for later jobs, however it ends: which pod it
// was.
func leaves(pod *corev1.Pod) string {
	if pod.Labels[v1alpha1.JobLabel] == "" {
		return ""
	}
	return fmt.Sprintf(`{"pod":%q}`, pod.Name)
}

// checkHandedOn checks that a job was given what its Run's status says that the
// jobs before it have left.
func (s *simulation) checkHandedOn(r *v1alpha1.Run, got *v1alpha1.JobStatus) {
	s.t.Helper()
	made, found := s.server.objects["Job"][job.Name(r.Name, got.Name)].(*batchv1.Job)
	if !found || got.ReusedFrom != "" {
		return
	}
	env := made.Spec.Template.Spec.Containers[0].Env
	for _, name := range graph.Ancestors(s.pipeline.Spec.Jobs, got.Name) {
		truth := s.truths[r.Name+"/"+name]
		earlier := &r.Status.Jobs[slices.IndexFunc(r.Status.Jobs, func(status v1alpha1.JobStatus) bool { return status.Name == name })]
		if truth.touched || truth.disrupted {
			continue
		}
		s.checkPhaseHandedOn(r, got, env, earlier)
		want := earlier.Outputs["pod"]
		certain := truth.outcome != hangs && !cutShort(r) // Else it may be ended before its program has begun.
		if ran := truth.programs > 0 || truth.reused; certain && (want != "") != ran {
			s.t.Errorf("%s: job %s is %s and has the outputs %v", r.Name, name, earlier.Phase, earlier.Outputs)
		}
		variable := job.OutputName(name, "pod")
		at := slices.IndexFunc(env, func(e corev1.EnvVar) bool { return e.Name == variable })
		if handed := at >= 0 && env[at].Value == want; handed != (want != "") {
			s.t.Errorf("%s: job %s was given %v, and job %s has left %q", r.Name, got.Name, env, name, want)
		}
	}
}

// checkPhaseHandedOn checks that a job which may start behind a failure was told
// what became of an earlier one.
func (s *simulation) checkPhaseHandedOn(r *v1alpha1.Run, got *v1alpha1.JobStatus, env []corev1.EnvVar, earlier *v1alpha1.JobStatus) {
	s.t.Helper()
	spec := s.spec(got.Name)
	if spec.If == "" && !spec.Finally || cutShort(r) {
		return
	}
	if !slices.Contains(env, corev1.EnvVar{Name: v1alpha1.EnvJobPhase(earlier.Name), Value: string(earlier.Phase)}) {
		s.t.Errorf("%s: job %s was given %v, and job %s is %s", r.Name, got.Name, env, earlier.Name, earlier.Phase)
	}
}
