package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// second is one of a test's time, which ends at 1000.
func second(n int64) metav1.Time { return metav1.Unix(1_800_000_000-1000+n, 0) }

// aRun of the Pipeline web.
func aRun(name string, number int64, phase v1alpha1.RunPhase, changes ...func(*v1alpha1.Run)) *v1alpha1.Run {
	begun := second(number * 10)
	r := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: "uid-of-" + "it", CreationTimestamp: begun, Labels: map[string]string{v1alpha1.PipelineLabel: "web"},
		},
		Spec: v1alpha1.RunSpec{Pipeline: "web"},
		Status: v1alpha1.RunStatus{
			Phase: phase, Number: number, StartTime: &begun,
			Jobs: []v1alpha1.JobStatus{{Name: "test", Phase: v1alpha1.JobSucceeded}, {Name: "deploy", Phase: v1alpha1.JobWaiting}},
		},
	}
	if phase.Finished() {
		end := second(number*10 + 5)
		r.Status.CompletionTime = &end
	}
	for _, change := range changes {
		change(r)
	}
	return r
}

// of has the Run come from a push.
func of(branch, sha, sender string) func(*v1alpha1.Run) {
	return func(r *v1alpha1.Run) {
		r.Spec.Origin = &v1alpha1.Origin{
			Trigger: "web-push", Provider: v1alpha1.ProviderGitHub, Branch: branch, Ref: "refs/heads/" + branch, SHA: sha, Sender: sender,
			Title: "Fix \x1b]52;c;eHg=\a login",
		}
		r.Labels[v1alpha1.TriggerLabel] = "web-push"
	}
}

// asking has the job deploy wait for an approval.
func asking(r *v1alpha1.Run) {
	r.Status.Jobs[1].Reason = v1alpha1.ReasonAwaitingApproval
	r.Status.Jobs[1].Message = "Deploy to production? to approve: kubectl patch run"
}

func aPipeline(params ...v1alpha1.Param) *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web"}, Spec: v1alpha1.PipelineSpec{Params: params}}
}

// told is what a command comes to.
type told struct {
	Code     int
	Out, Err string
}

// gives checks what a command comes to.
func (c *console) gives(t *testing.T, want told, args ...string) {
	t.Helper()
	code := c.give(t, args...)
	if diff := cmp.Diff(want, told{code, c.out.String(), c.err.String()}); diff != "" {
		t.Errorf("%q (-want +got):\n%s", args, diff)
	}
}
