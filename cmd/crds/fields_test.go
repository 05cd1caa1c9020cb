package main

import (
	"math"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change   func(*schema) error
		in, want schema
	}{
		"a transition rule goes, another stays": {
			change: dropTransitionRules,
			in: schema{XValidations: apiextensions.ValidationRules{
				{Rule: "self == oldSelf", Message: "is immutable"}, {Rule: "self > 0", Message: "unlike oldSelf"},
			}},
			want: schema{XValidations: apiextensions.ValidationRules{{Rule: "self > 0", Message: "unlike oldSelf"}}},
		},
		"no rule is left": {
			change: dropTransitionRules,
			in:     schema{Type: "string", XValidations: apiextensions.ValidationRules{{Rule: "!has(oldSelf.a) || has(self.a)"}}},
			want:   schema{Type: "string"},
		},
		"a quantity": {
			change: narrowQuantity,
			in:     schema{XIntOrString: true, Pattern: kubernetesQuantity},
			want:   schema{XIntOrString: true, Pattern: decodableQuantity},
		},
		"an integer that could be a string is no quantity": {
			change: narrowQuantity,
			in:     schema{XIntOrString: true},
			want:   schema{XIntOrString: true},
		},
		"a string is no quantity": {
			change: narrowQuantity,
			in:     schema{Type: "string", Pattern: "^[a-z]+$"},
			want:   schema{Type: "string", Pattern: "^[a-z]+$"},
		},
		"an integer that could be a string": {
			change: boundInteger,
			in:     schema{XIntOrString: true},
			want:   schema{XIntOrString: true, Minimum: ptr.To[float64](math.MinInt32), Maximum: ptr.To[float64](math.MaxInt32)},
		},
		"a quantity is not bounded": {
			change: boundInteger,
			in:     schema{XIntOrString: true, Pattern: decodableQuantity},
			want:   schema{XIntOrString: true, Pattern: decodableQuantity},
		},
		"an integer has its format's bounds": {
			change: boundInteger,
			in:     schema{Type: "integer", Format: "int32"},
			want:   schema{Type: "integer", Format: "int32"},
		},
		"a description of two lines": {
			change: shortenDescription,
			in:     schema{Description: "Image to run.\nDefaults to none."},
			want:   schema{Description: "Image to run."},
		},
		"a description of one line": {
			change: shortenDescription,
			in:     schema{Description: "Required. A list of terms."},
			want:   schema{Description: "Required. A list of terms."},
		},
		"a description too many": {
			change: dropDescription,
			in:     schema{Type: "string", Description: "Image to run."},
			want:   schema{Type: "string"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := test.change(&test.in); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, test.in, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("changed schema (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFirstSentence(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"of one line":         {"One.\nTwo.", "One."},
		"of two lines":        {"One goes\non. Two.", "One goes on."},
		"indented":            {"One\n  goes on.\nTwo.", "One goes on."},
		"before a list":       {"One of:\n- a\n- b", "One of."},
		"before a blank line": {"One\ngoes on\n\nTwo.", "One goes on."},
		"no end":              {"One\ngoes on", "One goes on"},
		"of no more":          {"One\ngoes on.\n", "One goes on."},
		"an example":          {"One, e.g. a\nor i.e. b. Two.", "One, e.g. a or i.e. b."},
		"an ellipsis":         {"One ... goes\non. Two.", "One ... goes on."},
		"a number and a URL":  {"One is 1.5 of\nhttps://example.com/a.b. Two.", "One is 1.5 of https://example.com/a.b."},
		"other letters":       {"Größe …\nist ä. Zwei.", "Größe … ist ä."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := firstSentence(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestNarrowQuantityIsDecodable(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"1": true, "-1.5": true, "+.5": true, "1.": true, "500m": true, "2Gi": true, "1e3": true, "1E-12": true,
		"1e1.5": false, "1e.5": false, "1e1000000000": false, "1.5.5": false, "Gi": false, "": false,
	}
	kubernetes, narrow := regexp.MustCompile(kubernetesQuantity), regexp.MustCompile(decodableQuantity)
	for text, want := range tests {
		if got := narrow.MatchString(text); got != want {
			t.Errorf("%q: matches: %t, want %t", text, got, want)
		}
		if !want {
			continue
		}
		if _, err := resource.ParseQuantity(text); err != nil || !kubernetes.MatchString(text) {
			t.Errorf("%q is no quantity for Kubernetes: %v", text, err)
		}
	}
}
