package validation

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	maxServices = 16
	maxPorts    = 16
)

// validateServices checks the services, whose names differ from the jobs': both
// are a Job `<run>-<name>`.
func validateServices(spec *v1alpha1.PipelineSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if n := len(spec.Services); n > maxServices {
		errs = append(errs, field.TooMany(path, n, maxServices))
	}
	jobs, taken := map[string]bool{}, map[string]bool{}
	for i := range spec.Jobs {
		jobs[spec.Jobs[i].Name] = true
	}
	variables := map[string]bool{}
	for i := range spec.Services {
		s, at := &spec.Services[i], path.Index(i)
		for _, msg := range validation.IsDNS1035Label(s.Name) {
			errs = append(errs, field.Invalid(at.Child("name"), s.Name, msg))
		}
		switch {
		case jobs[s.Name]:
			errs = append(errs, field.Invalid(at.Child("name"), s.Name, "a job has this name: choose another"))
			continue
		case taken[s.Name]:
			errs = append(errs, field.Duplicate(at.Child("name"), s.Name))
			continue
		}
		taken[s.Name] = true
		errs = append(errs, validatePorts(s, variables, at.Child("ports"))...)
		errs = append(errs, validateTemplate(&s.Template, at.Child("template"))...)
		errs = append(errs, validateOnePod(&s.Template.Spec, at.Child("template", "spec"))...)
	}
	return errs
}

// validatePorts checks a service's ports, and that no two of a Pipeline are told
// to containers by the same variable.
func validatePorts(s *v1alpha1.Service, variables map[string]bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch n := len(s.Ports); {
	case n == 0:
		errs = append(errs, field.Required(path, "a service has at least one port"))
	case n > maxPorts:
		errs = append(errs, field.TooMany(path, n, maxPorts))
	}
	names, numbers := map[string]bool{}, map[int32]bool{}
	for i := range s.Ports {
		p, at := &s.Ports[i], path.Index(i)
		for _, msg := range validation.IsValidPortNum(int(p.Port)) {
			errs = append(errs, field.Invalid(at.Child("port"), p.Port, msg))
		}
		if numbers[p.Port] {
			errs = append(errs, field.Duplicate(at.Child("port"), p.Port))
		}
		for _, msg := range validation.IsValidPortName(p.NameOrDefault()) {
			errs = append(errs, field.Invalid(at.Child("name"), p.Name, msg))
		}
		if names[p.NameOrDefault()] {
			errs = append(errs, field.Duplicate(at.Child("name"), p.NameOrDefault()))
		}
		names[p.NameOrDefault()], numbers[p.Port] = true, true
	}
	for _, name := range s.Variables() {
		if variables[name] {
			errs = append(errs, field.Invalid(path, s.Name, fmt.Sprintf("the variable %s would be that of another port, too: choose other names", name)))
		}
		variables[name] = true
	}
	return errs
}

// validateOnePod refuses what would give a service several pods, at once or one
// after the other.
func validateOnePod(spec *batchv1.JobSpec, path *field.Path) field.ErrorList {
	given := map[string]bool{
		"backoffLimit":         spec.BackoffLimit != nil,
		"backoffLimitPerIndex": spec.BackoffLimitPerIndex != nil,
		"completionMode":       spec.CompletionMode != nil,
		"completions":          spec.Completions != nil,
		"managedBy":            spec.ManagedBy != nil,
		"maxFailedIndexes":     spec.MaxFailedIndexes != nil,
		"parallelism":          spec.Parallelism != nil,
		"podFailurePolicy":     spec.PodFailurePolicy != nil,
		"successPolicy":        spec.SuccessPolicy != nil,
	}
	var refused []string
	for name, is := range given {
		if is {
			refused = append(refused, name)
		}
	}
	slices.Sort(refused)
	var errs field.ErrorList
	for _, name := range refused {
		errs = append(errs, field.Forbidden(path.Child(name), "a service is one pod that is never retried: remove it"))
	}
	return errs
}
