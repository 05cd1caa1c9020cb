package run

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/run/queue"
)

// ownLock returns the lock that the Run competes for. One that is recorded stays.
func (r *Reconciler) ownLock(o *observation) (queue.Lock, error) {
	if recorded, known := queue.LockOf(o.Run); known {
		return recorded, nil
	}
	compiled, err := compileLock(&o.Spec)
	if err != nil {
		return queue.Lock{}, err
	}
	return compiled.of(o.Run, o.Params)
}

// locks returns the locks, by name, of Runs before this one that have none
// recorded. A Run that can't run, or that nothing bounds, has none; its own
// reconcile says which.
func (r *Reconciler) locks(ctx context.Context, of *v1alpha1.Run, runs []*v1alpha1.Run) (map[string]queue.Lock, error) {
	locks := map[string]queue.Lock{}
	compiled := map[[2]string]*lockExpression{}
	for _, run := range runs {
		pinned := run
		if run.Spec.Revision == "" && run.Spec.Pipeline == of.Spec.Pipeline {
			// It is about to be: most likely to this one's revision.
			pinned = of
		}
		key := [2]string{pinned.Spec.Pipeline, pinned.Spec.Revision}
		expression, known := compiled[key]
		if !known {
			var err error
			if expression, err = r.lockOfRevision(ctx, pinned); err != nil && !fault.Is(err) {
				return nil, err
			}
			compiled[key] = expression
		}
		if expression == nil {
			continue
		}
		params, errs := validation.Params(expression.params, run.Spec.Params)
		if len(errs) > 0 {
			continue
		}
		if lock, err := expression.of(run, params); err == nil {
			locks[run.Name] = lock
		}
	}
	return locks, nil
}

// lockOfRevision returns what the lock is made of in the revision that the Run is
// pinned to, or, until it is, in its Pipeline. It is nil if nothing bounds the Run.
func (r *Reconciler) lockOfRevision(ctx context.Context, run *v1alpha1.Run) (*lockExpression, error) {
	of := r.spec
	if run.Spec.Revision == "" {
		of = r.currentSpec
	}
	spec, err := of(ctx, run)
	if err != nil || spec.Concurrency == nil {
		return nil, err
	}
	return compileLock(&spec)
}

// currentSpec returns the spec of the Run's Pipeline as the cache has it. A Run
// whose Pipeline isn't there waits, and is in nobody's way.
func (r *Reconciler) currentSpec(ctx context.Context, run *v1alpha1.Run) (v1alpha1.PipelineSpec, error) {
	var pipeline v1alpha1.Pipeline
	key := client.ObjectKey{Namespace: run.Namespace, Name: run.Spec.Pipeline}
	if err := r.Client.Get(ctx, key, &pipeline); client.IgnoreNotFound(err) != nil {
		return v1alpha1.PipelineSpec{}, fmt.Errorf("get pipeline %s: %w", run.Spec.Pipeline, err)
	}
	return pipeline.Spec, nil
}

// lockExpression is what the lock of a revision's Runs is made of.
type lockExpression struct {
	group  string
	key    *expr.Key // nil: the group has one key
	params []v1alpha1.Param
}

func compileLock(spec *v1alpha1.PipelineSpec) (*lockExpression, error) {
	compiled := &lockExpression{group: spec.Concurrency.Group, params: spec.Params}
	if spec.Concurrency.Key == "" {
		return compiled, nil
	}
	env, err := expr.SharedRunEnv()
	if err != nil {
		return nil, err
	}
	if compiled.key, err = env.CompileKey(spec.Concurrency.Key, expr.KeyScope(spec)); err != nil {
		return nil, invalidKey(err)
	}
	return compiled, nil
}

// of returns the Run's lock, given its parameters with the defaults.
func (e *lockExpression) of(run *v1alpha1.Run, params map[string]string) (queue.Lock, error) {
	key := ""
	if e.key != nil {
		var err error
		if key, err = e.key.Eval(expr.RunVars{Params: params, Run: expr.NewRun(run, 0)}); err != nil {
			return queue.Lock{}, invalidKey(err)
		}
	}
	return queue.NewLock(run.Spec.Pipeline, e.group, key), nil
}

func invalidKey(err error) error {
	return fault.New(v1alpha1.ReasonInvalidConcurrencyKey, "the Pipeline's concurrency.key: "+err.Error())
}
