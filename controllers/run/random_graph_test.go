package run_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
)

// fate of a job is what its program does when nobody interferes.
type fate int

const (
	succeeds fate = iota
	fails
	runsOutOfMemory
	flaky // fails once
	hangs // until its timeout
	refused
	unschedulable // until somebody cancels
	imagePull     // the same
	serves        // until it is told to end
	unkept        // succeeds, but what it leaves can't be kept
)

func (f fate) String() string {
	return [...]string{"succeeds", "fails", "runsOutOfMemory", "flaky", "hangs", "refused", "unschedulable", "imagePull", "serves", "unkept"}[f]
}

// stuck programs never start.
func (f fate) stuck() bool { return f == unschedulable || f == imagePull }

// conditions are those that a job may start under; most have none.
func conditions() []string {
	return []string{"", "", "", "success()", "always()", "failure()", "!failure()", "always() && run.number > 0", "success() || failure()"}
}

// holds says what a condition comes to, given how the job's ancestors have ended.
func holds(condition string, ancestors []v1alpha1.JobPhase) bool {
	failed := slices.Contains(ancestors, v1alpha1.JobFailed)
	succeeded := !slices.ContainsFunc(ancestors, func(phase v1alpha1.JobPhase) bool { return phase != v1alpha1.JobSucceeded })
	switch condition {
	case "", "success()":
		return succeeded
	case "failure()":
		return failed
	case "!failure()":
		return !failed
	case "success() || failure()":
		return succeeded || failed
	default:
		return true
	}
}

// truth is what really happens to one job of a Run, whoever sees it when.
type truth struct {
	outcome  fate
	onTerm   int32 // what the program exits with when it is told to end
	created  int   // Jobs
	pods     int
	programs int  // that ended by themselves
	refusals int  // of pods by the kubelet
	passed   bool // a program has ended with 0 before anybody told it to end, or a service was ready
	touched  bool // somebody deleted its pod or Job
	deleted  bool // it was the Job
	reused   bool // from the Run that this one retries
	// disrupted: a pod was evicted or lost with its node.
	disrupted bool
}

func (t *truth) exitCode() int32 {
	switch t.outcome {
	case fails:
		return 1
	case runsOutOfMemory:
		return 137
	case flaky:
		if t.programs == 0 {
			return 1
		}
	default:
	}
	return 0
}

// expected returns the phase and reason that the job of a Run that nobody
// cancelled must come to, if that is certain.
func (t *truth) expected(spec *v1alpha1.Job) (phase v1alpha1.JobPhase, reason string, certain bool) {
	certain = !t.touched && (!t.disrupted || (t.onTerm != 0 && t.outcome != flaky))
	reasons := map[fate]string{fails: "Error", runsOutOfMemory: "OOMKilled", unkept: "ArtifactsFailed", unschedulable: "Unschedulable", imagePull: "ImagePullBackOff"}
	switch t.outcome {
	case succeeds:
		return v1alpha1.JobSucceeded, "", certain
	case hangs:
		return v1alpha1.JobFailed, "TimedOut", certain && !t.disrupted
	case refused:
		return v1alpha1.JobFailed, "Rejected", true
	case flaky:
		if ptr.Deref(spec.Template.Spec.BackoffLimit, 0) > 0 {
			return v1alpha1.JobSucceeded, "", certain && t.refusals == 0 // Each costs a retry.
		}
		return v1alpha1.JobFailed, "Error", certain
	default:
		return v1alpha1.JobFailed, reasons[t.outcome], certain
	}
}

// randomGraph returns a Pipeline of 1 to 12 jobs, each of which needs some of
// the earlier ones, and what becomes of them.
func randomGraph(rng *rand.Rand, fates []fate, conditions []string) (*v1alpha1.Pipeline, []fate) {
	density := rng.IntN(500)
	var jobs []v1alpha1.Job
	var chosen []fate
	for i := range 1 + rng.IntN(12) {
		job := v1alpha1.Job{Name: fmt.Sprintf("j%d", i)}
		for k := range i {
			if chance(rng, density) {
				job.Needs = append(job.Needs, fmt.Sprintf("j%d", k))
			}
		}
		job.If = conditions[rng.IntN(len(conditions))]
		job.AllowFailure = chance(rng, 150)
		will := fates[rng.IntN(len(fates))]
		switch {
		case will == hangs:
			job.Timeout = &metav1.Duration{Duration: time.Duration(1+rng.IntN(40)) * time.Second}
		case will == flaky && chance(rng, 700):
			job.Template.Spec.BackoffLimit = new(int32(1 + rng.IntN(2)))
		}
		keep(rng, &job, will)
		jobs = append(jobs, job)
		chosen = append(chosen, will)
	}
	for i := range jobs[1:] {
		if job := &jobs[i+1]; jobs[i].Finally || i+2 >= len(jobs) && chance(rng, 300) {
			job.Finally, job.Needs = true, nil
			if jobs[i].Finally && chance(rng, 500) {
				job.Needs = []string{jobs[i].Name}
			}
		}
	}
	return pipeline(jobs...), chosen
}

// mayStart says what the condition of a job comes to, given how its ancestors
// have ended. That of a finally job holds unless it says otherwise.
func mayStart(spec *v1alpha1.Job, ancestors []v1alpha1.JobPhase) bool {
	return spec.Finally && spec.If == "" || holds(spec.If, ancestors)
}

// addServices gives the Pipeline up to two services.
func addServices(rng *rand.Rand, spec *v1alpha1.PipelineSpec) {
	for i := range max(0, rng.IntN(8)-5) {
		service := v1alpha1.Service{Name: fmt.Sprintf("s%d", i), Ports: []v1alpha1.ServicePort{{Port: 80}}}
		service.Template = *spec.Jobs[0].Template.DeepCopy()
		service.Template.Spec.BackoffLimit = nil
		service.Template.Spec.Template.Spec.InitContainers = nil
		spec.Services = append(spec.Services, service)
	}
}

// limit gives the Pipeline timeouts. A pod that can start does so long before.
func limit(rng *rand.Rand, spec *v1alpha1.PipelineSpec) {
	spec.FailFast = chance(rng, 200)
	if chance(rng, 300) {
		spec.MaxParallel = new(int32(1 + rng.IntN(3)))
	}
	if chance(rng, 200) {
		spec.Timeout = &metav1.Duration{Duration: time.Duration(1+rng.IntN(300)) * time.Second}
	}
	if chance(rng, 500) {
		spec.PendingTimeout = &metav1.Duration{Duration: 10 * time.Minute}
	}
}
