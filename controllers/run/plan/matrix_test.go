package plan_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// cell is what a decision makes of a job that was recorded in some phase when
// something is observed. The zero cell is an expectation that nobody has
// written.
type cell struct {
	stays           bool // as it was recorded
	phase           v1alpha1.JobPhase
	reason, message string
	completed       int  // the second; 0: it has not ended
	waits           bool // since now
	attempts        int32
	disrupted       int // the second; 0: it was not
	create, stop    bool
	stopping        bool // since now
	ended, removed  bool
	looks           time.Duration // again, at the latest
	// Once the status is recorded, and not before.
	laterStop, laterEnded, laterRemoved bool
}

// byPhase has a cell for each phase that a job may be recorded in.
type byPhase struct {
	waiting, running, succeeded, failed, skipped, cancelled cell
}

func (p byPhase) of(phase v1alpha1.JobPhase) cell {
	return map[v1alpha1.JobPhase]cell{
		v1alpha1.JobWaiting: p.waiting, v1alpha1.JobRunning: p.running, v1alpha1.JobSucceeded: p.succeeded,
		v1alpha1.JobFailed: p.failed, v1alpha1.JobSkipped: p.skipped, v1alpha1.JobCancelled: p.cancelled,
	}[phase]
}

// allPhases reads the phases from where the API says which there are.
func allPhases(t *testing.T) []v1alpha1.JobPhase {
	t.Helper()
	source, err := os.ReadFile("../../../api/v1alpha1/run_types.go")
	if err != nil {
		t.Fatal(err)
	}
	enum := regexp.MustCompile(`Enum=([A-Za-z;]+)\ntype JobPhase `).FindSubmatch(source)
	if enum == nil {
		t.Fatal("the API doesn't say which phases a job has")
	}
	var phases []v1alpha1.JobPhase
	for name := range strings.SplitSeq(string(enum[1]), ";") {
		phases = append(phases, v1alpha1.JobPhase(name))
	}
	return phases
}

// recordedAs is what an earlier decision has recorded of job `a`.
func recordedAs(phase v1alpha1.JobPhase) v1alpha1.JobStatus {
	s := v1alpha1.JobStatus{Name: "a", Phase: phase}
	if phase != v1alpha1.JobWaiting && phase != v1alpha1.JobSkipped {
		s.Job, s.QueuedTime = "run-a", ts(0)
	}
	if phase.Finished() {
		s.CompletionTime = ts(50)
	}
	if phase.Finished() && phase != v1alpha1.JobSucceeded {
		s.Reason, s.Message = "Before", "recorded before"
	}
	return s
}

// status returns what the cell says is recorded.
func (c cell) status(before v1alpha1.JobStatus, started bool) v1alpha1.JobStatus {
	if c.stopping {
		before.StoppingSince = ts(100)
	}
	if c.stays {
		return before
	}
	s := v1alpha1.JobStatus{Name: "a", Phase: c.phase, Reason: c.reason, Message: c.message, Job: before.Job, QueuedTime: before.QueuedTime}
	if c.completed > 0 {
		s.CompletionTime = ts(c.completed)
	}
	if c.waits {
		s.WaitingSince = ts(100)
	}
	if c.waits && c.phase == v1alpha1.JobWaiting && before.QueuedTime == nil {
		s.QueuedTime = ts(100)
	}
	s.Attempts, s.StoppingSince = c.attempts, before.StoppingSince
	if c.disrupted > 0 {
		s.Disruptions, s.LastDisruptionTime = 1, ts(c.disrupted)
	}
	if c.create {
		s.Job, s.QueuedTime = "run-a", ts(100)
	} else if started {
		s.Job, s.QueuedTime = "run-a", ts(0)
	}
	return s
}

func (c cell) later() actions {
	return cell{stop: c.laterStop, ended: c.laterEnded, removed: c.laterRemoved}.actions()
}

