package validation

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Run validates a whole Run. The spec is that of the Pipeline, or of the
// revision, which the Run names. With nil for one that isn't known, parameters
// are refused only if no Pipeline could take them. No error repeats a value.
func Run(r *v1alpha1.Run, spec *v1alpha1.PipelineSpec) field.ErrorList {
	errs := validateName(r.Name, 63, field.NewPath("metadata", "name"))
	path := field.NewPath("spec")
	errs = append(errs, validateName(r.Spec.Pipeline, maxNameLength, path.Child("pipeline"))...)
	if spec == nil {
		return append(errs, validateGivenParams(r.Spec.Params, path.Child("params"))...)
	}
	_, given := Params(spec.Params, r.Spec.Params)
	for _, err := range given {
		err.Field = path.String() + "." + err.Field
	}
	return append(errs, given...)
}

func validateGivenParams(params map[string]string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	total := 0
	for _, name := range slices.Sorted(maps.Keys(params)) {
		errs = append(errs, validateParamName(name, path.Key(name))...)
		errs = append(errs, validateParamValue(&v1alpha1.Param{}, params[name], path.Key(name))...)
		total += len(params[name])
	}
	if total > maxParamsBytes {
		errs = append(errs, field.TooLong(path, "", maxParamsBytes))
	}
	return errs
}
