package configrepo

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/fluxcd/pkg/runtime/jitter"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/apply"
)

// eventAction is what events say the controller was doing.
const eventAction = "Sync"

// finishRestore stores the inventory if objects were put back, and says so.
func (s *sync) finishRestore(ctx context.Context) (ctrl.Result, error) {
	if s.known.applied != nil && conditions.IsTrue(s.repo, meta.ReadyCondition) && conditions.GetMessage(s.repo, meta.ReadyCondition) != s.readyMessage() {
		s.markReady()
	}
	if err := s.save(ctx); err != nil {
		return ctrl.Result{}, err
	}
	s.Metrics.applied(s.done)
	if s.done.Created+s.done.Changed > 0 {
		s.Recorder.Eventf(s.repo, nil, corev1.EventTypeNormal, "Restored", eventAction, "%s",
			"put back what was changed by hand: "+summary(s.done))
	} else if s.done.Pruned > 0 {
		s.Recorder.Eventf(s.repo, nil, corev1.EventTypeNormal, "Pruned", eventAction, "%s",
			"pruned what had waited for its Runs: "+summary(s.done))
	}
	// Zero would mean never.
	return ctrl.Result{RequeueAfter: s.soon(max(s.known.due.Sub(s.Clock.Now()), time.Millisecond))}, nil
}

// runsCheck is how often a Pipeline that is to be pruned is asked for its Runs and
// their Jobs, which costs no request.
const runsCheck = 10 * time.Second

// soon is at most the time until Secrets that were refused are looked at, or Runs
// that are waited for.
func (s *sync) soon(wait time.Duration) time.Duration {
	if s.known.refusedSecrets != nil {
		wait = min(wait, secretsCheck)
	}
	for _, w := range s.waiting {
		wait = min(wait, runsCheck, max(w.Until.Sub(s.Clock.Now()), time.Second))
	}
	return wait
}

// postponed says which Pipelines wait to be pruned and what for, blank for none.
func (s *sync) postponed(only func(apply.Wait) bool) string {
	var texts []string
	for _, hold := range []struct {
		hold apply.Hold
		text string
	}{
		{apply.HoldRuns, "to be pruned when its active Runs have ended: "},
		{apply.HoldJobs, "to be pruned when the Jobs and notifiers of its Runs have ended: "},
	} {
		names := s.postponedBy(hold.hold, only)
		if names != "" {
			texts = append(texts, hold.text+names)
		}
	}
	return strings.Join(texts, "; ")
}

