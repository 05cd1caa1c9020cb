// Package validation says what makes a KayCI object valid beyond its schema.
// Every caller (the sync, the controllers, the command line) gets the same
// answer in the same words. It is pure: objects in, a list of errors out.
package validation

import (
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Names longer than maxNameLength would not leave room in the names that are
// derived from them: a Run is named after its Trigger, and a label holds it.
const maxNameLength = 52

func validateName(name string, maxLength int, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, msg := range validation.IsDNS1123Label(name) {
		errs = append(errs, field.Invalid(path, name, msg))
	}
	if len(errs) == 0 && len(name) > maxLength {
		errs = append(errs, field.TooLong(path, name, maxLength))
	}
	return errs
}
