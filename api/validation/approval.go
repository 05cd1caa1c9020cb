package validation

import (
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

const maxApprovalMessage = 256

func validateApproval(a *v1alpha1.JobApproval, path *field.Path) field.ErrorList {
	if a == nil {
		return nil
	}
	errs := validateAtLeast(a.Timeout, minTimeout, path.Child("timeout"))
	if utf8.RuneCountInString(a.Message) > maxApprovalMessage {
		errs = append(errs, field.TooLong(path.Child("message"), "", maxApprovalMessage))
	}
	return errs
}

// Approvals refuses approvals that no job of the Pipeline's spec asks for: a
// person who writes one means something else.
func Approvals(given []v1alpha1.Approval, spec *v1alpha1.PipelineSpec) field.ErrorList {
	jobs := map[string]*v1alpha1.Job{}
	var asking []string
	for i := range spec.Jobs {
		jobs[spec.Jobs[i].Name] = &spec.Jobs[i]
		if spec.Jobs[i].Approval != nil {
			asking = append(asking, spec.Jobs[i].Name)
		}
	}
	hint := "none does"
	if len(asking) > 0 {
		hint = "these do: " + quoted(asking)
	}
	var errs field.ErrorList
	for i, approval := range given {
		at := field.NewPath("spec", "approvals").Index(i).Child("job")
		switch job := jobs[approval.Job]; {
		case job == nil:
			errs = append(errs, field.Invalid(at, approval.Job, "is no job of the Pipeline that asks for an approval; "+hint))
		case job.Approval == nil:
			errs = append(errs, field.Invalid(at, approval.Job, "is a job that asks for no approval; "+hint))
		}
	}
	return errs
}
