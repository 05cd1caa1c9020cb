package run_test

import (
	"slices"
	"strconv"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// checkChange checks what must hold of each single write.
func (s *simulation) checkChange(c change) {
	s.t.Helper()
	s.checkUntouched(c)
	s.checkUntampered(c)
	s.checkKept(c)
	s.noteRoom(c)
	switch obj := c.object().(type) {
	case *batchv1.Job:
		if c.before == nil {
			s.checkDefaults(obj)
		}
		switch {
		case c.before != nil:
		case obj.Labels[v1alpha1.NotifierLabel] != "":
			s.checkNewNotice(obj)
		default:
			s.checkNewJob(obj)
		}
	case *v1alpha1.Run:
		if c.before == nil {
			s.enroll(obj)
		}
		if c.before != nil && c.after != nil {
			before := as[*v1alpha1.Run](c.before)
			s.checkProgress(before, obj)
			s.checkNotices(before, obj)
			s.checkExplained(before, obj)
			s.checkPlaces(before, obj)
		}
	}
}

// checkNewJob checks that the job was to be started, and had not been.
func (s *simulation) checkNewJob(created *batchv1.Job) {
	s.t.Helper()
	s.checkAdmitted(created)
	s.checkClaim(created)
	truth := s.truth(created)
	if truth.created++; truth.created > 1 && (!truth.deleted || s.recorded(created)) {
		s.t.Errorf("Job %s is created for the second time", created.Name)
	}
	finally := truth.outcome != serves && s.spec(created.Labels[v1alpha1.JobLabel]).Finally
	if s.believes.Spec.Cancelled && !finally || s.believes.Status.Phase.Finished() {
		s.t.Errorf("Job %s is created for a Run that is known to be cancelled (%t) and %s", created.Name, s.believes.Spec.Cancelled, s.believes.Status.Phase)
	}
	if truth.outcome == serves {
		return
	}
	spec := s.spec(created.Labels[v1alpha1.JobLabel])
	s.checkApproved(created, spec)
	s.checkTurn(created)
	s.checkBefore(created, spec)
}

// checkBefore checks that what the job comes after is as it has to be.
func (s *simulation) checkBefore(created *batchv1.Job, spec *v1alpha1.Job) {
	s.t.Helper()
	of := created.Labels[v1alpha1.RunLabel]
	for i := range s.pipeline.Spec.Services {
		if name := s.pipeline.Spec.Services[i].Name; !spec.Finally && !s.truths[of+"/"+name].passed {
			s.t.Errorf("Job %s is created before service %s was ready", created.Name, name)
		}
	}
	for _, name := range graph.Ancestors(s.pipeline.Spec.Jobs, spec.Name) {
		if spec.If == "" && !spec.Finally && !s.spec(name).AllowFailure && !s.truths[of+"/"+name].passed || s.goesOn(of, name) {
			s.t.Errorf("Job %s is created if %q, and job %s, which it needs, has not come to that", created.Name, spec.If, name)
		}
	}
}

// checkTurn checks that no more jobs of the Run run than may, none of them beside
// a failure that is to end it.
func (s *simulation) checkTurn(created *batchv1.Job) {
	s.t.Helper()
	finally := s.spec(created.Labels[v1alpha1.JobLabel]).Finally
	if s.pipeline.Spec.FailFast && !finally && slices.ContainsFunc(s.believes.Status.Jobs, func(status v1alpha1.JobStatus) bool { return status.HasFailed() }) {
		s.t.Errorf("Job %s is created for a Run that is known to have failed", created.Name)
	}
	most, running := s.pipeline.Spec.MaxParallel, int32(0)
	for i := range s.pipeline.Spec.Jobs {
		if s.goesOn(created.Labels[v1alpha1.RunLabel], s.pipeline.Spec.Jobs[i].Name) {
			running++
		}
	}
	if most != nil && running > *most {
		s.t.Errorf("with Job %s %d jobs run at a time", created.Name, running)
	}
}

// goesOn reports whether a job of the Run runs, and hasn't been told to end.
func (s *simulation) goesOn(of, name string) bool {
	made, found := s.server.objects["Job"][job.Name(of, name)].(*batchv1.Job)
	truth := s.truths[of+"/"+name]
	toldToEnd := found && (ptr.Deref(made.Spec.Suspend, false) || ptr.Deref(made.Spec.ActiveDeadlineSeconds, 1) == 0)
	return found && !toldToEnd && !truth.outcome.stuck() && !truth.passed && !truth.touched && !truth.disrupted && !s.recordedEnd(of, name) &&
		!jobHas(made, batchv1.JobComplete) && !jobHas(made, batchv1.JobFailed)
}

func (s *simulation) recordedEnd(of, name string) bool {
	r, found := s.server.objects["Run"][of].(*v1alpha1.Run)
	return found && slices.ContainsFunc(r.Status.Jobs, func(status v1alpha1.JobStatus) bool {
		return status.Name == name && status.Phase.Finished()
	})
}

// recorded reports whether the Run's status knows that the Job was made. Of one
// that was deleted before nothing tells.
func (s *simulation) recorded(made *batchv1.Job) bool {
	r, found := s.server.objects["Run"][made.Labels[v1alpha1.RunLabel]].(*v1alpha1.Run)
	return found && slices.ContainsFunc(r.Status.Jobs, func(status v1alpha1.JobStatus) bool { return status.Job == made.Name }) ||
		found && slices.ContainsFunc(r.Status.Services, func(status v1alpha1.ServiceStatus) bool { return status.Job == made.Name })
}

func (s *simulation) spec(name string) *v1alpha1.Job {
	i := slices.IndexFunc(s.pipeline.Spec.Jobs, func(job v1alpha1.Job) bool { return job.Name == name })
	return &s.pipeline.Spec.Jobs[i]
}

func runOrder() []v1alpha1.RunPhase {
	return []v1alpha1.RunPhase{"", v1alpha1.RunQueued, v1alpha1.RunRunning}
}

// checkProgress checks that a Run's status never takes anything back.
func (s *simulation) checkProgress(before, after *v1alpha1.Run) {
	s.t.Helper()
	was, is := before.Status.DeepCopy(), after.Status.DeepCopy()
	was.Notifiers, is.Notifiers = nil, nil
	if was.Workspace == v1alpha1.WorkspaceDeleting && is.Workspace == v1alpha1.WorkspaceDeleted {
		was.Workspace = is.Workspace
	}
	if was.Number == 0 {
		is.Number = 0 // Claimed to tell of the Run, which may be later.
	}
	if was.Phase.Finished() && !equality.Semantic.DeepEqual(was, is) {
		s.t.Errorf("the status of %s, which has ended, changes (-before +after):\n%s", after.Name, cmp.Diff(was, is))
	}
	if !is.Phase.Finished() && slices.Index(runOrder(), was.Phase) > slices.Index(runOrder(), is.Phase) {
		s.t.Errorf("%s goes from %s to %s", after.Name, was.Phase, is.Phase)
	}
	if (was.Number != 0 && was.Number != is.Number) || (was.StartTime != nil && !was.StartTime.Equal(is.StartTime)) {
		s.t.Errorf("%s has number %d and was started at %v; before %d, %v", after.Name, is.Number, is.StartTime, was.Number, was.StartTime)
	}
	for i := range was.Jobs {
		if i >= len(is.Jobs) || was.Jobs[i].Name != is.Jobs[i].Name {
			s.t.Errorf("the jobs of %s change (-before +after):\n%s", after.Name, cmp.Diff(was.Jobs, is.Jobs))
			return
		}
		s.checkJobProgress(after.Name, &was.Jobs[i], &is.Jobs[i])
	}
}

func (s *simulation) checkJobProgress(of string, was, is *v1alpha1.JobStatus) {
	s.t.Helper()
	back := was.Phase == v1alpha1.JobRunning && is.Phase == v1alpha1.JobWaiting
	if was.Phase == v1alpha1.JobCancelled && was.Job == "" {
		was = was.DeepCopy()
		was.Job = is.Job // Found later.
	}
	// A later attempt has not started, but a job stays due, and no pod's times are older than those before.
	lost := was.Job != "" && was.Job != is.Job || was.QueuedTime != nil && !was.QueuedTime.Equal(is.QueuedTime) ||
		is.StartTime.Before(was.StartTime) || is.ScheduledTime.Before(was.ScheduledTime) || is.ScheduledTime.Before(is.QueuedTime) || is.StartTime.Before(is.ScheduledTime)
	if back || lost || (was.Phase.Finished() && !equality.Semantic.DeepEqual(was, is)) {
		s.t.Errorf("job %s of %s takes something back (-before +after):\n%s", is.Name, of, cmp.Diff(was, is))
	}
}

// checkEnd checks what everything has come to.
func (s *simulation) checkEnd() {
	s.t.Helper()
	runs := stored[*v1alpha1.Run](s, "Run")
	numbers := map[int64]string{}
	for _, r := range runs {
		if !r.Status.Phase.Finished() {
			s.t.Errorf("%s is %s, and nothing is ever going to happen: %+v", r.Name, r.Status.Phase, r.Status)
			continue
		}
		if other, taken := numbers[r.Status.Number]; taken && r.Status.Number > 0 {
			s.t.Errorf("%s and %s have number %d", r.Name, other, r.Status.Number)
		}
		numbers[r.Status.Number] = r.Name
		s.checkRun(r)
		s.checkTold(r)
		s.checkPlace(r)
		s.checkClaimStays(r)
	}
	for _, left := range stored[*corev1.Service](s, "Service") {
		s.t.Errorf("Service %s is left behind", left.Name)
	}
	for _, made := range stored[*batchv1.Job](s, "Job") {
		s.checkJobAtRest(made)
	}
	s.checkCost()
	s.checkIdle("once more")
	s.start()
	s.checkIdle("after a restart")
}

// checkIdle reconciles every Run, which must write nothing.
func (s *simulation) checkIdle(when string) {
	s.t.Helper()
	for _, r := range stored[*v1alpha1.Run](s, "Run") {
		before := len(s.writes)
		key := types.NamespacedName{Namespace: r.Namespace, Name: r.Name}
		result, err := s.reconciler.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: key})
		if err != nil || result.RequeueAfter > 0 || len(s.writes) > before {
			s.t.Errorf("%s, %s: %v, %v, writes %v; want nothing", when, r.Name, result, err, s.writes[before:])
		}
	}
}

