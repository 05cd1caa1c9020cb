package run_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/plan"
)

// addNotifiers gives the Pipeline up to three notifiers, which tell of some of
// the phases each.
func addNotifiers(rng *rand.Rand, spec *v1alpha1.PipelineSpec) {
	for i := range max(0, rng.IntN(6)-2) {
		n := v1alpha1.Notifier{Name: fmt.Sprintf("n%d", i), Template: *spec.Jobs[0].Template.DeepCopy()}
		n.Template.Spec.Template.Spec.ActiveDeadlineSeconds = new(int64(20))
		n.Template.Spec.BackoffLimit = nil
		for _, phase := range []v1alpha1.RunPhase{
			v1alpha1.RunQueued, v1alpha1.RunRunning, v1alpha1.RunSucceeded, v1alpha1.RunFailed, v1alpha1.RunCancelled,
		} {
			if chance(rng, 700) {
				n.Phases = append(n.Phases, phase)
			}
		}
		if len(n.Phases) > 0 {
			spec.Notifiers = append(spec.Notifiers, n)
		}
	}
}

// noticeFate is what becomes of a notifier's program.
func (s *simulation) noticeFate() fate {
	fates := []fate{succeeds, succeeds, succeeds, fails, hangs, refused}
	if s.plain {
		fates = fates[:1]
	}
	return fates[s.rng.IntN(len(fates))]
}

// asked returns which notifiers are to tell of the phase.
func (s *simulation) asked(phase v1alpha1.RunPhase) []string {
	var names []string
	for i := range s.pipeline.Spec.Notifiers {
		if n := &s.pipeline.Spec.Notifiers[i]; slices.Contains(n.Phases, phase) {
			names = append(names, n.Name)
		}
	}
	return names
}

// noticePhase returns the phase that the Job of a notifier tells of.
func noticePhase(made *batchv1.Job) v1alpha1.RunPhase {
	for _, variable := range made.Spec.Template.Spec.Containers[0].Env {
		if variable.Name == v1alpha1.EnvRunPhase {
			return v1alpha1.RunPhase(variable.Value)
		}
	}
	return ""
}

// checkNewNotice checks that the notice was asked for, and had not been given.
// One that somebody deleted before it was recorded may be given again.
func (s *simulation) checkNewNotice(created *batchv1.Job) {
	s.t.Helper()
	phase, name := noticePhase(created), created.Labels[v1alpha1.NotifierLabel]
	if !slices.Contains(s.asked(phase), name) {
		s.t.Errorf("Job %s tells of the phase %s, which its notifier isn't asked to", created.Name, phase)
	}
	if s.notices[created.Name]++; s.notices[created.Name] > 1 && !s.truth(created).deleted {
		s.t.Errorf("Job %s is created for the second time", created.Name)
	}
}

// due are the notifiers that have to have been tried when this status is written.
func (s *simulation) due(before, after *v1alpha1.Run) []string {
	switch {
	case after.Spec.Revision == "":
		return nil // Before it is pinned nobody knows whom to tell.
	case !equality.Semantic.DeepEqual(before.Status.Concurrency, after.Status.Concurrency) && !after.Status.Phase.Finished():
		return nil // That is recorded by itself, before anything is done for it.
	case equality.Semantic.DeepEqual(&before.Status, &after.Status):
		return nil
	}
	return s.asked(after.Status.Phase)
}

// checkNotices checks, of each status that is written, that its phase is told
// of, and that nothing about a notifier is taken back.
func (s *simulation) checkNotices(before, after *v1alpha1.Run) {
	s.t.Helper()
	find := func(r *v1alpha1.Run, name string, phase v1alpha1.RunPhase) *v1alpha1.NotifierStatus {
		for i := range r.Status.Notifiers {
			if entry := &r.Status.Notifiers[i]; entry.Name == name && entry.Phase == phase {
				return entry
			}
		}
		return nil
	}
	for _, name := range s.due(before, after) {
		if find(after, name, after.Status.Phase) == nil {
			s.t.Errorf("%s comes to %s, and notifier %s hasn't told of it: %+v", after.Name, after.Status.Phase, name, after.Status.Notifiers)
		}
	}
	for i := range before.Status.Notifiers {
		was := &before.Status.Notifiers[i]
		is := find(after, was.Name, was.Phase)
		if is == nil || (was.Job != "" && (was.Job != is.Job || was.Reason != "" && *was != *is)) {
			s.t.Errorf("a notifier of %s takes something back (-before +after):\n%s", after.Name, cmp.Diff(was, is))
		}
	}
}

// checkUntouched checks that the controller leaves a notifier alone once it has
// made it: that is nothing to stop.
func (s *simulation) checkUntouched(c change) {
	s.t.Helper()
	if obj := c.object(); s.writing && c.before != nil && obj.GetLabels()[v1alpha1.NotifierLabel] != "" {
		s.t.Errorf("the controller changes %s of a notifier:\n%s", obj.GetName(), cmp.Diff(c.before, c.after))
	}
}

// checkTold checks what was told of a Run that has ended: how it has, once, by
// each notifier that could, and of no other end.
func (s *simulation) checkTold(r *v1alpha1.Run) {
	s.t.Helper()
	for i := range r.Status.Notifiers {
		s.checkNotice(r, &r.Status.Notifiers[i])
	}
	for _, phase := range []v1alpha1.RunPhase{v1alpha1.RunSucceeded, v1alpha1.RunFailed, v1alpha1.RunCancelled} {
		for _, name := range s.asked(phase) {
			made := noticeJob(r, name, phase)
			if phase != r.Status.Phase && s.notices[made] > 0 {
				s.t.Errorf("%s is %s, and Job %s has told otherwise", r.Name, r.Status.Phase, made)
			}
		}
	}
}

// checkNotice checks what is recorded of one notice. One for which there was no
// room is given only while the Run is in the phase, and not too late.
func (s *simulation) checkNotice(r *v1alpha1.Run, entry *v1alpha1.NotifierStatus) {
	s.t.Helper()
	if s.truths[r.Name+"/"+entry.Name].outcome == refused {
		if entry.Job != "" || (entry.Reason != v1alpha1.ReasonRejected && !plan.Deferred(entry.Reason)) {
			s.t.Errorf("%s: notifier %+v, want it refused", r.Name, entry)
		}
		return
	}
	late := entry.Phase != r.Status.Phase || s.clock.Since(r.Status.CompletionTime.Time) > 10*time.Minute
	if entry.Job == "" && late && plan.Deferred(entry.Reason) {
		return
	}
	if entry.Job != noticeJob(r, entry.Name, entry.Phase) || s.notices[entry.Job] == 0 {
		s.t.Errorf("%s: notifier %+v, and its Job was made %d times", r.Name, entry, s.notices[entry.Job])
	}
}

// noticeJob is the name of the Job of one notice.
func noticeJob(r *v1alpha1.Run, name string, phase v1alpha1.RunPhase) string {
	n := v1alpha1.Notifier{Name: name}
	return job.Name(r.Name, n.JobName(phase))
}

// earlierNotice reports whether the Job may have been made for a number that its
// Run doesn't know of: the controller died before anything else had it.
func (s *simulation) earlierNotice(made *batchv1.Job) bool {
	return made.Labels[v1alpha1.NotifierLabel] != "" && s.died
}
