package report

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/report/state"
)

const (
	// maxLogs is how many logs are read for a check, and logsTimeout for how long
	// together.
	maxLogs, logsTimeout = 10, 30 * time.Second
)

// Logs reads logs in a form that may leave the cluster.
type Logs interface {
	// End returns the end of a failed job's log, or why there is none.
	End(ctx context.Context, run *v1alpha1.Run, job *v1alpha1.JobStatus) state.Log
}

// send tells the host, by a check if it takes one.
func (r *Reporter) send(ctx context.Context, access *githost.Access, s *subject, want message) (isCheck bool, err error) {
	host, err := r.Opener.Open(ctx, access)
	if err != nil {
		return false, err
	}
	if checker, is := host.(githost.Checker); is {
		return true, checker.SetCheck(ctx, want.repository, s.sha, r.check(ctx, s, want))
	}
	return false, host.SetStatus(ctx, want.repository, s.sha, r.status(ctx, s, want))
}

// about is the Run that the message is about, or nil: a head is held, or the Run is gone.
func (s *subject) about(want message) *v1alpha1.Run {
	if len(s.runs) == 0 || s.last().Name != want.run {
		return nil
	}
	return s.last()
}

func (r *Reporter) check(ctx context.Context, s *subject, want message) *githost.Check {
	check := &githost.Check{Status: want.status, ID: want.id, ActionRequired: want.run == ""}
	run := s.about(want)
	if run == nil {
		return check
	}
	check.Summary = state.Summary(run)
	check.Started, check.Ended = timeOf(run.Status.StartTime), timeOf(run.Status.CompletionTime)
	if !want.ended || !ptr.Deref(s.trigger.Spec.Report.Logs, true) {
		return check
	}
	ctx, cancel := context.WithTimeout(ctx, logsTimeout)
	defer cancel()
	jobs := state.Failed(run)
	shown := jobs[:min(len(jobs), maxLogs)]
	logs := make([]state.Log, 0, len(shown))
	for i := range shown {
		logs = append(logs, r.Logs.End(ctx, run, &shown[i]))
	}
	check.Text = state.Text(logs, len(jobs)-len(shown))
	return check
}

func (r *Reporter) status(ctx context.Context, s *subject, want message) *githost.Status {
	status := want.status
	run := s.about(want)
	if run == nil || status.State != githost.Failure || !ptr.Deref(s.trigger.Spec.Report.Logs, false) {
		return &status
	}
	if jobs := state.Failed(run); len(jobs) > 0 {
		log := r.Logs.End(ctx, run, &jobs[0])
		status.Description = state.Line(status.Description, &log)
	}
	return &status
}

func timeOf(at *metav1.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.Time
}
