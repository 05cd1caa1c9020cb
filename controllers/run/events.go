package run

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// eventsOfObject is the field of an event that the API server selects by.
const eventsOfObject = "involvedObject.uid"

// maxEvents bounds what is read of one object's events. Its controller merges
// those that are alike, after ten.
const maxEvents = 200

// observeEvents asks the events of what has been unable to start for long why
// that is. Nothing else says it, and no cache holds events: they are many, and
// this is rare.
func (r *Reconciler) observeEvents(ctx context.Context, o *observation) {
	for _, ask := range o.Unexplained() {
		var list corev1.EventList
		err := r.APIReader.List(ctx, &list, client.InNamespace(o.Run.Namespace),
			client.MatchingFields{eventsOfObject: string(ask.UID)}, client.Limit(maxEvents))
		if err != nil {
			// The reason is worth less than the Run, which can go on without it.
			ctrl.LoggerFrom(ctx).Error(err, "List the events of what keeps a job from starting", "job", ask.Job)
			return
		}
		o.Explained[ask.Job] = ask.Explain(list.Items)
	}
}
