package revision

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/run/job/defaults"
)

// ErrTogether says that the defaults and a Pipeline can't stand together. Which of
// them is at fault nobody can tell.
var ErrTogether = errors.New("the defaults and the Pipeline can't stand together")

// Ensure makes sure that the revision of the Pipeline's current spec, and of the
// defaults as they are now, exists and returns its name. An object of that name
// that belongs to somebody else is an error: its content can't be trusted. A fault
// says that there is no revision for now, because it can't be known, or can't be
// merged, what the defaults make of the Pipeline: nothing is pinned to half of
// them, or to none.
func Ensure(ctx context.Context, c client.Client, installed *Installed, p *v1alpha1.Pipeline) (string, error) {
	current, err := installed.Get(ctx)
	if err != nil {
		return "", err
	}
	name := nameWith(p, current)
	key := client.ObjectKey{Namespace: p.Namespace, Name: name}
	var found appsv1.ControllerRevision
	err = c.Get(ctx, key, &found)
	if err == nil {
		return name, verify(p, &found)
	}
	if !apierrors.IsNotFound(err) {
		return "", fmt.Errorf("get revision %s: %w", name, err)
	}
	spec, errs := current.Under(&p.Spec, defaults.MaxRevision)
	if len(errs) > 0 {
		return "", &fault.Error{
			Reason:  v1alpha1.ReasonInvalidJobDefaults,
			Message: fmt.Sprintf("with the defaults of %s: %v", installed, errs.ToAggregate()),
			Cause:   ErrTogether,
		}
	}
	siblings, err := List(ctx, c, p)
	if err != nil {
		return "", err
	}
	err = c.Create(ctx, newRevision(p, name, spec, Next(siblings)), client.FieldOwner(v1alpha1.FieldManager))
	if err == nil {
		return name, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return "", fmt.Errorf("create revision %s: %w", name, err)
	}
	// Somebody was faster. A cache that hasn't seen it yet is no contradiction:
	// the name's hash says what it holds, and readers check the owner.
	if err := c.Get(ctx, key, &found); err == nil {
		return name, verify(p, &found)
	}
	return name, nil
}
