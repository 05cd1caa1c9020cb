package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

const (
	mergeCommand = `to approve: kubectl patch run run -n ci --type=merge -p '{"spec":{"approvals":[{"job":"deploy"}]}}'`
	addCommand   = `to approve: kubectl patch run run -n ci --type=json -p '[{"op":"add","path":"/spec/approvals/-","value":{"job":"deploy"}}]'`
)

// What becomes of a job that asks for an approval, and whether it starts.
func TestApproval(t *testing.T) {
	t.Parallel()
	gated := func(message string) v1alpha1.Job {
		job := spec("deploy", "test")
		job.Approval = &v1alpha1.JobApproval{Message: message}
		return job
	}
	given := v1alpha1.Approval{Job: "deploy", By: "alice", Time: ts(90)}
	waits := func(message string) v1alpha1.JobStatus {
		return v1alpha1.JobStatus{Name: "deploy", Phase: "Waiting", Reason: "AwaitingApproval", Message: message, WaitingSince: ts(100)}
	}
	earlier := waits("Deploy? " + mergeCommand)
	earlier.WaitingSince = ts(50)
	refused := v1alpha1.Approval{Job: "deploy", Refused: true, By: "bob", Time: ts(90)}
	because := refused
	because.Message = "not on\na Friday\u202e"
	hurried := gated("Deploy?")
	hurried.Approval.Timeout = &metav1.Duration{Duration: time.Minute}
	ended := func(reason, message string) v1alpha1.JobStatus {
		return v1alpha1.JobStatus{Name: "deploy", Phase: "Failed", Reason: reason, Message: message, CompletionTime: ts(100)}
	}
	late := earlier
	late.WaitingSince = ts(40)
	never := gated("Deploy?")
	never.If = "false"
	for _, tt := range []struct {
		name      string
		job       v1alpha1.Job
		test      v1alpha1.JobPhase
		recorded  *v1alpha1.JobStatus
		approvals []v1alpha1.Approval
		arrange   func(*plan.Facts)
		want      v1alpha1.JobStatus
		starts    bool
	}{
		{name: "its needs come first", job: gated("Deploy?"), test: "Running", want: v1alpha1.JobStatus{Name: "deploy", Phase: "Waiting", Reason: "AwaitingNeeds", Message: "needs test"}},
		{name: "failed needs settle it", job: gated("Deploy?"), test: "Failed", want: v1alpha1.JobStatus{Name: "deploy", Phase: "Skipped", Reason: "NeedsFailed", Message: "needs test, which failed", CompletionTime: ts(100)}},
		{name: "a false condition settles it", job: never, test: "Succeeded", want: v1alpha1.JobStatus{Name: "deploy", Phase: "Skipped", Reason: "ConditionFalse", Message: "its condition is false: false", CompletionTime: ts(100)}},
		{name: "waits", job: gated("Deploy?"), test: "Succeeded", want: waits("Deploy? " + mergeCommand)},
		{name: "waits without a question", job: gated(""), test: "Succeeded", want: waits(mergeCommand)},
		{name: "a long question", job: gated(strings.Repeat("x\n", 128)), test: "Succeeded", want: waits(strings.Repeat("x ", 80)[:159] + "… " + mergeCommand)},
		{name: "goes on waiting", job: gated("Deploy?"), test: "Succeeded", recorded: &earlier, want: earlier},
		{
			name: "another job is approved", job: gated("Deploy?"), test: "Succeeded", recorded: &earlier,
			approvals: []v1alpha1.Approval{{Job: "publish"}},
			want:      v1alpha1.JobStatus{Name: "deploy", Phase: "Waiting", Reason: "AwaitingApproval", Message: "Deploy? " + addCommand, WaitingSince: ts(50)},
		},
		{
			name: "approved", job: gated("Deploy?"), test: "Succeeded", recorded: &earlier, approvals: []v1alpha1.Approval{given}, starts: true,
			want: v1alpha1.JobStatus{Name: "deploy", Phase: "Waiting", ApprovedBy: "alice", ApprovedAt: ts(90)},
		},
		{
			name: "approved by nobody knows whom", job: gated("Deploy?"), test: "Succeeded", recorded: &earlier, approvals: []v1alpha1.Approval{given}, starts: true,
			arrange: func(f *plan.Facts) { f.Vouched = false },
			want:    v1alpha1.JobStatus{Name: "deploy", Phase: "Waiting"},
		},
		{
			name: "approved early", job: gated("Deploy?"), test: "Succeeded", approvals: []v1alpha1.Approval{given}, starts: true,
			want: v1alpha1.JobStatus{Name: "deploy", Phase: "Waiting", ApprovedBy: "alice", ApprovedAt: ts(90)},
		},
		{
			name: "approved too early", job: gated("Deploy?"), test: "Running", approvals: []v1alpha1.Approval{given},
			want: v1alpha1.JobStatus{Name: "deploy", Phase: "Waiting", Reason: "AwaitingNeeds", Message: "needs test"},
		},
		{name: "refused", job: gated("Deploy?"), test: "Succeeded", recorded: &earlier, approvals: []v1alpha1.Approval{refused}, want: ended("ApprovalRefused", "Deploy? refused by bob")},
		{name: "refused for a reason", job: gated(""), test: "Succeeded", recorded: &earlier, approvals: []v1alpha1.Approval{because}, want: ended("ApprovalRefused", `refused by bob: not on a Friday\u202e`)},
		{
			name: "refused by nobody knows whom", job: gated("Deploy?"), test: "Succeeded", recorded: &earlier, approvals: []v1alpha1.Approval{refused},
			arrange: func(f *plan.Facts) { f.Vouched = false }, want: ended("ApprovalRefused", "Deploy? refused"),
		},
		{
			name: "refused early", job: gated("Deploy?"), test: "Running", approvals: []v1alpha1.Approval{refused},
			want: v1alpha1.JobStatus{Name: "deploy", Phase: "Waiting", Reason: "AwaitingNeeds", Message: "needs test"},
		},
		{name: "refused, and skipped", job: never, test: "Succeeded", approvals: []v1alpha1.Approval{refused}, want: v1alpha1.JobStatus{Name: "deploy", Phase: "Skipped", Reason: "ConditionFalse", Message: "its condition is false: false", CompletionTime: ts(100)}},
		{name: "begins to wait for a time", job: hurried, test: "Succeeded", want: waits("Deploy? " + mergeCommand)},
		{name: "goes on waiting in time", job: hurried, test: "Succeeded", recorded: &earlier, want: earlier},
		{name: "expired", job: hurried, test: "Succeeded", recorded: &late, want: ended("ApprovalExpired", "Deploy? nobody has answered within 1m")},
		{
			name: "approved before the end was recorded", job: hurried, test: "Succeeded", recorded: &late, approvals: []v1alpha1.Approval{given}, starts: true,
			want: v1alpha1.JobStatus{Name: "deploy", Phase: "Waiting", ApprovedBy: "alice", ApprovedAt: ts(90)},
		},
		{name: "refused before the end was recorded", job: hurried, test: "Succeeded", recorded: &late, approvals: []v1alpha1.Approval{refused}, want: ended("ApprovalRefused", "Deploy? refused by bob")},
		{
			name: "cancelled after its time", job: hurried, test: "Succeeded", recorded: &late,
			arrange: func(f *plan.Facts) { f.Run.Spec.Cancelled = true },
			want:    v1alpha1.JobStatus{Name: "deploy", Phase: "Cancelled", Reason: "Cancelled", Message: "cancelled before it started", CompletionTime: ts(100)},
		},
		{
			name: "killed before it was recorded", job: gated("Deploy?"), test: "Succeeded", recorded: &earlier, approvals: []v1alpha1.Approval{given},
			arrange: func(f *plan.Facts) { withJob(f, "deploy") },
			want:    v1alpha1.JobStatus{Name: "deploy", Phase: "Running", Job: "run-deploy", QueuedTime: ts(0), ApprovedBy: "alice", ApprovedAt: ts(90)},
		},
		{
			name: "cancelled while it waits", job: gated("Deploy?"), test: "Succeeded", recorded: &earlier, approvals: []v1alpha1.Approval{given},
			arrange: func(f *plan.Facts) { f.Run.Spec.Cancelled = true },
			want:    v1alpha1.JobStatus{Name: "deploy", Phase: "Cancelled", Reason: "Cancelled", Message: "cancelled before it started", CompletionTime: ts(100)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("test"), tt.job)
			f.Vouched, f.Expressions, f.Run.Spec.Approvals = true, expressions(t), tt.approvals
			if record(f, "test", tt.test); tt.test == "Running" {
				withJob(f, "test")
			}
			if tt.recorded != nil {
				f.Run.Status.Jobs = append(f.Run.Status.Jobs, *tt.recorded)
			}
			if tt.arrange != nil {
				tt.arrange(f)
			}
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, d.Status.Jobs[1]); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if starts := len(d.Create) > 0; starts != tt.starts {
				t.Errorf("creates %v, want it to start: %t", d.Create, tt.starts)
			}
			f.Run.Status = *d.Status.DeepCopy()
			if diff := cmp.Diff(d.Status, plan.Decide(f).Status); diff != "" {
				t.Errorf("deciding again changed the status (-first +second):\n%s", diff)
			}
		})
	}
}

