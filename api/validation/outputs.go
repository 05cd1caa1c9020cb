package validation

import (
	"regexp"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
)

const maxOutputs = 64

var outputName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,252}$`)

// validateOutputs checks the outputs that a job declares. A Job of several pods
// has none.
func validateOutputs(job *v1alpha1.Job, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if n := len(job.Outputs); n > maxOutputs {
		errs = append(errs, field.TooMany(path, n, maxOutputs))
	}
	for i, name := range job.Outputs {
		at := path.Index(i)
		if !outputName.MatchString(name) {
			errs = append(errs, field.Invalid(at, name, "must be letters, digits and underscores, beginning with no digit, and 253 characters at most"))
		}
		if slices.Contains(job.Outputs[:i], name) {
			errs = append(errs, field.Duplicate(at, name))
		}
	}
	if len(job.Outputs) > 0 && !onePod(&job.Template.Spec) {
		errs = append(errs, field.Forbidden(path, "a Job of several pods, or of another cluster's, hands on no outputs: remove them"))
	}
	return errs
}

// onePod reports whether the Job is the work of one pod of this cluster.
func onePod(spec *batchv1.JobSpec) bool {
	return ptr.Deref(spec.ManagedBy, batchv1.JobControllerName) == batchv1.JobControllerName &&
		ptr.Deref(spec.Completions, 1) == 1 && ptr.Deref(spec.Parallelism, 1) == 1 &&
		ptr.Deref(spec.CompletionMode, batchv1.NonIndexedCompletion) == batchv1.NonIndexedCompletion && spec.SuccessPolicy == nil
}
