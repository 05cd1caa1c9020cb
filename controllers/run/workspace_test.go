package run_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run/job"
)

const (
	createClaim = "create *v1.PersistentVolumeClaim run-workspace"
	deleteClaim = "delete *v1.PersistentVolumeClaim run-workspace"
	recordRun   = "patch status *v1alpha1.Run run"
)

// sharing is a Pipeline whose jobs share a workspace.
func sharing(p *v1alpha1.Pipeline) *v1alpha1.Pipeline {
	p.Spec.Workspace = &v1alpha1.Workspace{MountPath: "/src"}
	p.Spec.Workspace.VolumeClaimTemplate.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	return p
}

func TestWorkspaceComesBeforeTheFirstJob(t *testing.T) {
	t.Parallel()
	p := sharing(chain(2))
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.repeat(false)
	if got := w.run("run").Status.Phase; got != v1alpha1.RunSucceeded {
		t.Fatalf("phase %s, want Succeeded", got)
	}
	writes := slices.DeleteFunc(slices.Clone(w.writes), func(write string) bool { return !strings.HasPrefix(write, "create") })
	want := []string{"create *v1.ConfigMap web-1-params", createClaim, "create *v1.Job run-j0", "create *v1.Job run-j1"}
	if diff := cmp.Diff(want, writes); diff != "" {
		t.Errorf("creations (-want +got):\n%s", diff)
	}
	if got, most := len(w.writes)+len(w.events.Events), 2*2+6-3+1; got > most {
		t.Errorf("%d writes, at most %d:\n%s", got, most, strings.Join(w.writes, "\n"))
	}
	if w.conflicts > 0 || len(w.liveReads) > 0 {
		t.Errorf("%d conflicts, live reads %v; want none", w.conflicts, w.liveReads)
	}
	var claim corev1.PersistentVolumeClaim
	w.get("run-workspace", &claim)
	if !metav1.IsControlledBy(&claim, w.run("run")) {
		t.Errorf("the claim's owners are %v, want the Run", claim.OwnerReferences)
	}
}

