package run

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/run/job"
)

// claims bounds the numbers that are tried in one go. Only Runs that started at
// the same moment are in the way.
const claims = 100

// lastNumbers are the highest numbers that this process has tried, by Pipeline.
// They save attempts in a burst; what keeps two Runs from one number is that only
// one object can have a name.
type lastNumbers struct {
	mu sync.Mutex
	by map[client.ObjectKey]int64
	of map[types.UID]attempt // by Run, the latest
}

// attempt is a Run's attempt to claim a number.
type attempt struct {
	number int64
	// ours: it succeeded. If not, it may have: the answer was lost.
	ours bool
}

// maxClaims bounds how many Runs' claims are remembered.
const maxClaims = 1000

// last returns the Run's last attempt, none if that isn't known.
func (l *lastNumbers) last(run types.UID) attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of[run]
}

// remember keeps what the Run has claimed: the answer to the status write that
// records it may be lost, and the cache behind.
func (l *lastNumbers) remember(run types.UID, a attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil || len(l.of) >= maxClaims {
		l.of = map[types.UID]attempt{}
	}
	l.of[run] = a
}

// knows reports whether this process has tried a number for the Pipeline.
func (l *lastNumbers) knows(pipeline client.ObjectKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.by[pipeline] > 0
}

// next returns a number above all that are known, and takes it.
func (l *lastNumbers) next(pipeline client.ObjectKey, known int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[client.ObjectKey]int64{}
	}
	l.by[pipeline] = max(l.by[pipeline], known) + 1
	return l.by[pipeline]
}

// claim gives the Run its number, by creating the ConfigMap of that number with
// the Run's parameters.
func (r *Reconciler) claim(ctx context.Context, o *observation) error {
	last := r.numbers.last(o.Run.UID)
	if last.ours {
		o.Number = last.number
		return nil
	}
	pipeline := client.ObjectKey{Namespace: o.Run.Namespace, Name: o.Run.Spec.Pipeline}
	known, err := r.highest(ctx, o.Run)
	if err != nil {
		return err
	}
	candidate := last.number
	for range claims {
		if candidate == 0 {
			candidate = r.numbers.next(pipeline, known)
		}
		ours, err := r.createParams(ctx, o, candidate)
		r.numbers.remember(o.Run.UID, attempt{candidate, ours})
		if err != nil {
			return err
		}
		if ours {
			o.Number = candidate
			return nil
		}
		known, candidate = candidate, 0
	}
	return fmt.Errorf("claim a number for run %s: the %d after %d are taken", o.Run.Name, claims, known-claims)
}

// createParams reports whether the number is this Run's.
func (r *Reconciler) createParams(ctx context.Context, o *observation, number int64) (bool, error) {
	params := job.Params(o.Run, number, o.Params)
	err := r.createIfRoom(ctx, o, params)
	if err == nil {
		return true, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return false, fmt.Errorf("create ConfigMap %s: %w", params.Name, err)
	}
	var found corev1.ConfigMap
	if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(params), &found); err != nil {
		return false, client.IgnoreNotFound(fmt.Errorf("get ConfigMap %s: %w", params.Name, err))
	}
	return metav1.IsControlledBy(&found, o.Run), nil
}

// highest returns the highest number of the Pipeline's Runs that is known. The Runs
// are asked once: later ones got theirs from this process.
func (r *Reconciler) highest(ctx context.Context, run *v1alpha1.Run) (int64, error) {
	pipeline, err := r.pipeline(ctx, run)
	if err != nil {
		return 0, err
	}
	highest := pipeline.Status.LastNumber
	if last := pipeline.Status.LastRun; last != nil {
		highest = max(highest, last.Number)
	}
	if r.numbers.knows(client.ObjectKeyFromObject(pipeline)) {
		return highest, nil
	}
	var runs v1alpha1.RunList
	err = r.Client.List(ctx, &runs, client.InNamespace(run.Namespace),
		client.MatchingLabels{v1alpha1.PipelineLabel: run.Spec.Pipeline}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return 0, fmt.Errorf("list runs of pipeline %s: %w", run.Spec.Pipeline, err)
	}
	for i := range runs.Items {
		highest = max(highest, runs.Items[i].Status.Number)
	}
	return highest, nil
}

// numberOrDefer claims a number if the Run has none. Without room for its
// ConfigMap nothing can be created: every job waits.
func (r *Reconciler) numberOrDefer(ctx context.Context, o *observation, jobs []string) error {
	if o.Number > 0 {
		return nil
	}
	err := r.claim(ctx, o)
	refusal, class := classify(err)
	switch class {
	case refused:
		return fault.New(refusal.Reason, refusal.Message)
	case deferred:
		o.deferAll(jobs, refusal)
		return nil
	default:
		return err
	}
}
