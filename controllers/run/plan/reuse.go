package plan

import (
	"cmp"
	"fmt"

	"github.com/kayci/kayci/api/v1alpha1"
)

// reuse returns the status of a job that has succeeded in the Run that this one
// retries, and whether it holds here. It does if all that the job needs is
// reused, too: what it was made of is still what it would be made of. With a
// workspace or services none does: what it left there went with the earlier Run.
// Nor does a finally job: it has cleaned up behind that one.
// Once recorded, a reused job is one that has its result.
func (f *Facts) reuse(spec *v1alpha1.Job, done map[string]*v1alpha1.JobStatus) (v1alpha1.JobStatus, bool) {
	if f.Source == nil || f.lost() != "" || spec.Finally {
		return v1alpha1.JobStatus{}, false
	}
	for _, name := range spec.Needs {
		if need := done[name]; need == nil || need.ReusedFrom == "" {
			return v1alpha1.JobStatus{}, false
		}
	}
	earlier, known := statusOf(f.Source, spec.Name)
	if !known || earlier.Phase != v1alpha1.JobSucceeded {
		return v1alpha1.JobStatus{}, false
	}
	earlier.ReusedFrom = cmp.Or(earlier.ReusedFrom, f.Source.Name)
	return earlier, true
}

// lost says what of an earlier Run a later one doesn't have, though its jobs may
// need it.
func (f *Facts) lost() string {
	switch {
	case f.Spec.Workspace != nil:
		return "its workspace's files are its own"
	case len(f.Spec.Services) > 0:
		return "what its services held is gone"
	default:
		return ""
	}
}

// reused says how many of the jobs have not run in this Run.
func (f *Facts) reused(jobs []v1alpha1.JobStatus) string {
	if lost := f.lost(); f.Run.Spec.RetryOf != "" && lost != "" {
		return fmt.Sprintf(" (none reused from %s: %s)", f.Run.Spec.RetryOf, lost)
	}
	count := 0
	for i := range jobs {
		if jobs[i].ReusedFrom != "" {
			count++
		}
	}
	if count == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d reused from %s)", count, f.Run.Spec.RetryOf)
}
