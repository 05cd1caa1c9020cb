package run

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/run/plan"
	"github.com/kayci/kayci/controllers/run/queue"
)

// admitWithin bounds the time between deciding an admission and recording it. It
// is less than a leader that has lost its Lease goes on before
// another may lead, so that no two processes admit at a time.
const admitWithin = 4 * time.Second

// errNotItsTurn: another Run of the key is being admitted.
var errNotItsTurn = errors.New("another run is being admitted")

// verifications bounds how often what ends a Run is found to be otherwise than
// thought in one look at it.
const verifications = 3

// findPlace finds out where the Run stands among those of its concurrency key.
// What can't be taken back is recorded before anything is done for it: that the
// Run may start, and that it has to end for another.
func (r *Reconciler) findPlace(ctx context.Context, o *observation) error {
	held, open := o.heldPlace()
	o.Place = held
	if !open {
		return nil
	}
	key, err := r.ownKey(o)
	if err != nil {
		return err
	}
	c := o.Spec.Concurrency
	candidate := queue.Candidate{Run: o.Run, Key: key, Limit: int(cmp.Or(c.Limit, 1)), Policy: c.Policy}
	place, _, err := r.decidePlace(ctx, candidate)
	if err != nil {
		return err
	}
	if place.Skipped || place.ReplacedBy != "" || (place.Admitted && held == nil) {
		return r.admit(ctx, o, candidate)
	}
	o.Place = &place
	return nil
}

// heldPlace returns the place that the Run has, if it has one, and whether there
// is something to decide.
func (o *observation) heldPlace() (held *queue.Place, open bool) {
	c, recorded := o.Spec.Concurrency, o.Run.Status.Concurrency
	switch {
	case c == nil || o.Run.Status.Phase.Finished():
		return nil, false
	case recorded == nil:
		return nil, o.Number == 0 && !o.Run.Spec.Cancelled
	case recorded.Admitted:
		held = &queue.Place{Key: recorded.Key, Admitted: true, ReplacedBy: recorded.ReplacedBy}
		return held, c.Policy == v1alpha1.ConcurrencyReplace && recorded.ReplacedBy == ""
	default:
		return nil, !o.Run.Spec.Cancelled
	}
}

// admit decides again, with all that has been decided of the Run's key before,
// and records an admission, or what the Run makes way for. What the cache doesn't
// show matters to neither: an admission is one that this process has recorded or
// has asked for, and the cache follows the order of creation, so that with this
// Run it shows all that are older.
func (r *Reconciler) admit(ctx context.Context, o *observation, c queue.Candidate) error {
	end, ok := r.neighbours.begin(turn{pipelineOf(o.Run), c.Key})
	if !ok {
		return errNotItsTurn
	}
	defer end()
	if err := r.ask(ctx, pipelineOf(o.Run)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, admitWithin)
	defer cancel()
	place, err := r.surePlace(ctx, c)
	if err != nil {
		return err
	}
	o.Place = &place
	if !place.Admitted && place.ReplacedBy == "" {
		return nil
	}
	if err := r.recordPlace(ctx, o); err != nil {
		return err
	}
	r.neighbours.put(o.Run)
	return nil
}

// surePlace decides the Run's place. Those that it would have to end for are read
// from the API server first: the cache may show one that has ended meanwhile.
func (r *Reconciler) surePlace(ctx context.Context, c queue.Candidate) (queue.Place, error) {
	sure := map[string]bool{}
	for range verifications {
		place, runs, err := r.decidePlace(ctx, c)
		if err != nil {
			return queue.Place{}, err
		}
		doubt := slices.DeleteFunc(slices.Clone(place.RestsOn), func(name string) bool { return sure[name] })
		if len(doubt) == 0 {
			return place, nil
		}
		for i := range runs {
			if run := &runs[i]; slices.Contains(doubt, run.Name) {
				if _, err := r.learn(ctx, run); err != nil {
					return queue.Place{}, err
				}
				sure[run.Name] = true
			}
		}
	}
	return queue.Place{}, errNotItsTurn
}