func TestKilledAnywhereWithAWorkspace(t *testing.T) {
	t.Parallel()
	play := func(crashAt int) (*world, *v1alpha1.Run) {
		p := sharing(chain(2))
		w := newWorld(t, p, revision.New(p, 1), started("run", p))
		w.crashAt = crashAt
		return w, w.play()
	}
	calm, want := play(0)
	for k := 1; k <= len(calm.writes); k++ {
		w, got := play(k)
		if diff := cmp.Diff(calm.created, w.created); diff != "" {
			t.Errorf("killed after write %d (%s): Jobs (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		if diff := cmp.Diff(want.Status, got.Status); diff != "" {
			t.Errorf("killed after write %d (%s): status (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
	}
}

// The claim goes once the Run's end is recorded, however often the controller is
// killed.
func TestWorkspaceThatIsNotRetained(t *testing.T) {
	t.Parallel()
	play := func(crashAt int) (*world, *v1alpha1.Run) {
		p := sharing(chain(2))
		p.Spec.Workspace.Retain = new(false)
		w := newWorld(t, p, revision.New(p, 1), started("run", p))
		w.crashAt = crashAt
		w.play()
		w.settle()
		return w, w.run("run")
	}
	calm, want := play(0)
	if want.Status.Phase != v1alpha1.RunSucceeded || want.Status.Workspace != v1alpha1.WorkspaceDeleted {
		t.Fatalf("phase %s, workspace %q; want Succeeded and Deleted", want.Status.Phase, want.Status.Workspace)
	}
	last := calm.writes[len(calm.writes)-3:]
	if diff := cmp.Diff([]string{recordRun, deleteClaim, recordRun}, last); diff != "" {
		t.Errorf("the last writes (-want +got):\n%s", diff)
	}
	for k := 1; k <= len(calm.writes); k++ {
		w, got := play(k)
		if diff := cmp.Diff(want.Status, got.Status); diff != "" {
			t.Errorf("killed after write %d (%s): status (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		err := w.live.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "run-workspace"}, &corev1.PersistentVolumeClaim{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("killed after write %d (%s): the claim is still there: %v", k, calm.writes[k-1], err)
		}
	}
}

// settle has all pods and Jobs end, and the controller look at the Run, starting
// it anew whenever it has died.
func (w *world) settle() {
	w.t.Helper()
	var pods corev1.PodList
	if err := w.live.List(w.t.Context(), &pods); err != nil {
		w.t.Fatal(err)
	}
	for i := range pods.Items {
		pods.Items[i].Status.Phase = corev1.PodSucceeded
		w.updateStatus(&pods.Items[i])
	}
	for _, job := range w.jobs() {
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
		w.updateStatus(&job)
	}
	w.insist("run")
}

// Kubernetes keeps a claim as long as there is a pod that mounts it, although it
// has ended. KayCI has it go when the last pod has ended, and no sooner.
func TestWorkspaceIsReleased(t *testing.T) {
	t.Parallel()
	const protection = "kubernetes.io/pvc-protection"
	for _, tt := range []struct {
		name       string
		finalizers []string
		foreign    bool
		runs       bool
		pod        *corev1.Pod
		want       v1alpha1.WorkspaceState
		left       []string // finalizers; nil: the claim is gone
	}{
		{name: "unprotected", want: v1alpha1.WorkspaceDeleted},
		{name: "protected", finalizers: []string{protection}, want: v1alpha1.WorkspaceDeleted},
		{name: "and somebody else's finalizer", finalizers: []string{protection, "example.com/backup"}, want: v1alpha1.WorkspaceDeleted, left: []string{"example.com/backup"}},
		{name: "a Job has not ended", finalizers: []string{protection}, runs: true, want: v1alpha1.WorkspaceDeleting, left: []string{protection}},
		{
			name: "a pod whose Job is gone has not ended", finalizers: []string{protection}, pod: mounting("run-workspace", corev1.PodRunning),
			want: v1alpha1.WorkspaceDeleting, left: []string{protection},
		},
		{name: "a pod has ended", finalizers: []string{protection}, pod: mounting("run-workspace", corev1.PodFailed), want: v1alpha1.WorkspaceDeleted},
		{name: "a pod uses another", finalizers: []string{protection}, pod: mounting("run2-workspace", corev1.PodRunning), want: v1alpha1.WorkspaceDeleted},
		{name: "put in the place of the Run's", finalizers: []string{protection}, foreign: true, want: v1alpha1.WorkspaceDeleted, left: []string{protection}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sharing(chain(1))
			run := started("run", p)
			run.UID = "run-uid"
			run.Status.Phase, run.Status.Workspace = v1alpha1.RunSucceeded, v1alpha1.WorkspaceDeleting
			run.Status.Jobs = []v1alpha1.JobStatus{{Name: "j0", Phase: v1alpha1.JobSucceeded, Job: "run-j0"}}
			claim := job.Workspace(run, p.Spec.Workspace)
			claim.UID, claim.Finalizers = "claim-uid", tt.finalizers
			if tt.foreign {
				claim.OwnerReferences = nil
			}
			made := job.Build(run, 1, &p.Spec, &p.Spec.Jobs[0])
			if !tt.runs {
				made.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
			}
			objects := []client.Object{p, revision.New(p, 1), run, claim, made}
			if tt.pod != nil {
				objects = append(objects, tt.pod)
			}
			w := newWorld(t, objects...)
			w.repeat(false)
			if got := w.run("run").Status.Workspace; got != tt.want {
				t.Errorf("workspace %s, want %s", got, tt.want)
			}
			var found corev1.PersistentVolumeClaim
			err := w.live.Get(t.Context(), client.ObjectKeyFromObject(claim), &found)
			if client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.left, found.Finalizers); diff != "" || apierrors.IsNotFound(err) != (tt.left == nil) {
				t.Errorf("the claim is gone: %t; its finalizers (-want +got):\n%s", apierrors.IsNotFound(err), diff)
			}
		})
	}
}

// mounting is a pod that mounts a claim, and isn't known to be KayCI's.
func mounting(claim string, phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "debug"},
		Spec: corev1.PodSpec{Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
		}}}},
		Status: corev1.PodStatus{Phase: phase},
	}
}

