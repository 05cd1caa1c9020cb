package run_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// queue holds each Run once, with the earliest time that anybody asked for, as
// controller-runtime's priority queue does: what is taken out is forgotten, a
// later time that was asked for before included.
type queue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	due map[types.NamespacedName]time.Time
	now func() time.Time
}

func (q *queue) Add(req reconcile.Request) { q.addAfter(req.NamespacedName, 0) }

func (q *queue) AddAfter(req reconcile.Request, after time.Duration) {
	q.addAfter(req.NamespacedName, after)
}

func (q *queue) addAfter(key types.NamespacedName, after time.Duration) {
	at := q.now().Add(after)
	if due, known := q.due[key]; !known || at.Before(due) {
		q.due[key] = at
	}
}

// pop returns the Run that is due the longest.
func (q *queue) pop() (types.NamespacedName, bool) {
	keys := slices.SortedFunc(maps.Keys(q.due), func(a, b types.NamespacedName) int {
		if order := q.due[a].Compare(q.due[b]); order != 0 {
			return order
		}
		return strings.Compare(a.Name, b.Name)
	})
	if len(keys) == 0 || q.due[keys[0]].After(q.now()) {
		return types.NamespacedName{}, false
	}
	delete(q.due, keys[0])
	return keys[0], true
}

// next is when the next Run is due. Zero: none is.
func (q *queue) next() time.Time {
	var next time.Time
	for _, due := range q.due {
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return next
}

// deliver tells a watch's handler of a change that the predicate lets through.
func deliver(ctx context.Context, c change, news predicate.Predicate, to handler.EventHandler, q *queue) {
	switch {
	case c.before == nil:
		if e := (event.CreateEvent{Object: c.after}); news.Create(e) {
			to.Create(ctx, e, q)
		}
	case c.after == nil:
		if e := (event.DeleteEvent{Object: c.before}); news.Delete(e) {
			to.Delete(ctx, e, q)
		}
	default:
		if e := (event.UpdateEvent{ObjectOld: c.before, ObjectNew: c.after}); news.Update(e) {
			to.Update(ctx, e, q)
		}
	}
}
