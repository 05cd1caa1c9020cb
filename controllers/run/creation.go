package run

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/controllers/run/plan"
)

// eventsOfObject is the field of an event that the API server selects by.
const eventsOfObject = "involvedObject.uid"

// maxEvents bounds what is read of one Job's events. Its controller merges those
// that are alike, after ten.
const maxEvents = 200

// observeCreation asks the events of Jobs that have had no pod for long why that
// is. Nothing else says it, and no cache holds events: they are many, and this
// is rare.
func (r *Reconciler) observeCreation(ctx context.Context, o *observation) {
	for _, name := range o.Podless() {
		var list corev1.EventList
		err := r.APIReader.List(ctx, &list, client.InNamespace(o.Run.Namespace),
			client.MatchingFields{eventsOfObject: string(o.Jobs[name].UID)}, client.Limit(maxEvents))
		if err != nil {
			// The reason is worth less than the Run, which can go on without it.
			ctrl.LoggerFrom(ctx).Error(err, "List the events of a Job that has no pod", "job", o.Jobs[name].Name)
			return
		}
		o.CreateFailures[name] = plan.CreateFailure(list.Items)
	}
}
