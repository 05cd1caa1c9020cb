package event

import (
	"bytes"
	"encoding/json"
	"slices"
)

// each reads a JSON array one by one: what it takes in memory is what is kept of the
// elements, however many there are. The caller adds its field's name to the errors.
func each[T any](raw []byte, keep func(*T)) error {
	if string(raw) == "null" {
		return nil
	}
	list := json.NewDecoder(bytes.NewReader(raw))
	if open, err := list.Token(); err != nil || open != json.Delim('[') {
		return &json.UnmarshalTypeError{Value: kindOf(raw)}
	}
	// One place for all of them: each on the heap would take more than what is kept.
	var element T
	for list.More() {
		element = *new(T)
		if err := list.Decode(&element); err != nil {
			return err
		}
		keep(&element)
	}
	return nil
}

// kindOf a JSON value, in the words of the standard library's errors.
func kindOf(raw []byte) string {
	switch raw[0] {
	case '{':
		return "object"
	case '"':
		return "string"
	case 't', 'f':
		return "bool"
	default:
		return "number"
	}
}

// first are the elements of an array that are kept, and how many there are.
type first[T any] struct {
	kept  []T
	count int
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *first[T]) UnmarshalJSON(raw []byte) error {
	*f = first[T]{}
	return each(raw, func(element *T) {
		f.count++
		if len(f.kept) < maxEvents {
			f.kept = append(f.kept, *element)
		}
	})
}

const (
	maxLabels = 100
	// maxLabel is the longest that a git host takes, in bytes.
	maxLabel = 255
)

// labels are the first maxLabels of a pull request's. What no label is called is
// left out.
type labels struct {
	names []string
	// cut says that there are more.
	cut bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *labels) UnmarshalJSON(raw []byte) error {
	*l = labels{}
	return each(raw, func(label *struct {
		// GitLab says title, the others name.
		Name  string `json:"name"`
		Title string `json:"title"`
	},
	) {
		for _, name := range []string{label.Name, label.Title} {
			l.add(name)
		}
	})
}

func (l *labels) add(name string) {
	switch name = labelOf(name); {
	case name == "" || slices.Contains(l.names, name):
	case len(l.names) == maxLabels:
		l.cut = true
	default:
		l.names = append(l.names, name)
	}
}

// labelOf is the name if a label can be called so, else nothing.
func labelOf(name string) string {
	if len(name) > maxLabel || control.MatchString(name) {
		return ""
	}
	return name
}

// without are the labels that aren't among the others.
func (l *labels) without(others *labels) []string {
	return slices.DeleteFunc(slices.Clone(l.names), func(name string) bool { return slices.Contains(others.names, name) })
}