func TestWorkspaceThatCannotBeMade(t *testing.T) {
	t.Parallel()
	claims := corev1.Resource("persistentvolumeclaims")
	for _, tt := range []struct {
		name    string
		err     error
		want    v1alpha1.RunPhase
		reason  string
		retries bool
	}{
		{
			name: "invalid", want: "Failed", reason: "Rejected",
			err: apierrors.NewInvalid(schema.GroupKind{Kind: "PersistentVolumeClaim"}, "run-workspace", field.ErrorList{field.Required(field.NewPath("spec"), "")}),
		},
		{name: "policy", err: apierrors.NewForbidden(claims, "run-workspace", errors.New("not here")), want: "Failed", reason: "Rejected"},
		{name: "quota", err: apierrors.NewForbidden(claims, "run-workspace", errors.New("exceeded quota: small")), want: "Queued", reason: "Queued", retries: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sharing(chain(1))
			w := newWorld(t, p, revision.New(p, 1), started("run", p))
			w.deny[createClaim] = tt.err
			result := w.mustReconcile("run")
			if (result.RequeueAfter > 0) != tt.retries {
				t.Errorf("another look after %s, want one: %t", result.RequeueAfter, tt.retries)
			}
			got := w.run("run").Status
			condition := got.Conditions[0]
			if got.Phase != tt.want || condition.Reason != tt.reason || !strings.Contains(condition.Message, "the workspace's claim: ") {
				t.Errorf("the Run is %s, %s: %s; want %s, %s", got.Phase, condition.Reason, condition.Message, tt.want, tt.reason)
			}
			if len(w.created) > 0 {
				t.Errorf("Jobs %v were created without their workspace", w.created)
			}
			if !tt.retries {
				return
			}
			delete(w.deny, createClaim)
			if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded {
				t.Errorf("phase %s after there was room", final.Status.Phase)
			}
		})
	}
}

func TestWorkspaceOfAnother(t *testing.T) {
	t.Parallel()
	taken := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-workspace", UID: "foreign"}}
	predecessor := taken.DeepCopy()
	predecessor.OwnerReferences = []metav1.OwnerReference{{APIVersion: "kayci.dev/v1alpha1", Kind: "Run", Name: "run", UID: "before", Controller: new(true)}}
	for _, tt := range []struct {
		name  string
		claim *corev1.PersistentVolumeClaim
		want  v1alpha1.RunPhase
	}{
		{name: "somebody else's", claim: taken, want: v1alpha1.RunFailed},
		{name: "of a Run of this name that was deleted", claim: predecessor, want: v1alpha1.RunQueued},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sharing(chain(1))
			w := newWorld(t, p, revision.New(p, 1), started("run", p), tt.claim.DeepCopy())
			result := w.mustReconcile("run")
			if got := w.run("run").Status; got.Phase != tt.want || !strings.Contains(got.Conditions[0].Message, "run-workspace") {
				t.Errorf("the Run is %s: %s, want %s and the claim's name", got.Phase, got.Conditions[0].Message, tt.want)
			}
			if (result.RequeueAfter > 0) != (tt.want == v1alpha1.RunQueued) {
				t.Errorf("another look after %s", result.RequeueAfter)
			}
			if len(w.created) > 0 {
				t.Errorf("Jobs %v were created without their workspace", w.created)
			}
		})
	}
}

