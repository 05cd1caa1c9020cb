package validation

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

// validateFinally checks what a finally job may ask for. That these jobs come
// last keeps the list in a topological order.
func validateFinally(jobs []v1alpha1.Job, self int, path *field.Path) field.ErrorList {
	job := &jobs[self]
	if !job.Finally {
		return nil
	}
	main := func(j v1alpha1.Job) bool { return !j.Finally }
	var errs field.ErrorList
	switch {
	case !slices.ContainsFunc(jobs, main):
		errs = append(errs, field.Forbidden(path.Child("finally"), "there is no job that is none, which it could come after"))
	case slices.ContainsFunc(jobs[self:], main):
		errs = append(errs, field.Forbidden(path.Child("finally"), "finally jobs come last: move this one to the end of the list"))
	}
	if job.Approval != nil {
		errs = append(errs, field.Forbidden(path.Child("approval"), "a finally job waits for nobody: remove it"))
	}
	for i, need := range job.Needs {
		if slices.ContainsFunc(jobs[:self], func(j v1alpha1.Job) bool { return j.Name == need && !j.Finally }) {
			errs = append(errs, field.Invalid(path.Child("needs").Index(i), need,
				"a finally job comes after all other jobs: name finally jobs only, and in `if` what has to have succeeded"))
		}
	}
	return errs
}
