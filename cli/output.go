package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"
)

// Output is what -o says.
type Output struct {
	format  string
	allowed []string
}

// The formats of -o that show objects as they are.
const (
	asTable    = "table"
	asWide     = "wide"
	asJSON     = "json"
	asYAML     = "yaml"
	asName     = "name"
	asJSONPath = "jsonpath="
)

// AddFlag adds -o with the formats that a command has of its own, the first of which
// is the default, besides those that show objects as they are.
func (o *Output) AddFlag(cmd *cobra.Command, own ...string) {
	o.allowed = slices.Concat(own, []string{asJSON, asYAML, asName})
	cmd.Flags().StringVarP(&o.format, "output", "o", own[0], strings.Join(o.allowed, ", ")+" or jsonpath=TEMPLATE")
	// It fails for a flag that isn't there.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(append(slices.Clone(o.allowed), asJSONPath), cobra.ShellCompDirectiveNoFileComp))
}

// Check refuses a format that there isn't, before anything is done.
func (o *Output) Check() error {
	if slices.Contains(o.allowed, o.format) {
		return nil
	}
	if template, is := strings.CutPrefix(o.format, asJSONPath); is {
		_, err := parsed(template)
		return err
	}
	return usage("--output is %q: it takes %s or jsonpath=TEMPLATE", o.format, strings.Join(o.allowed, ", "))
}

// Own returns the command's own format, and false if objects are to be shown as they
// are, by Write.
func (o *Output) Own() (string, bool) {
	is := slices.Contains(o.allowed, o.format) && o.format != asJSON && o.format != asYAML && o.format != asName
	return o.format, is
}

// Write writes an object or a list as -o says. Who manages which field is left out.
func (o *Output) Write(out io.Writer, object runtime.Object) error {
	known, err := scheme()
	if err != nil {
		return err
	}
	object = object.DeepCopyObject()
	if err := dress(known, object); err != nil {
		return err
	}
	if o.format == asName {
		return writeNames(out, object)
	}
	return o.write(out, object)
}

// writeItems writes a list of what is no object of the API server as -o says.
func writeItems[T any](o *Output, out io.Writer, items []T, name func(T) string) error {
	if o.format != asName {
		return o.write(out, map[string]any{"items": items})
	}
	for _, item := range items {
		if _, err := fmt.Fprintln(out, name(item)); err != nil {
			return err
		}
	}
	return nil
}

func (o *Output) write(out io.Writer, object any) error {
	switch o.format {
	case asYAML:
		data, err := yaml.Marshal(object)
		if err != nil {
			return fmt.Errorf("write YAML: %w", err)
		}
		_, err = out.Write(data)
		return err
	case asJSON:
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "    ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(object)
	default:
		return writePath(out, strings.TrimPrefix(o.format, asJSONPath), object)
	}
}

// dress sets what a client leaves out, the kinds, and takes off what nobody reads.
func dress(known *runtime.Scheme, object runtime.Object) error {
	kind, err := apiutil.GVKForObject(object, known)
	if err != nil {
		return fmt.Errorf("find the kind: %w", err)
	}
	object.GetObjectKind().SetGroupVersionKind(kind)
	if single, is := object.(client.Object); is {
		single.SetManagedFields(nil)
		return nil
	}
	return meta.EachListItem(object, func(item runtime.Object) error { return dress(known, item) })
}

func writeNames(out io.Writer, object runtime.Object) error {
	if !meta.IsListType(object) {
		accessor, err := meta.Accessor(object)
		if err != nil {
			return fmt.Errorf("name an object: %w", err)
		}
		kind := object.GetObjectKind().GroupVersionKind()
		resource := schema.GroupResource{Group: kind.Group, Resource: strings.ToLower(kind.Kind)}
		_, err = fmt.Fprintf(out, "%s/%s\n", resource, accessor.GetName())
		return err
	}
	return meta.EachListItem(object, func(item runtime.Object) error { return writeNames(out, item) })
}

func parsed(template string) (*jsonpath.JSONPath, error) {
	// kubectl takes a template without braces, too.
	if !strings.Contains(template, "{") {
		template = "{" + template + "}"
	}
	path := jsonpath.New("output").AllowMissingKeys(true)
	if err := path.Parse(template); err != nil {
		return nil, usage("--output: %s can't be read as a JSONPath: %w", template, err)
	}
	return path, nil
}

func writePath(out io.Writer, template string, object any) error {
	path, err := parsed(template)
	if err != nil {
		return err
	}
	// Fields are found by their names in JSON, not by those of Go.
	data, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	var fields any
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	if err := path.Execute(out, fields); err != nil {
		return usage("--output: %w", err)
	}
	return nil
}