// The scheduler says no more than that a claim isn't bound; why, its events say.
func TestWorkspaceWithoutAVolume(t *testing.T) {
	t.Parallel()
	event := func(name, reason, message string, seconds int64) *corev1.Event {
		return &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, CreationTimestamp: metav1.Unix(seconds, 0)}, Reason: reason, Message: message, LastTimestamp: metav1.Unix(seconds, 0),
		}
	}
	const missing = `storageclass.storage.k8s.io "fast" not found`
	for _, tt := range []struct {
		name   string
		phase  corev1.PersistentVolumeClaimPhase
		events []*corev1.Event
		want   string
		again  bool
	}{
		{
			name: "unknown class", phase: corev1.ClaimPending,
			events: []*corev1.Event{event("a", "ProvisioningFailed", "an older text", 1), event("b", "ProvisioningFailed", missing, 2)},
			want:   "WorkspacePending: ProvisioningFailed: " + missing,
		},
		{
			name: "waits for its first pod", phase: corev1.ClaimPending, events: []*corev1.Event{event("a", "WaitForFirstConsumer", "waiting", 1)},
			want: "Unschedulable: 0/1 nodes are available", again: true,
		},
		{name: "nothing said yet", phase: corev1.ClaimPending, want: "Unschedulable: 0/1 nodes are available", again: true},
		{name: "bound", phase: corev1.ClaimBound, want: "Unschedulable: 0/1 nodes are available"},
		{
			name: "lost", phase: corev1.ClaimLost,
			want: "WorkspacePending: ClaimLost: the volume of PersistentVolumeClaim run-workspace is gone",
		},
		{
			name: "deleted",
			want: "WorkspacePending: NotFound: PersistentVolumeClaim run-workspace was deleted",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sharing(chain(1))
			w := newWorld(t, p, revision.New(p, 1), started("run", p))
			w.mustReconcile("run")
			w.unschedulable()
			w.claimIs(tt.phase, tt.events)
			result := w.mustReconcile("run")
			got := w.run("run").Status.Jobs[0]
			if said := got.Reason + ": " + got.Message; said != tt.want {
				t.Errorf("the job says %q, want %q", said, tt.want)
			}
			if (result.RequeueAfter < time.Hour) != tt.again {
				t.Errorf("another look after %s, want one: %t", result.RequeueAfter, tt.again)
			}
			w.clock.SetTime(w.clock.Now().Add(time.Minute * 30))
			before := len(w.writes)
			if late := w.mustReconcile("run"); late.RequeueAfter != 30*time.Minute || len(w.writes) > before {
				t.Errorf("half an hour later: another look after %s, writes %v; want 30m and none", late.RequeueAfter, w.writes[before:])
			}
		})
	}
}

// claimIs brings the workspace's claim into a phase, blank for deleted, and
// tells of it by events.
func (w *world) claimIs(phase corev1.PersistentVolumeClaimPhase, events []*corev1.Event) {
	w.t.Helper()
	claim := &corev1.PersistentVolumeClaim{}
	w.get("run-workspace", claim)
	if phase == "" {
		if err := w.live.Delete(w.t.Context(), claim); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	claim.Status.Phase = phase
	w.updateStatus(claim)
	for _, e := range events {
		e.InvolvedObject.UID = claim.UID
		if err := w.live.Create(w.t.Context(), e); err != nil {
			w.t.Fatal(err)
		}
	}
}

// unschedulable adds the pod of the one Job, which no node takes.
func (w *world) unschedulable() {
	w.t.Helper()
	job := w.jobs()[0]
	w.kubelet(&job)
	pod := &corev1.Pod{}
	w.get("run-j0-pod", pod)
	pod.Spec.NodeName = ""
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available",
		LastTransitionTime: metav1.Time{Time: w.clock.Now()},
	}}}
	status := pod.Status
	if err := w.live.Update(w.t.Context(), pod); err != nil {
		w.t.Fatal(err)
	}
	pod.Status = status
	w.updateStatus(pod)
}
