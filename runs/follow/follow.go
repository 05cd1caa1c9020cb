// Package follow tells what becomes of objects, for as long as somebody wants to know: a
// watch that ends goes on from where it was, and while the API server is away it is
// asked again.
package follow

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// The pauses between attempts to reach the API server, which double up to the longest.
const (
	shortest = time.Second
	longest  = 10 * time.Second
)

// ErrDeleted says that the object was deleted while it was followed.
var ErrDeleted = errors.New("it was deleted")

// Follower follows objects.
type Follower struct {
	Client client.WithWatch
	// Wait waits so long, or until the context is done.
	Wait func(context.Context, time.Duration) error
	// Lost is told that the API server doesn't answer, once until it does again. nil:
	// nobody is.
	Lost func(error)
}

// Run calls each with the Run as it is now and after every change, until it says that
// it has seen enough, and returns the Run as it was then.
func (f Follower) Run(ctx context.Context, run *v1alpha1.Run, each func(*v1alpha1.Run) (done bool, err error)) (*v1alpha1.Run, error) {
	got, err := object(ctx, f, run, &v1alpha1.RunList{}, each)
	if err != nil {
		return nil, fmt.Errorf("follow Run %s: %w", run.Name, err)
	}
	return got, nil
}

// ConfigRepo does the same of a ConfigRepo.
func (f Follower) ConfigRepo(ctx context.Context, repo *v1alpha1.ConfigRepo, each func(*v1alpha1.ConfigRepo) (done bool, err error)) (*v1alpha1.ConfigRepo, error) {
	got, err := object(ctx, f, repo, &v1alpha1.ConfigRepoList{}, each)
	if err != nil {
		return nil, fmt.Errorf("follow ConfigRepo %s: %w", repo.Name, err)
	}
	return got, nil
}

// one follows one object.
type one[T client.Object] struct {
	Follower
	key   client.ObjectKey
	uid   types.UID
	empty T
	list  client.ObjectList
	each  func(T) (bool, error)
}

func object[T client.Object](ctx context.Context, f Follower, seen T, list client.ObjectList, each func(T) (bool, error)) (T, error) {
	var none T
	o := &one[T]{f, client.ObjectKeyFromObject(seen), seen.GetUID(), seen, list, each}
	var got T
	err := f.Again(ctx, func(ctx context.Context) (done bool, err error) {
		got, done, err = o.look(ctx)
		return done, err
	})
	if ctx.Err() != nil {
		return none, err
	}
	return got, err
}

// Again looks until it is done, or until an error that another look won't mend: whatever
// is looked at ends now and then, as watches do, and the API server is away now and then.
func (f Follower) Again(ctx context.Context, look func(context.Context) (done bool, err error)) error {
	pause, lost := shortest, false
	for {
		done, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case done || err != nil && final(err):
			return err
		case err == nil:
			// Something between may end every watch at once.
			pause, lost = shortest, false
		case !lost && f.Lost != nil:
			f.Lost(err)
			lost = true
		}
		if err := f.Wait(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, longest)
	}
}

// Stop makes an error one that ends Again: what has failed isn't the API server.
func Stop(err error) error {
	if err == nil {
		return nil
	}
	return &stopError{err}
}

// final errors are the same however often one asks.
func final(err error) bool {
	return errors.Is(err, ErrDeleted) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsInvalid(err) ||
		apierrors.IsNotFound(err) || apierrors.IsBadRequest(err) || errors.As(err, new(*stopError))
}

// stopError is what a caller has seen enough by.
type stopError struct{ error }

func (e *stopError) Unwrap() error { return e.error }

// look reads the object and watches it until the watch ends, which all do.
func (o *one[T]) look(ctx context.Context) (T, bool, error) {
	now, is := o.empty.DeepCopyObject().(T)
	if !is {
		return now, false, fmt.Errorf("copy a %T: it becomes another type", o.empty)
	}
	if err := o.Client.Get(ctx, o.key, now); apierrors.IsNotFound(err) {
		return now, false, ErrDeleted
	} else if err != nil {
		return now, false, err
	}
	if done, err := o.tell(now); done || err != nil {
		return now, done, err
	}
	w, err := o.Client.Watch(ctx, o.list, client.InNamespace(o.key.Namespace), client.MatchingFields{"metadata.name": o.key.Name},
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: now.GetResourceVersion()}})
	if err != nil {
		return now, false, err
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		if event.Type == watch.Bookmark {
			continue
		}
		changed, err := changed[T](event)
		if err != nil || changed == nil {
			return now, false, err
		}
		now = *changed
		if done, err := o.tell(now); done || err != nil {
			return now, done, err
		}
	}
	return now, false, nil
}

// changed is the object as the event tells of it, or nil if the watch is at its end.
func changed[T client.Object](event watch.Event) (*T, error) {
	switch event.Type {
	case watch.Deleted:
		return nil, ErrDeleted
	case watch.Error:
		// Most often the version is too old by now, and the object is read anew.
		if err := apierrors.FromObject(event.Object); !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
			return nil, err
		}
		return nil, nil
	default:
		object, is := event.Object.(T)
		if !is {
			return nil, fmt.Errorf("the watch tells of a %T", event.Object)
		}
		return &object, nil
	}
}

// tell the caller of the object, unless it is another one under the same name.
func (o *one[T]) tell(now T) (bool, error) {
	if o.uid != "" && now.GetUID() != o.uid {
		return false, ErrDeleted
	}
	done, err := o.each(now)
	return done, Stop(err)
}