// recordPlace records what the Run's place makes of the Run. One that ends
// without having started leaves nothing to do but that. Nobody is told yet: the
// Run may come to its next phase at once.
func (r *Reconciler) recordPlace(ctx context.Context, o *observation) error {
	decision := plan.Decide(&o.Facts)
	if decision.Status.Phase.Finished() {
		return nil
	}
	decision.Status.Notifiers = o.Run.Status.Notifiers
	return r.record(ctx, o.Run, &decision.Status)
}

// decidePlace decides the Run's place from what is known of the others, which it
// returns.
func (r *Reconciler) decidePlace(ctx context.Context, c queue.Candidate) (queue.Place, []v1alpha1.Run, error) {
	runs, err := r.beside(ctx, pipelineOf(c.Run))
	if err != nil {
		return queue.Place{}, nil, err
	}
	keys, err := r.keys(ctx, c.Run, queue.Unrecorded(c.Run, runs))
	if err != nil {
		return queue.Place{}, nil, err
	}
	return queue.Decide(c, runs, keys), runs, nil
}

// ownKey returns the Run's key. One that is recorded stays.
func (r *Reconciler) ownKey(o *observation) (string, error) {
	if recorded := o.Run.Status.Concurrency; recorded != nil {
		return recorded.Key, nil
	}
	compiled, err := r.compileKey(&o.Spec)
	if err != nil {
		return "", err
	}
	return compiled.of(o.Run, o.Params)
}

// keys returns the keys, by name, of Runs before this one that have none recorded.
// A Run that can't run, or that nothing bounds, has none; its own reconcile says
// which. One that isn't pinned yet is about to be: most likely to this one's
// revision.
func (r *Reconciler) keys(ctx context.Context, of *v1alpha1.Run, runs []*v1alpha1.Run) (map[string]string, error) {
	keys := map[string]string{}
	compiled := map[string]*keyExpression{}
	for _, run := range runs {
		pinned := run
		if run.Spec.Revision == "" {
			pinned = of
		}
		expression, known := compiled[pinned.Spec.Revision]
		if !known {
			var err error
			if expression, err = r.keyOfRevision(ctx, pinned); err != nil && !isFault(err) {
				return nil, err
			}
			compiled[pinned.Spec.Revision] = expression
		}
		if expression == nil {
			continue
		}
		params, errs := validation.Params(expression.params, run.Spec.Params)
		if len(errs) > 0 {
			continue
		}
		if key, err := expression.of(run, params); err == nil {
			keys[run.Name] = key
		}
	}
	return keys, nil
}

// keyOfRevision returns the key's expression in the revision that the Run is
// pinned to, or nil if there is none.
func (r *Reconciler) keyOfRevision(ctx context.Context, run *v1alpha1.Run) (*keyExpression, error) {
	spec, err := r.spec(ctx, run)
	if err != nil || spec.Concurrency == nil {
		return nil, err
	}
	return r.compileKey(&spec)
}

// keyExpression is the compiled key of a revision.
type keyExpression struct {
	key    *expr.Key
	params []v1alpha1.Param
}

func (r *Reconciler) compileKey(spec *v1alpha1.PipelineSpec) (*keyExpression, error) {
	env, err := expr.SharedRunEnv()
	if err != nil {
		return nil, err
	}
	key, err := env.CompileKey(spec.Concurrency.Key, expr.KeyScope(spec))
	if err != nil {
		return nil, invalidKey(err)
	}
	return &keyExpression{key: key, params: spec.Params}, nil
}

// of returns the Run's key, given its parameters with the defaults.
func (e *keyExpression) of(run *v1alpha1.Run, params map[string]string) (string, error) {
	key, err := e.key.Eval(expr.RunVars{Params: params, Run: expr.NewRun(run, 0)})
	if err != nil {
		return "", invalidKey(err)
	}
	return queue.Key(key), nil
}

func invalidKey(err error) error {
	return &fault{v1alpha1.ReasonInvalidConcurrencyKey, "the Pipeline's concurrency.key: " + err.Error()}
}