// A Run whose job is refused or not answered in time has failed, and what is
// behind that job is skipped. It looks again when the time is over.
func TestRefusalFailsTheRun(t *testing.T) {
	t.Parallel()
	deploy := spec("deploy")
	deploy.Approval = &v1alpha1.JobApproval{Timeout: &metav1.Duration{Duration: time.Minute}}
	f := facts(deploy, spec("announce", "deploy"))
	waits := plan.Decide(f)
	if waits.RequeueAfter != time.Minute {
		t.Errorf("asks for another look after %s", waits.RequeueAfter)
	}
	f.Run.Status = waits.Status
	f.Now = at(161)
	expired := plan.Decide(f).Status
	f.Now = at(101)
	f.Run.Spec.Approvals = []v1alpha1.Approval{{Job: "deploy", Refused: true}}
	refused := plan.Decide(f).Status
	for want, got := range map[string]v1alpha1.RunStatus{
		"job deploy failed: ApprovalExpired: nobody has answered within 1m; 0 of 2 jobs succeeded": expired,
		"job deploy failed: ApprovalRefused: refused; 0 of 2 jobs succeeded":                       refused,
	} {
		c := got.Conditions[0]
		if got.Phase != v1alpha1.RunFailed || c.Reason != "JobFailed" || c.Message != want || got.Jobs[1].Phase != v1alpha1.JobSkipped {
			t.Errorf("%s, %s: %s, want Failed, JobFailed: %s; jobs %+v", got.Phase, c.Reason, c.Message, want, got.Jobs)
		}
	}
}