func (c cell) actions() actions {
	var a actions
	if c.create {
		a.Create = []string{"a"}
	}
	if c.ended {
		a.EndJobs = []string{"a"}
	}
	if c.removed {
		a.DeleteJobs = []string{"a"}
	}
	if c.stop {
		a.StopPods = []types.NamespacedName{{Namespace: "ci", Name: "pod"}}
	}
	return a
}

// TestEveryPhaseMeetsEveryEvent records job `a` in each phase, lets each thing
// be observed of it, does what is asked for, and compares what is recorded
// then. Deciding again must change nothing, and ask for nothing.
func TestEveryPhaseMeetsEveryEvent(t *testing.T) {
	t.Parallel()
	for _, phase := range allPhases(t) {
		for _, tt := range events(t) {
			t.Run(string(phase)+", "+tt.name, func(t *testing.T) {
				t.Parallel()
				want := tt.want.of(phase)
				if want == (cell{}) {
					t.Fatal("nobody says what is expected")
				}
				f := facts(spec("a"))
				before := recordedAs(phase)
				tt.observed(f)
				f.Run.Status.Jobs = append(f.Run.Status.Jobs, before)
				checkCell(t, f, want, before)
			})
		}
	}
}

func checkCell(t *testing.T, f *plan.Facts, want cell, before v1alpha1.JobStatus) {
	t.Helper()
	started := f.Jobs["a"] != nil
	first := plan.Decide(f)
	if diff := cmp.Diff(want.actions(), actionsOf(first)); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	perform(f, &first)
	second := plan.Decide(f)
	// When a pod got its node and started is TestTimes' to compare.
	times := cmpopts.IgnoreFields(v1alpha1.JobStatus{}, "ScheduledTime", "StartTime")
	if diff := cmp.Diff(want.status(before, started), jobOf(second), times); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if second.RequeueAfter != want.looks {
		t.Errorf("another look after %s, want %s", second.RequeueAfter, want.looks)
	}
	if second.Acts() {
		t.Errorf("having done what was asked for, it asks for %+v", actionsOf(second))
	}
	if second.Step != plan.Record && second.Step != plan.Nothing {
		t.Errorf("having done what was asked for, its step is %q", second.Step)
	}
	f.Run.Status = *second.Status.DeepCopy()
	third := plan.Decide(f)
	if diff := cmp.Diff(want.later(), actionsOf(third)); diff != "" {
		t.Errorf("actions after the status is recorded (-want +got):\n%s", diff)
	}
	perform(f, &third)
	fourth := plan.Decide(f)
	if diff := cmp.Diff(second.Status, fourth.Status); diff != "" || fourth.Acts() {
		t.Errorf("deciding again asks for %+v and changes the status (-before +after):\n%s", actionsOf(fourth), diff)
	}
}

func jobOf(d plan.Decision) v1alpha1.JobStatus { return d.Status.Jobs[len(d.Status.Jobs)-1] }

// perform does what was decided, as the caller of Decide does.
func perform(f *plan.Facts, d *plan.Decision) {
	for range d.Create {
		withJob(f, "a", func(j *batchv1.Job) { j.CreationTimestamp = *ts(100) })
	}
	for _, name := range d.SpareJobs {
		f.Jobs[name].Spec.BackoffLimit = new(int32(6))
	}
	for _, name := range d.CompleteJobs {
		f.Jobs[name].Spec.Completions, f.Jobs[name].Spec.Parallelism = new(int32(0)), new(int32(0))
	}
	for _, name := range d.EndJobs {
		f.Jobs[name].Spec.ActiveDeadlineSeconds = new(int64(0))
	}
	for _, name := range d.DeleteJobs {
		delete(f.Jobs, name)
	}
	for _, stopped := range d.StopPods {
		for _, pods := range f.Pods {
			for i := range pods {
				if pods[i].Name == stopped.Name {
					pods[i].Spec.ActiveDeadlineSeconds = new(int64(1))
				}
			}
		}
	}
}
