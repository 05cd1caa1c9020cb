package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// approve reports whether the job may start as far as people have a say in it.
// If not, the status says how they let it, or that it never will.
func (f *Facts) approve(spec *v1alpha1.Job, s v1alpha1.JobStatus, d *Decision) (v1alpha1.JobStatus, bool) {
	if spec.Approval == nil {
		return s, true
	}
	// The question alone is of a length that anybody chose: what comes after it fits
	// in whole.
	question := ""
	if text := strings.Join(strings.Fields(spec.Approval.Message), " "); text != "" {
		question = printable.Cut(text, maxSummary) + " "
	}
	switch given := f.approval(spec.Name); {
	case given != nil && given.Refused:
		return f.finish(s, v1alpha1.JobFailed, v1alpha1.ReasonApprovalRefused, question+f.refusal(given)), false
	case given != nil:
		if s.Reason == v1alpha1.ReasonAwaitingApproval {
			s.Reason, s.Message, s.WaitingSince = "", "", nil
		}
		return f.sign(spec, s), true
	}
	message := question + "to approve: " + f.approveCommand(spec.Name)
	s = f.explain(s, v1alpha1.ReasonAwaitingApproval, message)
	// It changes with the first approval of another job.
	s.Message = message
	if spec.Approval.Timeout == nil {
		return s, false
	}
	// What is there by now counts, though it may have come late: nobody has been told
	// otherwise.
	timeout := spec.Approval.Timeout.Duration
	left := s.WaitingSince.Add(timeout).Sub(f.Now)
	if left <= 0 {
		return f.finish(s, v1alpha1.JobFailed, v1alpha1.ReasonApprovalExpired, question+"nobody has answered within "+printable.Duration(timeout)), false
	}
	d.requeue(left)
	return s, false
}

// refusal says who refused and why, as far as it is known.
func (f *Facts) refusal(given *v1alpha1.Approval) string {
	text := "refused"
	if f.Vouched && given.By != "" {
		text += " by " + printable.Text(printable.Cut(given.By, maxSummary))
	}
	if why := strings.Join(strings.Fields(given.Message), " "); why != "" {
		text += ": " + printable.Text(printable.Cut(why, maxSummary))
	}
	return text
}

// sign records who approved the job. It is asked of a job that has its Job, too:
// the controller may have been killed between creating that and recording.
func (f *Facts) sign(spec *v1alpha1.Job, s v1alpha1.JobStatus) v1alpha1.JobStatus {
	if given := f.approval(spec.Name); spec.Approval != nil && given != nil && !given.Refused && f.Vouched {
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