// The longest names fit into the message, and so does the command in the Run's.
func TestApprovalCommandIsWhole(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 63)
	job := spec(long)
	job.Approval = &v1alpha1.JobApproval{Message: strings.Repeat("?", 256)}
	f := facts(job)
	f.Run.Name, f.Run.Namespace, f.Run.Spec.Approvals = long, long, []v1alpha1.Approval{{Job: "stray"}}
	status := plan.Decide(f).Status
	message := status.Jobs[0].Message
	if len(message) > 512 || !strings.HasSuffix(message, `"value":{"job":"`+long+`"}}]'`) {
		t.Errorf("%d bytes: %s", len(message), message)
	}
	if !strings.Contains(status.Conditions[0].Message, message) {
		t.Errorf("the Run says %q", status.Conditions[0].Message)
	}
}

// An approval that no job asks for is no reason to stop, and none to keep quiet.
func TestStrayApprovalIsMentioned(t *testing.T) {
	t.Parallel()
	f := facts(spec("test"))
	f.Run.Spec.Approvals = []v1alpha1.Approval{{Job: "tset"}, {Job: "test"}}
	const mention = "; ignored the approval of tset, test: no such job asks for one"
	d := plan.Decide(f)
	if got := d.Status.Conditions[0].Message; len(d.Create) != 1 || got != "no job has started"+mention {
		t.Errorf("creates %v and says %q", d.Create, got)
	}
	record(f, "test", v1alpha1.JobSucceeded)
	if got := plan.Decide(f).Status; got.Phase != v1alpha1.RunSucceeded || got.Conditions[0].Message != "1 of 1 jobs succeeded"+mention {
		t.Errorf("ends %s and says %q", got.Phase, got.Conditions[0].Message)
	}
}