func (s *sync) postponedBy(hold apply.Hold, only func(apply.Wait) bool) string {
	const shown = 10
	var names []string
	for _, w := range s.waiting {
		if w.Hold == hold && only(w) {
			names = append(names, fmt.Sprintf("%s (%s at the latest)", w.Key, w.Until.UTC().Format(time.RFC3339)))
		}
	}
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// webhookPath is where the repository's git host sends pushes to.
func webhookPath(repo *v1alpha1.ConfigRepo) string {
	if repo.Spec.Webhook == nil {
		return ""
	}
	return "/hooks/" + repo.Namespace + "/configrepos/" + repo.Name
}

// lookAgain is due when the cache has had time to learn of the change that this
// look has run into. The status is left to that look.
func (s *sync) lookAgain() ctrl.Result {
	s.known.due = time.Time{}
	return ctrl.Result{RequeueAfter: time.Second}
}

// finishLook writes the outcome of a look into the status, once, and tells about
// it if it is news.
func (s *sync) finishLook(ctx context.Context, l look, err error) (ctrl.Result, error) {
	revision, previous := l.revision(), s.saved.Status.LastAppliedRevision
	s.repo.Status.ObservedGeneration = s.repo.Generation
	s.repo.Status.WebhookPath = webhookPath(s.repo)
	if l.requested != "" {
		s.repo.Status.LastHandledReconcileAt = l.requested
	}
	var failed *failure
	if err == nil {
		s.succeed(revision)
	} else {
		failed = classify(err)
		s.fail(failed)
	}
	wait := s.schedule(failed)
	s.known.refusedSecrets = nil
	if failed != nil && isOfSecrets(failed.reason) {
		s.known.refusedSecrets = l.secrets
	}
	wait = s.soon(wait)
	readyBefore := conditions.Get(s.saved, meta.ReadyCondition)
	if err := s.save(ctx); err != nil {
		// The next look is at once: this one is not on record.
		s.known.due = time.Time{}
		return ctrl.Result{}, err
	}
	s.Metrics.applied(s.done)
	if failed == nil {
		s.Metrics.synced(s.repo, s.Clock.Now())
	}
	switch {
	case failed != nil && isNews(readyBefore, failed):
		s.Recorder.Eventf(s.repo, nil, corev1.EventTypeWarning, failed.reason, eventAction, "%s", printable.CutBytes(failed.message, printable.MaxNote))
	case failed == nil && (previous != revision || s.done.Wrote()):
		s.Recorder.Eventf(s.repo, nil, corev1.EventTypeNormal, "Applied", eventAction, "%s",
			fmt.Sprintf("applied %s: %s", revision, summary(s.done)))
	}
	if text := s.postponed(func(w apply.Wait) bool { return w.Fresh }); text != "" {
		s.Recorder.Eventf(s.repo, nil, corev1.EventTypeNormal, "PruneWaits", eventAction, "%s", printable.CutBytes(text, printable.MaxNote))
	}
	if failed != nil {
		logf.FromContext(ctx).Info("sync failed", "reason", failed.reason, "message", failed.message, "retryAfter", wait)
	}
	if s.known.lookIsDue(s.repo, s.Clock.Now()) {
		// Somebody has asked for another one while this went on, and that is all the
		// notice there is. Zero would mean never.
		wait = time.Millisecond
	}
	return ctrl.Result{RequeueAfter: wait}, nil
}

func (s *sync) succeed(revision string) {
	s.repo.Status.LastAppliedRevision = revision
	conditions.Delete(s.repo, meta.ReconcilingCondition)
	conditions.Delete(s.repo, meta.StalledCondition)
	s.markReady()
}

func (s *sync) markReady() {
	conditions.MarkTrue(s.repo, meta.ReadyCondition, v1alpha1.ReasonSucceeded, "%s", s.readyMessage())
}

// readyMessage says that the last commit is applied, and what is left of the one
// before.
func (s *sync) readyMessage() string {
	message := "applied " + s.repo.Status.LastAppliedRevision
	if text := s.postponed(func(apply.Wait) bool { return true }); text != "" {
		message += "; " + text
	}
	return message
}

func (s *sync) fail(f *failure) {
	if f.stalled {
		conditions.MarkStalled(s.repo, f.reason, "%s", f.message)
	} else {
		conditions.MarkReconciling(s.repo, meta.ProgressingWithRetryReason, "the sync has failed and is being retried")
	}
	conditions.MarkFalse(s.repo, meta.ReadyCondition, f.reason, "%s", f.message)
}

// firstRetry is the wait after a first failure; it doubles with each further one.
const firstRetry = 5 * time.Second

// schedule decides when to look again: after the interval, or sooner while
// something fails that may heal by itself.
func (s *sync) schedule(f *failure) time.Duration {
	wait := jitter.JitteredIntervalDuration(interval(s.repo))
	now := s.Clock.Now()
	switch {
	case f == nil || f.stalled:
		s.known.failures = 0
	case !f.retryAt.IsZero():
		s.known.failures = 0
		wait = min(wait, max(f.retryAt.Sub(now), time.Second))
	default:
		wait = doubled(firstRetry, s.known.failures, wait)
		s.known.failures++
	}
	s.known.due = now.Add(wait)
	return wait
}

// isNews reports whether a failure differs from the one on record.
func isNews(before *metav1.Condition, f *failure) bool {
	return before == nil || before.Status != metav1.ConditionFalse ||
		before.Reason != f.reason || before.Message != f.message
}

// save patches the status if it differs from what is stored.
func (s *sync) save(ctx context.Context, lock ...client.MergeFromOption) error {
	data, err := client.MergeFrom(s.saved).Data(s.repo)
	if err != nil {
		return fmt.Errorf("compare the status: %w", err)
	}
	if bytes.Equal(data, []byte("{}")) {
		return nil
	}
	// The answer holds what is stored, a spec that is newer than the one this
	// sync works by included; the work goes on with the old one.
	stored := s.repo.DeepCopy()
	patch := client.MergeFromWithOptions(s.saved, lock...)
	if err := s.Client.Status().Patch(ctx, stored, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return fmt.Errorf("patch the status: %w", err)
	}
	s.known.stored = stored.DeepCopy()
	s.saved = s.repo.DeepCopy()
	s.saved.ResourceVersion = stored.ResourceVersion
	s.repo.ResourceVersion = stored.ResourceVersion
	return nil
}

// summary says what was done to the objects: "2 created, 1 changed".
func summary(done apply.Result) string {
	var parts []string
	for _, part := range []struct {
		count int
		verb  string
	}{{done.Created, "created"}, {done.Changed, "changed"}, {done.Pruned, "pruned"}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.verb))
		}
	}
	if len(parts) == 0 {
		return "no object differs"
	}
	return strings.Join(parts, ", ")
}
