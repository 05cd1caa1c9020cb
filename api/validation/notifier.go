package validation

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

const maxNotifiers = 16

// validateNotifiers checks the notifiers, and that their Jobs can't be taken for
// those of other parts of the Run.
func validateNotifiers(spec *v1alpha1.PipelineSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if n := len(spec.Notifiers); n > maxNotifiers {
		errs = append(errs, field.TooMany(path, n, maxNotifiers))
	}
	jobs := jobNames(spec)
	seen := map[string]bool{}
	for i := range spec.Notifiers {
		n, at := &spec.Notifiers[i], path.Index(i)
		for _, msg := range validation.IsDNS1123Label(n.Name) {
			errs = append(errs, field.Invalid(at.Child("name"), n.Name, msg))
		}
		if seen[n.Name] {
			errs = append(errs, field.Duplicate(at.Child("name"), n.Name))
			continue
		}
		seen[n.Name] = true
		errs = append(errs, validatePhases(n, jobs, at)...)
		errs = append(errs, validateTemplate(&n.Template, at.Child("template"))...)
	}
	return errs
}

// jobNames returns whose Job each `<run>-<name>` is.
func jobNames(spec *v1alpha1.PipelineSpec) map[string]string {
	names := map[string]string{}
	for i := range spec.Jobs {
		names[spec.Jobs[i].Name] = "job " + spec.Jobs[i].Name
	}
	for i := range spec.Services {
		names[spec.Services[i].Name] = "service " + spec.Services[i].Name
	}
	return names
}

// validatePhases checks what the notifier tells of, and that no other part of the
// Pipeline has the names of its Jobs.
func validatePhases(n *v1alpha1.Notifier, taken map[string]string, path *field.Path) field.ErrorList {
	all := []v1alpha1.RunPhase{v1alpha1.RunQueued, v1alpha1.RunRunning, v1alpha1.RunSucceeded, v1alpha1.RunFailed, v1alpha1.RunCancelled}
	var errs field.ErrorList
	if len(n.Phases) == 0 {
		errs = append(errs, field.Required(path.Child("phases"), "a notifier tells of at least one phase"))
	}
	for i, phase := range n.Phases {
		at := path.Child("phases").Index(i)
		if !slices.Contains(all, phase) {
			errs = append(errs, field.NotSupported(at, phase, all))
			continue
		}
		if slices.Contains(n.Phases[:i], phase) {
			errs = append(errs, field.Duplicate(at, phase))
			continue
		}
		name := n.JobName(phase)
		if other := taken[name]; other != "" {
			errs = append(errs, field.Invalid(path.Child("name"), n.Name,
				fmt.Sprintf("its Job for the phase %s would have the name of that of %s: choose another", phase, other)))
		}
	}
	return errs
}
