package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
)

// dropTransitionRules removes the rules that compare with the old object. Within an
// atomic list there is no old element to compare with, and the API server refuses
// the whole CRD. Whoever edits a template makes a new one anyway.
func dropTransitionRules(s *schema) error {
	s.XValidations = slices.DeleteFunc(s.XValidations, func(rule apiextensions.ValidationRule) bool {
		return strings.Contains(rule.Rule, "oldSelf")
	})
	return nil
}

const (
	kubernetesQuantity = `^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$`
	decodableQuantity  = `^[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$`
)

// narrowQuantity makes a quantity no looser than Go's decoders. Kubernetes' own
// pattern allows a fraction in the exponent, which no decoder takes, and an exponent
// whose number is too long to be written out. What the API server stores and a
// client can't decode stops that client's watch of every object of the kind, in all
// namespaces.
func narrowQuantity(s *schema) error {
	if !s.XIntOrString || s.Pattern == "" {
		return nil
	}
	if s.Pattern != kubernetesQuantity {
		return fmt.Errorf("a quantity has the pattern %s, and how to narrow it is known for %s alone", s.Pattern, kubernetesQuantity)
	}
	s.Pattern = decodableQuantity
	return nil
}

// boundInteger does the same for an integer that could be a string: it has no
// bounds, and decoders want 32 bits. A quantity, which has a pattern, needs none.
func boundInteger(s *schema) error {
	if s.XIntOrString && s.Pattern == "" {
		s.Minimum, s.Maximum = ptr.To[float64](math.MinInt32), ptr.To[float64](math.MaxInt32)
	}
	return nil
}

// shortenDescription keeps the first sentence. Helm keeps the CRDs twice in a
// release's Secret, which holds 1 MiB at most; the template's own description says
// where to read more. A description of one line stays whole: its first sentence may
// be no more than "Required."
func shortenDescription(s *schema) error {
	if strings.Contains(s.Description, "\n") {
		s.Description = firstSentence(s.Description)
	}
	return nil
}

// dropDescription leaves nothing: the template of a service or a notifier is the
// same as a job's.
func dropDescription(s *schema) error {
	s.Description = ""
	return nil
}

// firstSentence ends at a full stop, at a blank line, or at a colon and what it
// introduces.
func firstSentence(text string) string {
	paragraph, _, more := strings.Cut(text, "\n\n")
	lines := strings.Split(paragraph, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, " ")
	}
	paragraph = strings.Join(lines, " ")
	for i := range paragraph {
		if rest := paragraph[i+1:]; endsSentence(paragraph[:i+1]) && (rest == "" || rest[0] == ' ') {
			return strings.TrimRight(paragraph[:i], " ") + "."
		}
	}
	if more {
		paragraph += "."
	}
	return paragraph
}

// endsSentence tells a full stop from that of an abbreviation or an ellipsis.
func endsSentence(text string) bool {
	for _, other := range []string{"e.g.", "i.e.", ".."} {
		if strings.HasSuffix(text, other) {
			return false
		}
	}
	return strings.HasSuffix(text, ".") || strings.HasSuffix(text, ":")
}