// checkJobAtRest checks that what is left of a Job agrees with its Run.
func (s *simulation) checkJobAtRest(made *batchv1.Job) {
	s.t.Helper()
	r, found := s.server.objects["Run"][made.Labels[v1alpha1.RunLabel]].(*v1alpha1.Run)
	if !found {
		s.t.Errorf("Job %s is of no Run", made.Name)
		return
	}
	if got, want := made.Annotations[job.NumberAnnotation], strconv.FormatInt(r.Status.Number, 10); got != want && !s.stale && !s.earlierNotice(made) {
		s.t.Errorf("Job %s has number %s, its Run %s", made.Name, got, want)
	}
	s.checkJobHasEnded(r, made)
	for _, pod := range s.podsOf(made) {
		if !ended(pod) {
			s.t.Errorf("%s has ended, and pod %s runs", r.Name, pod.Name)
		}
	}
}

// checkRun compares a Run that has ended with what really happened.
func (s *simulation) checkRun(r *v1alpha1.Run) {
	s.t.Helper()
	phases := map[string]v1alpha1.JobPhase{}
	for i := range r.Status.Jobs {
		status := &r.Status.Jobs[i]
		phases[status.Name] = status.Phase
		if status.FailureAllowed {
			phases[status.Name] = v1alpha1.JobSucceeded // To the others.
		}
		if allowed := s.spec(status.Name).AllowFailure && status.Phase == v1alpha1.JobFailed; status.FailureAllowed != allowed {
			s.t.Errorf("%s: the failure of job %s is allowed: %t, want %t", r.Name, status.Name, status.FailureAllowed, allowed)
		}
		s.checkJob(r, status, phases)
	}
	if len(phases) != len(s.pipeline.Spec.Jobs) {
		if r.Spec.Cancelled && len(phases) == 0 {
			return
		}
		s.t.Errorf("%s has the jobs %v", r.Name, phases)
	}
	s.checkFailFast(r)
	if want := s.verdictOf(r, phases); r.Status.Phase != want {
		s.t.Errorf("%s is %s, want %s of jobs %v", r.Name, r.Status.Phase, want, phases)
	}
	if reasonOf(r) == v1alpha1.ReasonTimedOut && r.Status.CompletionTime.Sub(r.Status.StartTime.Time) < s.pipeline.Spec.Timeout.Duration {
		s.t.Errorf("%s has timed out after %s", r.Name, r.Status.CompletionTime.Sub(r.Status.StartTime.Time))
	}
}

