package plan

import (
	"strings"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// waiting is what keeps a job or service from going on, and since when.
type waiting struct {
	reason, message string
	since           *metav1.Time
}

func waitOf(s v1alpha1.JobStatus) waiting {
	return waiting{s.Reason, s.Message, s.WaitingSince}
}

func waitOfService(s v1alpha1.ServiceStatus) waiting {
	return waiting{s.Reason, s.Message, s.WaitingSince}
}

// of returns the status of a job that waits so.
func (w waiting) of(s v1alpha1.JobStatus) v1alpha1.JobStatus {
	s.Reason, s.Message, s.WaitingSince = w.reason, w.message, w.since
	return s
}

// ofService returns the status of a service that waits so.
func (w waiting) ofService(s v1alpha1.ServiceStatus) v1alpha1.ServiceStatus {
	s.Reason, s.Message, s.WaitingSince = w.reason, w.message, w.since
	return s
}

// because gives a reason to what goes on waiting. While the reason is the same the
// first message stays: such texts hold counters and others' names, and each change would
// be a write.
func (f *Facts) because(w waiting, reason, message string) waiting {
	if w.reason != reason {
		w = waiting{reason, message, nil}
	}
	if reason != "" && w.since == nil {
		w.since = f.timestamp()
	}
	return w
}

// becauseOfPod is because, with what a pod shows now: a node's first word may be that it
// couldn't read a Secret in time, and its second that there is none.
func (f *Facts) becauseOfPod(w waiting, reason, message string) waiting {
	if w.reason == reason && !alike(w.message, message) {
		w.message = message
	}
	return f.because(w, reason, message)
}

// alike reports whether the texts differ in nothing but digits.
func alike(a, b string) bool {
	return a == b || withoutDigits(a) == withoutDigits(b)
}

func withoutDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, text)
}

// explain gives a reason to a job that goes on waiting.
func (f *Facts) explain(s v1alpha1.JobStatus, reason, message string) v1alpha1.JobStatus {
	return f.because(waitOf(s), reason, message).of(s)
}

// finish records how the job has ended.
func (f *Facts) finish(s v1alpha1.JobStatus, phase v1alpha1.JobPhase, reason, message string) v1alpha1.JobStatus {
	s.Phase, s.Reason, s.Message, s.WaitingSince, s.StoppingSince = phase, reason, message, nil, nil
	if s.CompletionTime == nil {
		s.CompletionTime = f.timestamp()
	}
	return s
}
