// Package find finds the Run that a person means, and lists the newest. It reads as
// the person, without a cache.
package find

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Ref is what a person calls a Run:
//
//	run.kayci.dev/NAME   the Run of that name, as `-o name` prints it
//	PIPELINE/NUMBER      the Run of that number
//	PIPELINE/            the newest of the Pipeline
//	NAME                 the Run of that name; if there is none, the newest of the
//	                     Pipeline of that name
//	                     nothing at all: the newest of the namespace
//
// So a Run that is called as a Pipeline is comes first, and a slash asks for the
// Pipeline.
type Ref struct {
	// Name of the Run.
	Name string
	// Pipeline that it is a Run of. With Name and Pipeline it is either's.
	Pipeline string
	// Number of the Run; 0 is the newest.
	Number int64
}

// ParseRef reads what a person calls a Run.
func ParseRef(text string) (Ref, error) {
	if text == "" {
		return Ref{}, nil
	}
	left, right, slash := strings.Cut(text, "/")
	switch {
	case slash && left == "run."+v1alpha1.Group && IsName(right):
		return Ref{Name: right}, nil
	case slash && IsName(left) && right == "":
		return Ref{Pipeline: left}, nil
	case slash && IsName(left):
		number, err := strconv.ParseInt(right, 10, 64)
		if err == nil && number > 0 {
			return Ref{Pipeline: left, Number: number}, nil
		}
	case IsName(text):
		return Ref{Name: text, Pipeline: text}, nil
	}
	return Ref{}, fmt.Errorf("%q names no Run: it takes a Run's name, PIPELINE/NUMBER, or a Pipeline for its newest Run", text)
}

// IsName reports whether a text can name an object.
func IsName(text string) bool { return len(validation.IsDNS1123Label(text)) == 0 }
