package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// notified are facts of a Run that has ended at second 90, with one notifier.
func notified(phase v1alpha1.RunPhase, entries ...v1alpha1.NotifierStatus) *plan.Facts {
	f := facts()
	f.Spec.Notifiers = []v1alpha1.Notifier{{Name: "chat", Phases: []v1alpha1.RunPhase{"Running", "Failed", "Cancelled"}}}
	f.Run.CreationTimestamp = *ts(0)
	f.Run.Status = v1alpha1.RunStatus{Phase: phase, Number: 3, StartTime: ts(10), Notifiers: entries}
	if phase.Finished() {
		f.Run.Status.CompletionTime = ts(90)
	}
	f.Notices = map[plan.Notice]plan.NoticeOutcome{}
	return f
}

// told is the Job of the notifier for that phase.
func told(f *plan.Facts, phase v1alpha1.RunPhase, opts ...jobOption) {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ci", Name: "run-chat", UID: "job-chat", Labels: map[string]string{v1alpha1.NotifierLabel: "chat"},
	}}
	for _, opt := range opts {
		opt(job)
	}
	f.Notices[plan.Notice{Notifier: "chat", Phase: phase}] = plan.NoticeOutcome{Job: job}
}

func refusedNotice(f *plan.Facts, reason, message string) {
	f.Notices[plan.Notice{Notifier: "chat", Phase: "Failed"}] = plan.NoticeOutcome{Refusal: plan.Refusal{Reason: reason, Message: message}}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	entry := func(phase v1alpha1.RunPhase, job, reason, message string) v1alpha1.NotifierStatus {
		return v1alpha1.NotifierStatus{Name: "chat", Phase: phase, Job: job, Reason: reason, Message: message}
	}
	failed := plan.Notice{Notifier: "chat", Phase: "Failed"}
	type result struct {
		Notify  []plan.Notice
		Status  []v1alpha1.NotifierStatus
		Requeue time.Duration
	}
	for _, tt := range []struct {
		name string
		f    *plan.Facts
		set  func(*plan.Facts)
		want result
	}{
		{name: "a phase that nobody asks for", f: notified("Succeeded")},
		{name: "to be told", f: notified("Failed"), want: result{Notify: []plan.Notice{failed}, Status: []v1alpha1.NotifierStatus{entry("Failed", "", "", "")}}},
		{
			name: "nobody has come to tell it", f: notified("Failed", entry("Failed", "", "", "")), set: func(f *plan.Facts) { f.Now = at(90 + 23*60*60) },
			want: result{Notify: []plan.Notice{failed}, Status: []v1alpha1.NotifierStatus{entry("Failed", "", "", "")}},
		},
		{
			name: "nobody has come to tell it for a day", f: notified("Failed", entry("Failed", "", "", "")), set: func(f *plan.Facts) { f.Now = at(90 + 24*60*60) },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "", "", "")}},
		},
		{
			name: "told of an earlier phase", f: notified("Failed", entry("Running", "j", "", "")),
			want: result{Notify: []plan.Notice{failed}, Status: []v1alpha1.NotifierStatus{entry("Running", "j", "", ""), entry("Failed", "", "", "")}},
		},
		{
			name: "told now", f: notified("Failed"), set: func(f *plan.Facts) { told(f, "Failed") },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "run-chat", "", "")}},
		},
		{
			name: "told before it could be recorded, and it has failed", f: notified("Failed"), set: func(f *plan.Facts) { told(f, "Failed", backoffLimit(95)) },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "run-chat", "", "")}},
		},
		{
			name: "told before", f: notified("Failed", entry("Failed", "run-chat", "", "")), set: func(f *plan.Facts) { told(f, "Failed") },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "run-chat", "", "")}},
		},
		{
			name: "refused", f: notified("Failed"), set: func(f *plan.Facts) { refusedNotice(f, v1alpha1.ReasonRejected, "no such policy") },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "", "Rejected", "no such policy")}},
		},
		{
			name: "refused before", f: notified("Failed", entry("Failed", "", "Rejected", "no")),
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "", "Rejected", "no")}},
		},
		{
			name: "no room", f: notified("Failed"), set: func(f *plan.Facts) { refusedNotice(f, v1alpha1.ReasonQuotaExceeded, "used 4 of 4") },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "", "QuotaExceeded", "used 4 of 4")}, Requeue: 15 * time.Second},
		},
		{
			name: "still no room", f: notified("Failed", entry("Failed", "", "QuotaExceeded", "used 4 of 4")),
			set:  func(f *plan.Facts) { refusedNotice(f, v1alpha1.ReasonQuotaExceeded, "used 5 of 4") },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "", "QuotaExceeded", "used 4 of 4")}, Requeue: 15 * time.Second},
		},
		{
			name: "had no room", f: notified("Failed", entry("Failed", "", "QuotaExceeded", "used 4 of 4")),
			want: result{Notify: []plan.Notice{failed}, Status: []v1alpha1.NotifierStatus{entry("Failed", "", "QuotaExceeded", "used 4 of 4")}},
		},
		{
			name: "room again", f: notified("Failed", entry("Failed", "", "QuotaExceeded", "used 4 of 4")),
			set:  func(f *plan.Facts) { told(f, "Failed") },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "run-chat", "", "")}},
		},
		{
			name: "no room for ten minutes", f: notified("Failed", entry("Failed", "", "QuotaExceeded", "used 4 of 4")),
			set:  func(f *plan.Facts) { f.Now = at(90 + 10*60) },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "", "QuotaExceeded", "used 4 of 4")}},
		},
		{
			name: "no room before the Run went on", f: notified("Failed", entry("Running", "", "CreateError", "timeout")),
			set:  func(f *plan.Facts) { told(f, "Failed") },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Running", "", "CreateError", "timeout"), entry("Failed", "run-chat", "", "")}},
		},
		{
			name: "what is refused says little", f: notified("Failed"), set: func(f *plan.Facts) { refusedNotice(f, v1alpha1.ReasonRejected, strings.Repeat("x", 1000)) },
			want: result{Status: []v1alpha1.NotifierStatus{entry("Failed", "", "Rejected", strings.Repeat("x", 511)+"…")}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.set != nil {
				tt.set(tt.f)
			}
			recorded := tt.f.Run.Status.DeepCopy()
			d := plan.Decide(tt.f)
			if diff := cmp.Diff(tt.want, result{d.Notify, d.Status.Notifiers, d.RequeueAfter}); diff != "" {
				t.Errorf("notifiers (-want +got):\n%s", diff)
			}
			d.Status.Notifiers, recorded.Notifiers = nil, nil
			if diff := cmp.Diff(*recorded, d.Status); diff != "" {
				t.Errorf("a notifier changed the Run (-before +after):\n%s", diff)
			}
		})
	}
}

