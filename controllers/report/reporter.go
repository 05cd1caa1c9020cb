// Package report has the state of Runs stand at their commits on the git host, where
// their Triggers say so. It looks at what is, and compares that with what it has last
// told the host: whatever was missed meanwhile, the end is right. Nothing waits for it
// but the condition Reported of Runs that have ended.
package report

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/report/state"
	"github.com/kayci/kayci/controllers/requeue"
	"github.com/kayci/kayci/controllers/run/order"
)

const (
	// pace is how long a status stands before the next of a Run that goes on. The last
	// word doesn't wait.
	pace = 2 * time.Second
	// recheck is how long a person has, who must act, until the host is asked again. It
	// doubles so many times, to nearly 6 hours. At first it is short: a host that stops or
	// starts may deny tokens that it knows.
	recheck, doublings = 10 * time.Second, 11
	// patience is for how long after its end a Run is reported.
	patience = 7 * 24 * time.Hour
)

// Opener opens the hosts.
type Opener interface {
	Open(ctx context.Context, access *githost.Access) (githost.Host, error)
}

// Reporter reconciles what stands at a commit in a Trigger's context. Set every
// exported field.
type Reporter struct {
	// Client reads Triggers and Runs from the cache, and writes the status of Runs.
	Client client.Client
	// APIReader reads Secrets by name.
	APIReader client.Reader
	// Opener opens the git hosts.
	Opener Opener
	// Logs reads the logs of jobs that have failed.
	Logs Logs
	// Page is the address of Runs' pages where a Trigger gives none. Blank: none.
	Page string
	// Clock tells the time.
	Clock clock.PassiveClock

	told told
	// breaker is by Trigger: all of its reports go to one host.
	breaker githost.Breaker[types.NamespacedName]
}

// subject is a commit, as the Runs of one Trigger are about it.
type subject struct {
	trigger *v1alpha1.Trigger
	sha     string
	// runs are all of them, in the order of creation. The last one is reported.
	runs []v1alpha1.Run
}

func (s *subject) last() *v1alpha1.Run { return &s.runs[len(s.runs)-1] }

// Reconcile reports the Runs of one Trigger and commit. The request's name is that of
// the Trigger, a slash, and the commit, so that no two reports of them are on their
// way at once.
func (r *Reporter) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	s, err := r.observe(ctx, req)
	if err != nil {
		return ctrl.Result{}, err
	}
	if s == nil {
		r.told.forget(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	after, err := r.advance(ctx, req, s)
	return requeue.Of(ctrl.Result{RequeueAfter: after}, client.IgnoreNotFound(err))
}

// observe returns nil where there is nothing to report.
func (r *Reporter) observe(ctx context.Context, req ctrl.Request) (*subject, error) {
	name, sha, _ := strings.Cut(req.Name, "/")
	s := &subject{trigger: &v1alpha1.Trigger{}, sha: sha}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: req.Namespace, Name: name}, s.trigger)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("get trigger: %w", err)
	}
	if gone := err != nil || !s.trigger.DeletionTimestamp.IsZero(); gone || s.trigger.Spec.Report == nil {
		return nil, nil // That there is nothing to report is a usual answer and no error.
	}
	var list v1alpha1.RunList
	if err := r.Client.List(ctx, &list, client.InNamespace(req.Namespace), client.MatchingFields{subjectField: req.Name}); err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	// Who may make a Run of any Pipeline is not to speak for this one.
	s.runs = slices.DeleteFunc(list.Items, func(run v1alpha1.Run) bool { return run.Spec.Pipeline != s.trigger.Spec.Pipeline })
	slices.SortFunc(s.runs, func(a, b v1alpha1.Run) int { return order.Compare(&a, &b) })
	return s, nil
}

// advance tells the host what it doesn't know, and records of Runs that have ended
// what became of that. It returns when to look again, 0 for when something happens.
func (r *Reporter) advance(ctx context.Context, req ctrl.Request, s *subject) (time.Duration, error) {
	if len(s.runs) == 0 {
		return r.withoutRuns(ctx, req, s)
	}
	if err := r.supersede(ctx, s); err != nil {
		return 0, err
	}
	run := s.last()
	if _, known := r.told.of(req.NamespacedName); !known && (isReported(run) || r.old(run)) {
		return 0, nil
	}
	want := message{
		status: state.Of(s.trigger, run, r.Page), repository: run.Spec.Origin.Repository, run: run.Name, ended: run.Status.Phase.Finished(),
		id: state.ID(run), jobs: sha256.Sum256([]byte(state.Summary(run))),
	}
	taken, after, err := r.say(ctx, req, s, want)
	if err != nil || !taken {
		return after, err
	}
	return 0, r.settle(ctx, req, run)
}

