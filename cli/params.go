package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/runs/act"
)

// maxParamsFile is more than all parameters of a Run may have.
const maxParamsFile = 1 << 20

// Params reads NAME=VALUE. A value is all behind the first =, whatever it holds.
func Params(args []string) (map[string]string, error) {
	given := map[string]string{}
	for _, arg := range args {
		name, value, is := strings.Cut(arg, "=")
		_, twice := given[name]
		switch {
		case !is || name == "":
			return nil, usage("%q is no parameter: it takes NAME=VALUE", arg)
		case twice:
			return nil, usage("the parameter %s is given twice", name)
		}
		given[name] = value
	}
	return given, nil
}

// paramsFile reads a file of parameters, in YAML or JSON. Values are strings: 1.10 as
// a number would arrive as 1.1.
func (e *Env) paramsFile(name string) (map[string]string, error) {
	if name == "" {
		return nil, nil
	}
	from := e.In
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usage("read --params-file: %w", err)
		}
		defer file.Close()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, maxParamsFile+1))
	switch {
	case err != nil:
		return nil, usage("read --params-file: %w", err)
	case len(data) > maxParamsFile:
		return nil, usage("read --params-file: it has more than %d bytes", maxParamsFile)
	}
	var values map[string]json.RawMessage
	if err := yaml.UnmarshalStrict(data, &values); err != nil {
		return nil, usage("read --params-file: it takes names and their values, as YAML or JSON: %w", err)
	}
	given := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		var value string
		if err := json.Unmarshal(values[name], &value); err != nil || string(values[name]) == "null" {
			return nil, usage("read --params-file: the value of %s is no string: put it between quotes", name)
		}
		given[name] = value
	}
	return given, nil
}

// ask asks for what the Pipeline wants and wasn't given, where somebody can be asked.
// Otherwise what is missing is an error in its turn.
func (e *Env) ask(ctx context.Context, pipeline *v1alpha1.Pipeline, given map[string]string) error {
	if !e.Terminal.Interactive() {
		return nil
	}
	for _, param := range act.Missing(pipeline, given) {
		for {
			answer, err := e.Terminal.Ask(ctx, question(param), "")
			if err != nil {
				return err
			}
			_, problems := validation.Params([]v1alpha1.Param{param}, map[string]string{param.Name: answer})
			if len(problems) == 0 {
				given[param.Name] = answer
				break
			}
			if _, err := fmt.Fprintf(e.Err, "  %s\n", printable.Text(problems[0].ErrorBody())); err != nil {
				return err
			}
		}
	}
	return nil
}

func question(param v1alpha1.Param) string {
	text := param.Name
	if about := strings.Join(strings.Fields(param.Description), " "); about != "" {
		text += ", " + about
	}
	if len(param.Enum) > 0 {
		text += " (" + strings.Join(param.Enum, ", ") + ")"
	}
	return printable.Text(text)
}