// What a notifier comes to is only recorded if it has failed.
func TestNotifierEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		job         []jobOption
		pod         []podOption
		want        outcome
		wantRequeue time.Duration
	}{
		{name: "running", pod: []podOption{}},
		{name: "succeeded", job: []jobOption{verdict(batchv1.JobComplete, "", "", 95)}, pod: []podOption{exit(0, "Completed", 94), podPhase(corev1.PodSucceeded)}},
		{
			name: "failed", job: []jobOption{backoffLimit(95)}, pod: []podOption{exit(1, "Error", 94), podPhase(corev1.PodFailed)},
			want: outcome{Reason: "Error", Message: "container main exited with code 1"},
		},
		{name: "failed, and its pod has yet to say so", job: []jobOption{backoffLimit(95)}, pod: []podOption{}, wantRequeue: 10 * time.Second},
		{
			name: "too slow", job: []jobOption{backoffLimit(95)}, pod: []podOption{deadline(600), podPhase(corev1.PodFailed), podReason("DeadlineExceeded", "")},
			want: outcome{Reason: "TimedOut", Message: "stopped after its timeout of 10m"},
		},
		{name: "failed without a pod", job: []jobOption{backoffLimit(95)}, want: outcome{Reason: "PodDeleted", Message: "the pod was deleted before it had ended"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := notified("Failed", v1alpha1.NotifierStatus{Name: "chat", Phase: "Failed", Job: "run-chat"})
			told(f, "Failed", tt.job...)
			if tt.pod != nil {
				withPod(f, "chat", "pod", tt.pod...)
			}
			d := plan.Decide(f)
			got := d.Status.Notifiers[0]
			if diff := cmp.Diff(tt.want, outcome{Reason: got.Reason, Message: got.Message}); diff != "" {
				t.Errorf("notifier (-want +got):\n%s", diff)
			}
			if d.RequeueAfter != tt.wantRequeue {
				t.Errorf("looks again after %s, want %s", d.RequeueAfter, tt.wantRequeue)
			}
		})
	}
}

func TestAwaitsNotice(t *testing.T) {
	t.Parallel()
	quota := v1alpha1.NotifierStatus{Name: "chat", Phase: "Failed", Reason: v1alpha1.ReasonQuotaExceeded}
	for name, tt := range map[string]struct {
		f    *plan.Facts
		want bool
	}{
		"none":           {notified("Failed"), false},
		"deferred":       {notified("Failed", quota), true},
		"of a past time": {notified("Cancelled", quota), false},
	} {
		if got := tt.f.AwaitsNotice(); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	late := notified("Failed", quota)
	late.Now = at(90 + 10*60)
	if late.AwaitsNotice() {
		t.Error("tries for ever")
	}
}
