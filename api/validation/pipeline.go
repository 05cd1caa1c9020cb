package validation

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	maxJobs    = 256
	minTimeout = time.Second
)

// Pipeline validates a whole Pipeline.
func Pipeline(p *v1alpha1.Pipeline) field.ErrorList {
	errs := validateName(p.Name, maxNameLength, field.NewPath("metadata", "name"))
	return append(errs, PipelineSpec(&p.Spec, field.NewPath("spec"))...)
}

// PipelineSpec validates the spec alone: a Run's pinned copy is one.
func PipelineSpec(spec *v1alpha1.PipelineSpec, path *field.Path) field.ErrorList {
	budget := expr.NewCompileBudget()
	errs := validateDeclaredParams(spec.Params, path.Child("params"))
	errs = append(errs, validateJobs(spec.Jobs, path.Child("jobs"))...)
	errs = append(errs, validateConditions(spec, budget, path.Child("jobs"))...)
	errs = append(errs, validateServices(spec, path.Child("services"))...)
	errs = append(errs, validateWorkspace(spec, path)...)
	if spec.MaxParallel != nil && *spec.MaxParallel < 1 {
		errs = append(errs, field.Invalid(path.Child("maxParallel"), *spec.MaxParallel, "must be at least 1"))
	}
	errs = append(errs, validateAtLeast(spec.Timeout, minTimeout, path.Child("timeout"))...)
	errs = append(errs, validateAtLeast(spec.FinallyTimeout, minTimeout, path.Child("finallyTimeout"))...)
	errs = append(errs, validateAtLeast(spec.PendingTimeout, minTimeout, path.Child("pendingTimeout"))...)
	errs = append(errs, validateConcurrency(spec, budget, path.Child("concurrency"))...)
	errs = append(errs, validateRetention(spec.Retention, path.Child("retention"))...)
	return append(errs, validateNotifiers(spec, path.Child("notifiers"))...)
}

func validateJobs(jobs []v1alpha1.Job, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch {
	case len(jobs) == 0:
		errs = append(errs, field.Required(path, "a Pipeline has at least one job"))
	case len(jobs) > maxJobs:
		errs = append(errs, field.TooMany(path, len(jobs), maxJobs))
	}
	position := map[string]int{}
	for i, job := range jobs {
		name := path.Index(i).Child("name")
		for _, msg := range validation.IsDNS1123Label(job.Name) {
			errs = append(errs, field.Invalid(name, job.Name, msg))
		}
		if _, ok := position[job.Name]; ok {
			errs = append(errs, field.Duplicate(name, job.Name))
			continue
		}
		position[job.Name] = i
	}
	for i, job := range jobs {
		at := path.Index(i)
		errs = append(errs, validateNeeds(job.Needs, i, position, at.Child("needs"))...)
		errs = append(errs, validateFinally(jobs, i, at)...)
		errs = append(errs, validateApproval(job.Approval, at.Child("approval"))...)
		errs = append(errs, validateAtLeast(job.Timeout, minTimeout, at.Child("timeout"))...)
		errs = append(errs, validateOutputs(&jobs[i], at.Child("outputs"))...)
		errs = append(errs, validateTemplate(&jobs[i].Template, at.Child("template"))...)
	}
	return errs
}

// validateNeeds allows earlier jobs only, which is what makes every valid list
// of jobs a graph without a cycle.
func validateNeeds(needs []string, self int, position map[string]int, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, need := range needs {
		at := path.Index(i)
		target, known := position[need]
		switch {
		case slices.Contains(needs[:i], need):
			errs = append(errs, field.Duplicate(at, need))
		case !known:
			errs = append(errs, field.Invalid(at, need, "the Pipeline has no job of this name"))
		case target == self:
			errs = append(errs, field.Invalid(at, need, "a job can't need itself"))
		case target > self:
			errs = append(errs, field.Invalid(at, need, "names a later job: move that job before this one"))
		}
	}
	return errs
}

func validateRetention(r *v1alpha1.Retention, path *field.Path) field.ErrorList {
	if r == nil {
		return nil
	}
	var errs field.ErrorList
	if r.MaxCount != nil && *r.MaxCount < 1 {
		errs = append(errs, field.Invalid(path.Child("maxCount"), *r.MaxCount, "must be at least 1"))
	}
	if r.MaxFailed != nil && *r.MaxFailed < 1 {
		errs = append(errs, field.Invalid(path.Child("maxFailed"), *r.MaxFailed, "must be at least 1"))
	}
	errs = append(errs, validateAtLeast(r.MinAge, 0, path.Child("minAge"))...)
	errs = append(errs, validateAtLeast(r.MaxAge, time.Nanosecond, path.Child("maxAge"))...)
	if r.MinAge != nil && r.MaxAge != nil && r.MinAge.Duration > r.MaxAge.Duration {
		errs = append(errs, field.Invalid(path.Child("minAge"), r.MinAge.Duration.String(), "must be at most maxAge"))
	}
	return errs
}

func validateAtLeast(d *metav1.Duration, least time.Duration, path *field.Path) field.ErrorList {
	if d == nil || d.Duration >= least {
		return nil
	}
	return field.ErrorList{field.Invalid(path, d.Duration.String(), fmt.Sprintf("must be at least %s", least))}
}
