package validation

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	maxParamNameLength = 63
	maxParamBytes      = 32 << 10
	maxParamEnum       = 64
	// maxNamedValues bounds how many allowed values an error lists.
	maxNamedValues = 16
	// One process's environment is limited by its kernel (128 KiB a string, a
	// quarter of the stack in all); this stays well below.
	maxParamsBytes = 256 << 10
)

var paramName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func reservedParamName(name string) bool {
	return slices.Contains([]string{"run", "run_number", "run_phase", "run_message", "failed_jobs", "pipeline", "namespace", "job"}, name) ||
		strings.HasPrefix(name, "output_") || strings.HasPrefix(name, "service_") || strings.HasPrefix(name, "notify_") ||
		strings.HasPrefix(name, "job_") && strings.HasSuffix(name, "_phase")
}

func validateParamName(name string, path *field.Path) field.ErrorList {
	switch {
	case !paramName.MatchString(name):
		return field.ErrorList{field.Invalid(path, name, "must be lower-case letters, digits and underscores, beginning with a letter")}
	case len(name) > maxParamNameLength:
		return field.ErrorList{field.TooLong(path, name, maxParamNameLength)}
	case reservedParamName(name):
		return field.ErrorList{field.Invalid(path, name, "is reserved: KayCI sets the environment variable of that name itself")}
	}
	return nil
}

func validateDeclaredParams(params []v1alpha1.Param, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, param := range params {
		at := path.Index(i)
		errs = append(errs, validateParamName(param.Name, at.Child("name"))...)
		if seen[param.Name] {
			errs = append(errs, field.Duplicate(at.Child("name"), param.Name))
		}
		seen[param.Name] = true
		errs = append(errs, validateAllowed(&params[i], at)...)
	}
	return errs
}

// validateAllowed checks what a parameter allows, and that it allows its own
// default.
func validateAllowed(param *v1alpha1.Param, path *field.Path) field.ErrorList {
	if len(param.Enum) > maxParamEnum {
		return field.ErrorList{field.TooMany(path.Child("enum"), len(param.Enum), maxParamEnum)}
	}
	if _, err := expr.NewPattern(param.Pattern); err != nil {
		return field.ErrorList{field.Invalid(path.Child("pattern"), field.OmitValueType{}, err.Error())}
	}
	var errs field.ErrorList
	for i, value := range param.Enum {
		at := path.Child("enum").Index(i)
		errs = append(errs, validateParamValue(&v1alpha1.Param{Pattern: param.Pattern}, value, at)...)
		if slices.Contains(param.Enum[:i], value) {
			errs = append(errs, field.Duplicate(at, value))
		}
	}
	if param.Default != nil {
		errs = append(errs, validateParamValue(param, *param.Default, path.Child("default"))...)
	}
	return errs
}

// validateParamValue checks a value against what its parameter allows. No error
// repeats the value.
func validateParamValue(param *v1alpha1.Param, value string, path *field.Path) field.ErrorList {
	switch {
	case len(value) > maxParamBytes:
		return field.ErrorList{field.TooLong(path, "", maxParamBytes)}
	case strings.ContainsRune(value, 0):
		return field.ErrorList{field.Invalid(path, "", "must not contain a NUL character: no environment variable can hold one")}
	case len(param.Enum) > 0 && !slices.Contains(param.Enum, value):
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, "must be one of "+quoted(param.Enum))}
	case param.Pattern != "" && !matchesWhole(param.Pattern, value):
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, "must match the pattern "+param.Pattern+" from beginning to end")}
	}
	return nil
}

// matchesWhole reports whether the pattern, which is valid, matches all of the
// value.
func matchesWhole(pattern, value string) bool {
	compiled, err := expr.NewPattern(pattern)
	return err == nil && compiled.MatchesWhole(value)
}

// quoted lists a few values. They are the Pipeline's, and so no event's data.
func quoted(values []string) string {
	texts := make([]string, 0, maxNamedValues+1)
	for _, value := range values[:min(len(values), maxNamedValues)] {
		texts = append(texts, strconv.Quote(value))
	}
	if more := len(values) - maxNamedValues; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

// Params resolves what a Run was given against what its Pipeline declares. The
// result holds a value for every declared parameter. A missing or unknown
// parameter, a value that the Pipeline doesn't allow, or one that no environment
// variable can hold, is an error below `params`; no error repeats a value.
func Params(declared []v1alpha1.Param, given map[string]string) (map[string]string, field.ErrorList) {
	path := field.NewPath("params")
	var errs field.ErrorList
	names := make([]string, 0, len(declared))
	total := 0
	for i, param := range declared {
		names = append(names, param.Name)
		value, ok := given[param.Name]
		switch {
		case ok:
			errs = append(errs, validateParamValue(&declared[i], value, path.Key(param.Name))...)
		case param.Default != nil:
			value = *param.Default
		default:
			errs = append(errs, field.Required(path.Key(param.Name), "the Pipeline gives it no default"))
			continue
		}
		total += len(value)
	}
	for _, name := range unknownNames(names, given) {
		errs = append(errs, field.Invalid(path.Key(name), field.OmitValueType{}, "the Pipeline does not declare it; "+declares(names)))
	}
	if total > maxParamsBytes {
		errs = append(errs, field.TooLong(path, "", maxParamsBytes))
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return EffectiveParams(declared, given), nil
}

func unknownNames(declared []string, given map[string]string) []string {
	var unknown []string
	for name := range given {
		if !slices.Contains(declared, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}

func declares(names []string) string {
	if len(names) == 0 {
		return "it declares none"
	}
	return fmt.Sprintf("it declares: %s", strings.Join(names, ", "))
}

// EffectiveParams returns a Run's parameters with its Pipeline's defaults. Params
// has found nothing wrong with them.
func EffectiveParams(declared []v1alpha1.Param, given map[string]string) map[string]string {
	effective := make(map[string]string, len(declared))
	for i := range declared {
		if value, ok := given[declared[i].Name]; ok {
			effective[declared[i].Name] = value
		} else if declared[i].Default != nil {
			effective[declared[i].Name] = *declared[i].Default
		}
	}
	return effective
}
