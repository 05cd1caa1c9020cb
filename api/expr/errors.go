package expr

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

	"github.com/kayci/kayci/api/printable"
)

// maxErrors of one expression that are told: later ones mostly follow from the
// first.
const maxErrors = 3

// maxErrorLength keeps a value that an error quotes from filling a condition
// or an answer.
const maxErrorLength = 512

// hints say what to write instead of what is wrong.
type hints struct {
	// fields follows an unknown field, variables an unknown name, and missing a key
	// that a map doesn't have. example takes the place of a blank expression.
	fields, variables, missing, example string
}

// compileError says where and what is wrong, as line:column: message, and what
// to write instead where that is known.
func (h hints) compileError(issues *cel.Issues) error {
	found := issues.Errors()
	if i := slices.IndexFunc(found, unended); i >= 0 {
		found = found[i : i+1]
	}
	texts := make([]string, 0, maxErrors)
	for _, issue := range found[:min(len(found), maxErrors)] {
		text := fmt.Sprintf("%d:%d: %s", max(issue.Location.Line(), 1), max(issue.Location.Column(), 0)+1, tidy(withoutTexts(issue.Message)))
		texts = append(texts, text+h.advice(issue.Message))
	}
	return errors.New(strings.Join(texts, "; "))
}

// unended reports whether a text of the expression doesn't end. What follows from
// that would tell the rest of it.
func unended(issue *cel.Error) bool {
	_, at, ok := strings.Cut(issue.Message, "token recognition error at: '")
	return ok && strings.ContainsAny(strings.TrimSuffix(at, "'"), `'"`)
}

// syntaxInput is what a syntax error quotes of the expression.
var syntaxInput = regexp.MustCompile(`(?s) (at: |at input |input )'(.*?)'($| expecting)`)

// withoutTexts takes texts in quotes out of what the parser quotes: somebody may
// compare something with a secret.
func withoutTexts(message string) string {
	if !strings.HasPrefix(message, "Syntax error") {
		return message
	}
	return syntaxInput.ReplaceAllStringFunc(message, func(quote string) string {
		part := syntaxInput.FindStringSubmatch(quote)
		if !strings.ContainsAny(part[2], `'"`) {
			return quote
		}
		return " " + part[1] + "a text" + part[3]
	})
}

// advice follows the checker's wording. Should that change, the error merely
// loses its hint.
func (h hints) advice(message string) string {
	switch {
	case strings.Contains(message, "undefined field"):
		return " (" + h.fields + ")"
	case strings.Contains(message, "undeclared reference"):
		return " (" + h.variables + ")"
	case strings.Contains(message, "found no matching overload"):
		return " (convert a side with string(), int() or double())"
	default:
		return ""
	}
}

// evalError says where an evaluation failed and why.
func (p program) evalError(err error) error {
	var cancelled interpreter.EvalCancelledError
	if errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded {
		return fmt.Errorf("1:1: the evaluation takes too many steps, of which the expressions of one object have %d: look at fewer elements or shorter strings", maxSteps)
	}
	at := "1:1"
	var failed *types.Err
	if errors.As(err, &failed) && failed.NodeID() > 0 {
		at = p.position(failed.NodeID())
	}
	hint := ""
	if strings.HasPrefix(err.Error(), "no such key") {
		hint = " (" + p.missing + ")"
	}
	return fmt.Errorf("%s: %s%s", at, tidy(err.Error()), hint)
}

// position of a node of the expression, as line:column.
func (p program) position(node int64) string {
	at := p.checked.NativeRep().SourceInfo().GetStartLocation(node)
	return fmt.Sprintf("%d:%d", max(at.Line(), 1), max(at.Column(), 0)+1)
}

// tidy makes a library's message, which may quote a value, fit one printable line
// of bounded length.
func tidy(message string) string {
	message = printable.Text(strings.Join(strings.Fields(message), " "))
	return printable.CutBytes(strings.ReplaceAll(message, " (in container '')", ""), maxErrorLength)
}
