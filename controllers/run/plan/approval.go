package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

// ReasonAwaitingApproval is of a job that could start, and waits for somebody to
// say yes.
const ReasonAwaitingApproval = "AwaitingApproval"

// approve reports whether the job may start as far as people have a say in it.
// If not, the status says how they let it.
func (f *Facts) approve(spec *v1alpha1.Job, s v1alpha1.JobStatus) (v1alpha1.JobStatus, bool) {
	if spec.Approval == nil || f.approval(spec.Name) != nil {
		if s.Reason == ReasonAwaitingApproval {
			s.Reason, s.Message, s.WaitingSince = "", "", nil
		}
		return f.sign(spec, s), true
	}
	// The question alone is of a length that anybody chose: the command fits in
	// whole.
	message := "to approve: " + f.approveCommand(spec.Name)
	if question := strings.Join(strings.Fields(spec.Approval.Message), " "); question != "" {
		message = cut(question, maxSummary) + " " + message
	}
	s = f.explain(s, ReasonAwaitingApproval, message)
	// It changes with the first approval of another job.
	s.Message = message
	return s, false
}

// sign records who approved the job. It is asked of a job that has its Job, too:
// the controller may have been killed between creating that and recording.
func (f *Facts) sign(spec *v1alpha1.Job, s v1alpha1.JobStatus) v1alpha1.JobStatus {
	if given := f.approval(spec.Name); spec.Approval != nil && given != nil && f.Vouched {
		s.ApprovedBy, s.ApprovedAt = given.By, given.Time.DeepCopy()
	}
	return s
}

// approval returns the approval of the job, or nil.
func (f *Facts) approval(job string) *v1alpha1.Approval {
	i := slices.IndexFunc(f.Run.Spec.Approvals, func(a v1alpha1.Approval) bool { return a.Job == job })
	if i < 0 {
		return nil
	}
	return &f.Run.Spec.Approvals[i]
}

// approveCommand adds an approval to those that there are: a merge patch would
// put it in their place.
func (f *Facts) approveCommand(job string) string {
	patch := fmt.Sprintf(`--type=merge -p '{"spec":{"approvals":[{"job":%q}]}}'`, job)
	if len(f.Run.Spec.Approvals) > 0 {
		patch = fmt.Sprintf(`--type=json -p '[{"op":"add","path":"/spec/approvals/-","value":{"job":%q}}]'`, job)
	}
	return fmt.Sprintf("kubectl patch run %s -n %s %s", f.Run.Name, f.Run.Namespace, patch)
}

// ignored says which approvals no job asks for. Admission refuses them, if it is
// on and the Pipeline existed by then.
func (f *Facts) ignored() string {
	asking := map[string]bool{}
	for i := range f.Spec.Jobs {
		asking[f.Spec.Jobs[i].Name] = f.Spec.Jobs[i].Approval != nil
	}
	var stray []string
	for _, given := range f.Run.Spec.Approvals {
		if !asking[given.Job] {
			stray = append(stray, given.Job)
		}
	}
	if len(stray) == 0 {
		return ""
	}
	return "; ignored the approval of " + names(stray) + ": no such job asks for one"
}
