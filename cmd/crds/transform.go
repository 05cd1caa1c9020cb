package main

import (
	"fmt"
	"maps"
	"slices"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

type schema = apiextensions.JSONSchemaProps

// transformation changes the schemas of fields, each by itself.
type transformation struct {
	change func(*schema) error
	// within names lists of a Pipeline's spec: the fields are those in the templates
	// of their items. None: all fields of a Pipeline.
	within []string
}

// transformations are all that is done to the CRD, in this order.
func transformations() []transformation {
	return []transformation{
		{change: dropTransitionRules, within: []string{"jobs", "services", "notifiers"}},
		{change: narrowQuantity},
		{change: boundInteger},
		{change: shortenDescription, within: []string{"jobs"}},
		{change: dropDescription, within: []string{"services", "notifiers"}},
	}
}

func transform(spec *apiextensions.CustomResourceDefinitionSpec) error {
	for _, version := range spec.Versions {
		if version.Schema == nil || version.Schema.OpenAPIV3Schema == nil {
			return fmt.Errorf("%s: no schema", version.Name)
		}
		for _, t := range transformations() {
			if err := t.apply(version.Schema.OpenAPIV3Schema); err != nil {
				return fmt.Errorf("%s: %w", version.Name, err)
			}
		}
	}
	return nil
}

func (t transformation) apply(kind *schema) error {
	if t.within == nil {
		return t.changeBelow(kind, "")
	}
	for _, list := range t.within {
		if err := at(kind, "", []string{"spec", list, "[]", "template"}, t.changeBelow); err != nil {
			return err
		}
	}
	return nil
}

// at has visit change the schema that steps lead to from s, the schema of path.
func at(s *schema, path string, steps []string, visit func(*schema, string) error) error {
	if len(steps) == 0 {
		return visit(s, path)
	}
	step, rest := steps[0], steps[1:]
	if step == "[]" {
		if s.Items == nil || s.Items.Schema == nil {
			return fmt.Errorf("%s: not a list", path)
		}
		return at(s.Items.Schema, path+step, rest, visit)
	}
	path += "." + step
	field, ok := s.Properties[step]
	if !ok {
		return fmt.Errorf("%s: no such field", path)
	}
	if err := at(&field, path, rest, visit); err != nil {
		return err
	}
	s.Properties[step] = field
	return nil
}

// changeBelow changes the schemas below s, the schema of path, but not s: what it
// says of itself is KayCI's. The allOf, anyOf, oneOf and not of a structural schema
// hold no descriptions, rules or schemas of an int-or-string.
func (t transformation) changeBelow(s *schema, path string) error {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		field := s.Properties[name]
		if err := t.changeAll(&field, path+"."+name); err != nil {
			return err
		}
		s.Properties[name] = field
	}
	if s.Items != nil && s.Items.Schema != nil {
		if err := t.changeAll(s.Items.Schema, path+"[]"); err != nil {
			return err
		}
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		return t.changeAll(s.AdditionalProperties.Schema, path+"{}")
	}
	return nil
}

func (t transformation) changeAll(s *schema, path string) error {
	if err := t.change(s); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return t.changeBelow(s, path)
}