// reasonOf is why the Run has ended.
func reasonOf(r *v1alpha1.Run) string {
	if c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.SucceededCondition); c != nil {
		return c.Reason
	}
	return ""
}

// cutShort reports whether the Run was ended before its graph had.
func cutShort(r *v1alpha1.Run) bool {
	return r.Spec.Cancelled || displaced(r) || reasonOf(r) == v1alpha1.ReasonJobFailed && has(r, v1alpha1.JobCancelled) || reasonOf(r) == v1alpha1.ReasonTimedOut || reasonOf(r) == v1alpha1.ReasonServiceFailed
}

func has(r *v1alpha1.Run, phase v1alpha1.JobPhase) bool {
	return slices.ContainsFunc(r.Status.Jobs, func(s v1alpha1.JobStatus) bool { return s.Phase == phase })
}

// checkFailFast checks that a failure ends a Run if it is to, and else doesn't.
func (s *simulation) checkFailFast(r *v1alpha1.Run) {
	s.t.Helper()
	if reasonOf(r) != v1alpha1.ReasonJobFailed {
		return
	}
	if has(r, v1alpha1.JobCancelled) && !s.pipeline.Spec.FailFast {
		s.t.Errorf("%s has jobs that were cancelled for a failure: %+v", r.Name, r.Status.Jobs)
	}
}

