// Package view says of a Run what people see of it, whoever shows it: the command line
// and the page alike. It is pure. All text is fit for eyes: what a terminal would obey
// is written out.
package view

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Facts are what is known of a Run.
type Facts struct {
	Run *v1alpha1.Run
	// Spec of the revision that the Run is pinned to. Without it, as it may be deleted,
	// there is nothing to say of what jobs need and ask.
	Spec *v1alpha1.PipelineSpec
	// Pods of the Run, if somebody has looked. They know sooner than the Run's status
	// what keeps a job.
	Pods []corev1.Pod
	// Deleted says that the Run isn't there any more, and what is known of it was kept.
	Deleted bool
	Now     time.Time
}

// Run is what people see of a Run.
type Run struct {
	Namespace, Name string
	UID             types.UID
	Pipeline        string
	// Number is 0 before the Run has one.
	Number int64
	// Address is what commands call the Run: web/12, or its name before it has a number.
	Address string
	State   State
	// Why says what somebody wants to know first: what has failed, and why; what is
	// waited for. It is blank while all goes as it should.
	Why string
	// Commands would help, the most likely first: kayci approve web/12 deploy. They are
	// for the namespace of the Run.
	Commands []string
	// Deleted says that the Run isn't there any more.
	Deleted bool
	Origin  Origin
	// Created, Started and Ended are zero as long as they haven't happened. Started is
	// when the first Job was created.
	Created, Started, Ended time.Time
	// Took is how long the Run has gone on since it started.
	Took time.Duration
	// RetryOf is the Run that this one retries.
	RetryOf string
	// Done of Total jobs have ended.
	Done, Total int
	// Jobs in the order of the Pipeline.
	Jobs     []Job
	Services []Service
}

// Service is what people see of a service of a Run.
type Service struct {
	Name  string
	State State
	// Why says what keeps it from being ready, or why it has ended.
	Why string
	// Since is when that began, or zero.
	Since time.Time
}

// Of returns what people see of the Run.
func Of(f Facts) Run {
	run := f.Run
	v := Run{
		Namespace: run.Namespace, Name: run.Name, UID: run.UID,
		Pipeline: run.Spec.Pipeline, Number: run.Status.Number, Address: Address(run),
		State: OfRun(run), Origin: originOf(run), RetryOf: run.Spec.RetryOf,
		Created: run.CreationTimestamp.Time, Started: moment(run.Status.StartTime), Ended: moment(run.Status.CompletionTime),
		Jobs: f.jobs(),
	}
	v.Took = took(v.Started, v.Ended, f.Now)
	v.Total = len(v.Jobs)
	for i := range v.Jobs {
		if v.Jobs[i].State.Ended() {
			v.Done++
		}
	}
	for i := range run.Status.Services {
		s := &run.Status.Services[i]
		v.Services = append(v.Services, Service{Name: s.Name, State: stateOfService(s), Why: sentence(s.Reason, s.Message), Since: moment(s.WaitingSince)})
	}
	v.Why = why(run, v.Jobs)
	if v.Deleted = f.Deleted; !v.Deleted {
		v.Commands = commands(run, v.Jobs)
	}
	return v
}

// Address is what commands call the Run.
func Address(run *v1alpha1.Run) string {
	if run.Status.Number == 0 {
		return run.Name
	}
	return fmt.Sprintf("%s/%d", run.Spec.Pipeline, run.Status.Number)
}

// Count is how many jobs have ended, of how many: 4/7.
func (r *Run) Count() string { return fmt.Sprintf("%d/%d", r.Done, r.Total) }
