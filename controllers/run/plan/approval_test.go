package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		{
			name: "killed before it was recorded", job: gated("Deploy?"), test: "Succeeded", recorded: &earlier, approvals: []v1alpha1.Approval{given},
			arrange: func(f *plan.Facts) { withJob(f, "deploy") },
			want:    v1alpha1.JobStatus{Name: "deploy", Phase: "Running", Job: "run-deploy", StartTime: ts(0), ApprovedBy: "alice", ApprovedAt: ts(90)},
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
