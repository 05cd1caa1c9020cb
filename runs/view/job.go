package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// Job is what people see of a job of a Run.
type Job struct {
	Name  string
	State State
	// Reason is the status' in one word, and Message its sentence.
	Reason, Message string
	// Why is both in a sentence for people: what the job waits for, what keeps it from
	// starting, why it has failed. Blank: there is nothing to say.
	Why string
	// Since is when that began, or zero.
	Since time.Time
	// Needs are the jobs that this one needs, and Missing those of them that have not
	// ended.
	Needs, Missing []string
	Finally        bool
	Times          Times
	// Attempts is how many pods the job has had, if more than one, and Disruptions how
	// many of them were lost.
	Attempts, Disruptions int
	// Approval is what the job asks people, or nil if it asks nothing.
	Approval *Approval
	// Job is the name of the batch/v1 Job, once there is one. With ReusedFrom it is that
	// Run's.
	Job, ReusedFrom string
	Outputs         []Output
	// Tests of the job, or nil if nothing is known of any.
	Tests *Tests
	// Warnings are about what changed nothing of the job's end.
	Warnings []string
	// Pods that exist, in the order of their attempts. None without a look at them.
	Pods []Pod
}

// Approval is what a job asks people before it starts.
type Approval struct {
	Question string
	// By is who approved, and At when. Blank and zero: nobody has, or nothing vouches
	// for who it was.
	By string
	At time.Time
	// Until is when nobody's answer is taken for a no, or zero.
	Until time.Time
}

// Output of a job for later ones.
type Output struct{ Name, Value string }

// Pod of a job.
type Pod struct {
	Name, Node string
	Phase      corev1.PodPhase
}

// Urgent returns the jobs with those first that somebody wants to see: failed ones,
// running ones, and what comes next.
func (r *Run) Urgent() []Job {
	jobs := slices.Clone(r.Jobs)
	slices.SortStableFunc(jobs, func(a, b Job) int { return cmp.Compare(a.State.look().rank, b.State.look().rank) })
	return jobs
}

// Job returns the job of this name, or nil.
func (r *Run) Job(name string) *Job {
	i := slices.IndexFunc(r.Jobs, func(j Job) bool { return j.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Jobs[i]
}

// jobs are those of the Run's status, and before it has any, those of the spec.
func (f *Facts) jobs() []Job {
	specs := map[string]*v1alpha1.Job{}
	statuses := f.Run.Status.Jobs
	if f.Spec != nil {
		for i := range f.Spec.Jobs {
			specs[f.Spec.Jobs[i].Name] = &f.Spec.Jobs[i]
			if len(f.Run.Status.Jobs) == 0 && !f.Run.Status.Phase.Finished() {
				statuses = append(statuses, v1alpha1.JobStatus{Name: f.Spec.Jobs[i].Name, Phase: v1alpha1.JobWaiting})
			}
		}
	}
	ended := map[string]bool{}
	for i := range statuses {
		ended[statuses[i].Name] = statuses[i].Phase.Finished()
	}
	jobs := make([]Job, 0, len(statuses))
	for i := range statuses {
		jobs = append(jobs, f.job(&statuses[i], specs[statuses[i].Name], ended))
	}
	return jobs
}

func (f *Facts) job(s *v1alpha1.JobStatus, spec *v1alpha1.Job, ended map[string]bool) Job {
	pods := f.podsOf(s)
	j := Job{
		Name: s.Name, State: stateOfJob(s), Reason: printable.Text(s.Reason), Message: line(s.Message),
		Since: moment(s.WaitingSince), Times: timesOf(s, pods, f.Now),
		Attempts: int(s.Attempts), Disruptions: int(s.Disruptions), Job: s.Job, ReusedFrom: s.ReusedFrom,
	}
	if j.State == Running && len(pods) > 0 {
		if j.Times.Running.From.IsZero() {
			j.State = Starting
		}
		if reason, message := evidence.Problem(pods); reason != "" {
			j.State, j.Reason, j.Message = Starting, line(reason), line(message)
		}
	}
	for name, value := range s.Outputs {
		j.Outputs = append(j.Outputs, Output{printable.Text(name), printable.Text(value)})
	}
	j.Tests = testsOf(s.Tests)
	for _, warning := range s.Warnings {
		j.Warnings = append(j.Warnings, line(warning))
	}
	slices.SortFunc(j.Outputs, func(a, b Output) int { return strings.Compare(a.Name, b.Name) })
	for i := range pods {
		j.Pods = append(j.Pods, Pod{pods[i].Name, pods[i].Spec.NodeName, pods[i].Status.Phase})
	}
	if spec != nil {
		j.Needs, j.Finally = spec.Needs, spec.Finally
		for _, need := range spec.Needs {
			if !ended[need] && !j.State.Ended() {
				j.Missing = append(j.Missing, need)
			}
		}
	}
	j.Approval = approvalOf(s, spec)
	j.Why = whyJob(&j)
	j.tellTests()
	return j
}

// podsOf are the pods of the job's Job, the oldest first.
func (f *Facts) podsOf(s *v1alpha1.JobStatus) []corev1.Pod {
	var pods []corev1.Pod
	for i := range f.Pods {
		if s.Job != "" && s.ReusedFrom == "" && f.Pods[i].Labels[v1alpha1.JobLabel] == s.Name && f.Pods[i].Labels[v1alpha1.RunLabel] == f.Run.Name {
			pods = append(pods, f.Pods[i])
		}
	}
	slices.SortStableFunc(pods, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return pods
}

// toApprove is what parts a question from the command that answers it, in a message.
const toApprove = "to approve: "

func approvalOf(s *v1alpha1.JobStatus, spec *v1alpha1.Job) *Approval {
	asking := stateOfJob(s) == Asking
	if !asking && s.ApprovedBy == "" && (spec == nil || spec.Approval == nil) {
		return nil
	}
	a := &Approval{By: printable.Text(s.ApprovedBy), At: moment(s.ApprovedAt)}
	switch {
	case spec != nil && spec.Approval != nil:
		a.Question = spec.Approval.Message
		if spec.Approval.Timeout != nil && asking && s.WaitingSince != nil {
			a.Until = s.WaitingSince.Add(spec.Approval.Timeout.Duration)
		}
	case asking:
		a.Question, _, _ = strings.Cut(s.Message, toApprove)
	}
	a.Question = printable.Text(strings.Join(strings.Fields(a.Question), " "))
	return a
}
