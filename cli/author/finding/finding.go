// Package finding writes what is wrong with a folder's files for people, for programs
// and for the pages of git hosts. It is pure.
package finding

import (
	"encoding/json"
	"io"
	"path"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/render"
)

// Rule is what sort of thing is wrong.
type Rule string

// The rules. Programs know them by these names.
const (
	// RuleFile: a file can't be read or evaluated, or the folder as a whole is at fault.
	RuleFile Rule = "file"
	// RuleObject: what a file yields is no Pipeline or Trigger, or not as a whole.
	RuleObject Rule = "object"
	// RuleField: a field of a Pipeline or Trigger isn't valid.
	RuleField Rule = "field"
)

// Finding is one thing that is wrong. What isn't known of it is blank.
type Finding struct {
	Rule Rule `json:"rule"`
	// File is the path by which the reader finds it, with slashes.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Object is Kind/name, or the object's place in what the file yields.
	Object string `json:"object,omitempty"`
	// Field is the field's path in the object.
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// Of returns the findings of a folder, whose files the reader finds below dir.
func Of(dir string, errs render.Errors) []Finding {
	findings := make([]Finding, len(errs))
	for i, err := range errs {
		findings[i] = Finding{
			Rule: RuleFile, File: err.File, Line: err.Line, Object: err.Object, Field: err.Field, Message: err.Message,
		}
		if err.File != "" {
			findings[i].File = path.Join(dir, err.File)
		}
		switch {
		case err.Field != "":
			findings[i].Rule = RuleField
		case err.Object != "":
			findings[i].Rule = RuleObject
		}
	}
	return findings
}

// what is wrong, without where.
func (f Finding) what() string {
	return render.Error{Object: f.Object, Field: f.Field, Message: f.Message}.Error()
}

// Text writes a finding a line, as compilers do, so that an editor finds its place. The
// lines of a longer message are indented.
func Text(out io.Writer, findings []Finding) error {
	var text strings.Builder
	for _, f := range findings {
		where := render.Error{File: f.File, Line: f.Line, Message: f.what()}.Error()
		text.WriteString(strings.ReplaceAll(readable(where), "\n", "\n  ") + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// readable keeps the lines of a text and shows what else a terminal would obey.
func readable(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\t", "  "), "\n")
	for i, line := range lines {
		lines[i] = printable.Text(line)
	}
	return strings.Join(lines, "\n")
}

// JSON writes a list.
func JSON(out io.Writer, findings []Finding) error {
	if findings == nil {
		findings = []Finding{}
	}
	return encode(out, findings)
}

func encode(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
