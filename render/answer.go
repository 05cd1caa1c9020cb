package render

import "encoding/json"

// evaluation is what the parent asks the child to do, as JSON on its stdin.
type evaluation struct {
	Dir      string            `json:"dir"`
	Path     string            `json:"path"`
	Entries  []string          `json:"entries"`
	Vars     map[string]string `json:"vars,omitempty"`
	Image    string            `json:"image"`
	GitImage string            `json:"gitImage"`
	Store    string            `json:"store"`
	Limits   Limits            `json:"limits"`
	// Values of the limit that other entries have taken.
	Values int `json:"values,omitempty"`
}

// answer is one line of the child's stdout. For each entry there is one that
// says the evaluation begins, so that a crash can be blamed on a file, one for
// each object and each fault, and one that says the entry is done.
type answer struct {
	File  string `json:"file"`
	Begin bool   `json:"begin,omitempty"`
	// Place of the object in the entry's output.
	Place string          `json:"place,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
	// Lines is what node.lines returns of the value.
	Lines []int  `json:"lines,omitempty"`
	Fault *fault `json:"fault,omitempty"`
	End   bool   `json:"end,omitempty"`
	// Looked are the paths that an entry without a fault depends on, and Values how
	// many it has. Both come with its end.
	Looked pathList `json:"looked,omitempty"`
	Values int      `json:"values,omitempty"`
}

// pathList is read only if it is short enough to have been said by a child that
// keeps to the bounds.
type pathList []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *pathList) UnmarshalJSON(data []byte) error {
	if len(data) > lookedOfOne {
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// sound reports whether the answer is of one sort.
func (a *answer) sound() bool {
	sorts := 0
	for _, is := range []bool{a.Begin, a.Value != nil, a.Fault != nil, a.End} {
		if is {
			sorts++
		}
	}
	return sorts == 1
}

// fault is why an entry could not be evaluated, or what is wrong with what it
// yields. Its fields are those of an Error.
type fault struct {
	Line    int    `json:"line,omitempty"`
	Object  string `json:"object,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

func (f *fault) of(file string) Error {
	return Error{File: file, Line: f.Line, Object: f.Object, Field: f.Field, Message: f.Message}
}
