package job

import (
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/parts"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Sample is an object as Runs of a Pipeline create it, to find out whether the
// API server would take it.
type Sample struct {
	// Template is the path in the Pipeline of what the object is made from. What
	// is at a path in the object is at the same one below it, because building adds
	// to the end of lists.
	Template *field.Path
	Object   SampleObject
}

// SampleObject is a *batchv1.Job or a *corev1.PersistentVolumeClaim. Any client
// takes it.
type SampleObject interface {
	metav1.Object
	runtime.Object
}

// Samples returns one for each template of the Pipeline. They belong to a Run
// that doesn't exist, so they can only be tried, and never be created.
func Samples(p *v1alpha1.Pipeline) []Sample {
	const number = 1
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "rehearsal", UID: "00000000-0000-0000-0000-000000000000"},
		Spec:       v1alpha1.RunSpec{Pipeline: p.Name},
	}
	spec := field.NewPath("spec")
	var samples []Sample
	for _, part := range parts.Of(&p.Spec, spec) {
		var built *batchv1.Job
		switch {
		case part.Job != nil:
			built = Build(run, number, &p.Spec, part.Job)
		case part.Service != nil:
			built = BuildService(run, number, &p.Spec, part.Service)
		case len(part.Notifier.Phases) > 0:
			built = BuildNotifier(run, number, part.Notifier, &v1alpha1.RunStatus{Phase: part.Notifier.Phases[0]})
		default:
			continue // It never tells of anything.
		}
		samples = append(samples, Sample{Template: part.At, Object: built})
	}
	if w := p.Spec.Workspace; w != nil {
		samples = append(samples, Sample{Template: spec.Child("workspace", "volumeClaimTemplate"), Object: Workspace(run, w)})
	}
	return samples
}
