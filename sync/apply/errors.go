package apply

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Fault is one object that can't be applied.
type Fault struct {
	// File is the entry file that the object came from.
	File string
	// Key names the object.
	Key Key
	// Message says why.
	Message string
}

// RefusedError says that nothing was applied because of these objects. Only a
// change of the repository, or of the cluster's objects, can help.
type RefusedError struct {
	Faults []Fault
}

// Error returns one fault per line.
func (e *RefusedError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = fmt.Sprintf("%s: %s: %s", f.File, f.Key, f.Message)
	}
	return strings.Join(lines, "\n")
}

// MassPruneError says that nothing was changed because most of the objects would
// have been deleted.
type MassPruneError struct {
	// Pruned are the objects that are no longer rendered.
	Pruned []Key
	// Of is how many objects the ConfigRepo has.
	Of int
}

// Error names the first of the objects.
func (e *MassPruneError) Error() string {
	const shown = 10
	var names []string
	for _, key := range e.Pruned[:min(len(e.Pruned), shown)] {
		names = append(names, key.String())
	}
	if more := len(e.Pruned) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("the commit no longer renders %d of the %d objects, so nothing was changed; "+
		"set spec.allowPrune if they are to be removed: %s", len(e.Pruned), e.Of, strings.Join(names, ", "))
}

// PruneError says that everything was applied and some objects that should have
// gone have not. They stay in the inventory.
type PruneError struct {
	errs []error
}

// Error returns one failed deletion per line.
func (e *PruneError) Error() string {
	lines := make([]string, len(e.errs))
	for i, err := range e.errs {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.Is see each deletion's error.
func (e *PruneError) Unwrap() []error { return e.errs }

// refused reports whether the API server has judged the object itself, or our
// right to it, rather than failed to look at it. NotFound is a kind or namespace
// that is missing, Conflict a race, and neither is the object's fault.
func refused(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	switch code := status.Status().Code; code {
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusRequestTimeout,
		http.StatusConflict, http.StatusTooManyRequests:
		return false
	default:
		return code >= http.StatusBadRequest && code < http.StatusInternalServerError
	}
}

// IsPrune reports whether everything was applied and only deletions failed.
func IsPrune(err error) bool {
	var target *PruneError
	return errors.As(err, &target)
}
