package web

import (
	"net/url"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/act"
)

// paramPrefix begins the names of a form's fields that are parameters.
const paramPrefix = "param."

// field is a parameter in the form that starts a Run.
type field struct {
	// Name of the parameter, and Field that of the form's.
	Name, Field, Description, Value string
	Enum                            []string
	Required                        bool
	// Lines has the value stand in an area of several lines.
	Lines bool
}

// fieldsOf the Pipeline's parameters, with the values that are given, or their defaults.
func fieldsOf(params []v1alpha1.Param, given map[string]string) []field {
	fields := make([]field, 0, len(params))
	for n := range params {
		p := &params[n]
		value, is := given[p.Name]
		if !is && p.Default != nil {
			value = *p.Default
		}
		fields = append(fields, field{
			Name: p.Name, Field: paramPrefix + p.Name, Description: p.Description, Value: value,
			Enum: p.Enum, Required: p.Default == nil, Lines: strings.Contains(value, "\n"),
		})
	}
	return fields
}

// paramsOf a form. What is as its default isn't given, so that the Run has what the
// Pipeline says when it starts; and a blank field of a parameter that has no default
// is none.
func paramsOf(form url.Values, params []v1alpha1.Param) map[string]string {
	given := map[string]string{}
	defaults := map[string]string{}
	for n := range params {
		if params[n].Default != nil {
			defaults[params[n].Name] = *params[n].Default
		}
	}
	for name, values := range form {
		param, is := strings.CutPrefix(name, paramPrefix)
		if !is || len(values) == 0 {
			continue
		}
		// Browsers end lines so, whatever they ended with before.
		value := strings.ReplaceAll(values[0], "\r\n", "\n")
		if value != defaults[param] {
			given[param] = value
		}
	}
	return given
}

// problemsOf the parameters, a line each.
func problemsOf(err *act.ParamsError) []string {
	problems := make([]string, 0, len(err.Problems))
	for _, one := range err.Problems {
		problems = append(problems, one.Error())
	}
	return problems
}
