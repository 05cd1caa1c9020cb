// Package parts lists what a Pipeline consists of. It is pure.
package parts

import (
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Part is a job, a service or a notifier: one of the three is set.
type Part struct {
	Job      *v1alpha1.Job
	Service  *v1alpha1.Service
	Notifier *v1alpha1.Notifier
	// Template is the part's own, and no copy.
	Template *batchv1.JobTemplateSpec
	// At is where the template is.
	At *field.Path
}

// Of returns all parts of the spec that is at the path: jobs, then services, then
// notifiers. Who changes a part changes the spec.
func Of(spec *v1alpha1.PipelineSpec, path *field.Path) []Part {
	parts := make([]Part, 0, len(spec.Jobs)+len(spec.Services)+len(spec.Notifiers))
	add := func(p Part, t *batchv1.JobTemplateSpec, at *field.Path) {
		p.Template, p.At = t, at.Child("template")
		parts = append(parts, p)
	}
	for i := range spec.Jobs {
		add(Part{Job: &spec.Jobs[i]}, &spec.Jobs[i].Template, path.Child("jobs").Index(i))
	}
	for i := range spec.Services {
		add(Part{Service: &spec.Services[i]}, &spec.Services[i].Template, path.Child("services").Index(i))
	}
	for i := range spec.Notifiers {
		add(Part{Notifier: &spec.Notifiers[i]}, &spec.Notifiers[i].Template, path.Child("notifiers").Index(i))
	}
	return parts
}
