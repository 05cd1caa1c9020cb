package run

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/controllers/run/evidence"
)

// eventsOfName is another such field.
const eventsOfName = "involvedObject.name"

// observeWitnesses asks the events of a Job that is complete, and of its pod,
// which is gone, whether the program ended by itself.
func (r *Reconciler) observeWitnesses(ctx context.Context, o *observation) {
	for name, job := range o.Unwitnessed() {
		undisturbed, err := r.undisturbed(ctx, job)
		if err != nil {
			// Without a witness it is no success.
			ctrl.LoggerFrom(ctx).Error(err, "List the events of a job whose pod is gone", "job", name)
			continue
		}
		o.Undisturbed[name] = undisturbed
	}
}

func (r *Reconciler) undisturbed(ctx context.Context, job *batchv1.Job) (bool, error) {
	var made, told corev1.EventList
	in := client.InNamespace(job.Namespace)
	if err := r.APIReader.List(ctx, &made, in, client.MatchingFields{eventsOfObject: string(job.UID)}, client.Limit(maxEvents)); err != nil {
		return false, err
	}
	pod, only := evidence.OnlyPod(made.Items)
	if !only {
		return false, nil
	}
	if err := r.APIReader.List(ctx, &told, in, client.MatchingFields{eventsOfName: pod}, client.Limit(maxEvents)); err != nil {
		return false, err
	}
	return evidence.EndedByItself(pod, told.Items), nil
}