// verdictOf is a Run's phase by its jobs', and by what has cut it short.
func (s *simulation) verdictOf(r *v1alpha1.Run, phases map[string]v1alpha1.JobPhase) v1alpha1.RunPhase {
	s.t.Helper()
	has := map[v1alpha1.JobPhase]bool{}
	for _, phase := range phases {
		has[phase] = true
	}
	switch reason := reasonOf(r); {
	case reason == v1alpha1.ReasonServiceFailed:
		if !slices.ContainsFunc(s.pipeline.Spec.Services, func(service v1alpha1.Service) bool {
			truth := s.truths[r.Name+"/"+service.Name]
			return truth.touched || truth.disrupted
		}) {
			s.t.Errorf("%s says that a service has failed, and none has", r.Name)
		}
		return v1alpha1.RunFailed
	case has[v1alpha1.JobCancelled] && reason != v1alpha1.ReasonTimedOut && reason != v1alpha1.ReasonJobFailed:
		return v1alpha1.RunCancelled
	case has[v1alpha1.JobCancelled], has[v1alpha1.JobFailed]:
		return v1alpha1.RunFailed
	}
	return v1alpha1.RunSucceeded
}

// checkJob compares what is recorded of a job with what really happened to it.
// Phases are those of the jobs before it.
func (s *simulation) checkJob(r *v1alpha1.Run, got *v1alpha1.JobStatus, phases map[string]v1alpha1.JobPhase) {
	s.t.Helper()
	truth := s.truths[r.Name+"/"+got.Name]
	s.checkReused(r, got, truth)
	s.checkHandedOn(r, got)
	if truth.reused {
		return
	}
	var ancestors []v1alpha1.JobPhase
	for _, name := range graph.Ancestors(s.pipeline.Spec.Jobs, got.Name) {
		ancestors = append(ancestors, phases[name])
	}
	s.checkJobEnd(r, got, truth, mayStart(s.spec(got.Name), ancestors))
	s.checkJobName(r, got, truth)
}
