package plan

import (
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// Question is about an object that keeps a job from starting, and doesn't show why:
// its events may.
type Question struct {
	// Job is the name of the job or service in the Pipeline, or stands for what a
	// notifier tells.
	Job string
	// UID of its Job or pod.
	UID types.UID
	// Explain returns what the events of the object say, with a blank reason if
	// nothing.
	Explain func([]corev1.Event) evidence.Why
}

// Unexplained returns what to ask events for. Nobody is told of events, which
// are too many to watch, so they are asked for late, and not again while the job
// shows what they said.
func (f *Facts) Unexplained() []Question {
	var found []Question
	for i := range f.Spec.Jobs {
		if s := f.recorded(f.Spec.Jobs[i].Name); !s.Phase.Finished() {
			found = f.ask(f.part(s.Name), waitOf(s), found)
		}
	}
	for i := range f.Spec.Services {
		if s := f.recordedService(f.Spec.Services[i].Name); !s.Phase.Finished() {
			found = f.ask(f.part(s.Name), waitOfService(s), found)
		}
	}
	return f.lateNotices(found)
}

func (f *Facts) ask(p part, w waiting, found []Question) []Question {
	if p.job == nil || evidence.Suspended(p.job) {
		return found
	}
	if late := evidence.LatePod(p.job, p.pods); late != nil {
		return append(found, Question{p.name, late.UID, evidence.LateFailure})
	}
	if evidence.Finished(p.job) {
		return found
	}
	switch stalled := evidence.StalledPod(p.pods); {
	case evidence.AwaitsPod(p.job, p.pods):
		if w.reason != v1alpha1.ReasonFailedCreate && p.job.Status.StartTime != nil && p.job.Status.Active == 0 && f.patience(p, w) <= 0 {
			return append(found, Question{p.name, p.job.UID, evidence.CreateFailure})
		}
	case stalled != nil && !evidence.SaidByEvents(w.reason) && f.stalledFor(stalled) >= f.explainAfter():
		return append(found, Question{p.name, stalled.UID, evidence.StartFailure})
	}
	return found
}

// lateNotices adds the pods of notifiers that have failed without having begun.
func (f *Facts) lateNotices(found []Question) []Question {
	for i := range f.Run.Status.Notifiers {
		s := &f.Run.Status.Notifiers[i]
		job := f.Notices[Notice{Notifier: s.Name, Phase: s.Phase}].Job
		if job == nil || s.Reason != "" {
			continue
		}
		if pod := evidence.LatePod(job, f.podsOf(job)); pod != nil {
			found = append(found, Question{noticeKey(s), pod.UID, evidence.LateFailure})
		}
	}
	return found
}

// Unproven reports whether a Job has its verdict, and no pod shows how it has ended.
// What the cache shows now would count for good, so the API server is asked for the
// pods first.
func (f *Facts) Unproven() bool {
	return slices.ContainsFunc(f.Spec.Jobs, func(job v1alpha1.Job) bool { return f.lacksProof(f.part(job.Name)) }) ||
		slices.ContainsFunc(f.Spec.Services, func(service v1alpha1.Service) bool { return f.serviceLacksProof(f.part(service.Name)) }) ||
		slices.ContainsFunc(f.Run.Status.Notifiers, f.noticeLacksProof)
}

func (f *Facts) lacksProof(p part) bool {
	return p.job != nil && !f.recorded(p.name).Phase.Finished() && evidence.Unproven(p.job, p.pods, f.Now)
}

func (f *Facts) serviceLacksProof(p part) bool {
	return p.job != nil && !f.recordedService(p.name).Phase.Finished() && evidence.UnprovenFailure(p.job, p.pods, f.Now)
}

func (f *Facts) noticeLacksProof(s v1alpha1.NotifierStatus) bool {
	job := f.Notices[Notice{Notifier: s.Name, Phase: s.Phase}].Job
	return job != nil && s.Reason == "" && evidence.UnprovenFailure(job, f.podsOf(job), f.Now)
}

// Unwitnessed returns, by job, the Jobs that are complete and whose pod is gone
// before anybody saw how it had ended: it was removed with its node, or while
// the controller was away. The pod's events may still tell.
func (f *Facts) Unwitnessed() map[string]*batchv1.Job {
	found := map[string]*batchv1.Job{}
	for i := range f.Spec.Jobs {
		p := f.part(f.Spec.Jobs[i].Name)
		if f.lacksProof(p) && len(p.pods) == 0 && evidence.Condition(p.job, batchv1.JobComplete) != nil {
			found[p.name] = p.job
		}
	}
	return found
}

// MayRelease reports whether the Run may ever give its place back before it ends.
// Services run as long as it does, so that one that has some never does.
func (f *Facts) MayRelease() bool {
	return f.Spec.Concurrency != nil && len(f.Spec.Services) == 0 &&
		slices.ContainsFunc(f.Spec.Jobs, func(job v1alpha1.Job) bool { return job.Approval != nil })
}

// AwaitsNotice reports whether the Run, as it is recorded, has a notifier whose
// Job is still to be created.
func (f *Facts) AwaitsNotice() bool {
	s := &f.Run.Status
	return slices.ContainsFunc(s.Notifiers, func(entry v1alpha1.NotifierStatus) bool { return f.waits(&entry, s) })
}