// withoutRuns is for a commit that has none: its head is held, or they were deleted.
func (r *Reporter) withoutRuns(ctx context.Context, req ctrl.Request, s *subject) (time.Duration, error) {
	for i := range s.trigger.Status.Held {
		if head := &s.trigger.Status.Held[i]; head.SHA == s.sha {
			_, after, err := r.say(ctx, req, s, message{status: state.Held(s.trigger, head), repository: head.Repository, id: state.HeldID(s.trigger)})
			return after, err
		}
	}
	return 0, r.withdraw(ctx, req, s)
}

// say tells the host unless it knows. It reports whether the host does by then, and if
// not when to look again.
func (r *Reporter) say(ctx context.Context, req ctrl.Request, s *subject, want message) (taken bool, after time.Duration, err error) {
	last, known := r.told.of(req.NamespacedName)
	same := known && last.says(want) && last.generation == s.trigger.Generation
	if same && (!last.failed || last.refused) {
		return !last.failed, 0, nil
	}
	if wait := r.wait(s, last, same, want); wait > 0 {
		return false, wait, nil
	}
	return r.tell(ctx, req, s, want)
}

// tell posts. If the host hasn't taken it, tell returns when to try again, 0 for never.
func (r *Reporter) tell(ctx context.Context, req ctrl.Request, s *subject, want message) (taken bool, after time.Duration, err error) {
	refusal, err := r.post(ctx, req, s, want)
	if err != nil || refusal == nil {
		return err == nil, 0, err
	}
	if want.ended {
		if err := r.record(ctx, s.last(), unreported(refusal)); err != nil {
			return false, 0, err
		}
	}
	if want.run != "" && r.old(s.last()) {
		r.told.forget(req.NamespacedName)
		return false, 0, nil
	}
	return false, refusal.after, nil
}

// settle records that the host has taken the last word.
func (r *Reporter) settle(ctx context.Context, req ctrl.Request, run *v1alpha1.Run) error {
	last, _ := r.told.of(req.NamespacedName)
	if !last.ended {
		return nil
	}
	if err := r.record(ctx, run, reported(&last)); err != nil {
		return err
	}
	if isReported(run) {
		// The cache shows it: nobody will ask again.
		r.told.forget(req.NamespacedName)
	}
	return nil
}

// wait returns how long the next post has to wait: for the host, or because of the one
// before.
func (r *Reporter) wait(s *subject, last post, same bool, want message) time.Duration {
	now := r.Clock.Now()
	wait := r.breaker.Left(client.ObjectKeyFromObject(s.trigger), now)
	if same && last.failed {
		wait = max(wait, last.again.Sub(now))
	}
	if !want.ended && last.run == want.run && !last.failed {
		wait = max(wait, pace-now.Sub(last.at))
	}
	return wait
}

// old reports whether the Run has ended too long ago to be of interest.
func (r *Reporter) old(run *v1alpha1.Run) bool {
	end := run.Status.CompletionTime
	return end != nil && r.Clock.Since(end.Time) > patience
}

// withdraw takes back the promise that a Run would end which was deleted before, or
// that a head waits. It is tried once: what went while the host is down is to cost
// nothing.
func (r *Reporter) withdraw(ctx context.Context, req ctrl.Request, s *subject) error {
	last, known := r.told.of(req.NamespacedName)
	defer r.told.forget(req.NamespacedName)
	if !known || last.ended && !last.failed || r.breaker.Left(client.ObjectKeyFromObject(s.trigger), r.Clock.Now()) > 0 {
		return nil
	}
	want := last.message
	switch {
	case last.run == "":
		want.status, want.ended = state.Released(last.status), true
	case !last.ended:
		want.status, want.ended = state.Deleted(last.status, last.run), true
	}
	_, err := r.post(ctx, req, s, want)
	return err
}
