package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// maxOutputs bounds the outputs of a Run, in bytes of names and values. They are
// part of its status, and of the pod specs of later jobs.
const maxOutputs = 64 << 10

// succeed records that the pod's containers have all done their work, and what
// they have left for later jobs.
func (f *Facts) succeed(s v1alpha1.JobStatus, pod *corev1.Pod, done map[string]*v1alpha1.JobStatus) v1alpha1.JobStatus {
	s.CompletionTime = evidence.FinishedAt(pod)
	declared := f.declared(s.Name)
	outputs, reason, err := evidence.Outputs(pod, len(declared) > 0)
	if err == nil {
		err = hasAll(outputs, declared)
	}
	if err == nil {
		err = f.posing(s.Name, outputs)
	}
	if err == nil {
		reason = v1alpha1.ReasonOutputsTooLarge
		err = f.fits(s.Name, outputs, done)
	}
	unkept, _ := evidence.Unkept(pod)
	switch {
	case err != nil && unkept != "":
		return f.finish(s, v1alpha1.JobFailed, reason, evidence.Shorten(err.Error()+"; "+unkept))
	case err != nil:
		return f.finish(s, v1alpha1.JobFailed, reason, evidence.Shorten(err.Error()))
	case unkept != "":
		return f.lack(s, unkept)
	}
	s.Outputs = outputs
	return f.finish(s, v1alpha1.JobSucceeded, "", "")
}

// posing refuses outputs that would be variables of another job's: with a job
// build-web, an output web_version of build. A job that runs a stranger's code
// could otherwise speak for one that is trusted.
func (f *Facts) posing(job string, outputs map[string]string) error {
	for i := range f.Spec.Jobs {
		other := f.Spec.Jobs[i].Name
		rest, found := strings.CutPrefix(other, job+"-")
		if !found {
			continue
		}
		prefix := strings.ToUpper(strings.ReplaceAll(rest, "-", "_")) + "_"
		for _, name := range slices.Sorted(maps.Keys(outputs)) {
			if strings.HasPrefix(strings.ToUpper(name), prefix) {
				return fmt.Errorf("the output %s would be the environment variable of an output of the job %s: choose another name", name, other)
			}
		}
	}
	return nil
}

// declared returns the outputs that the job has to leave.
func (f *Facts) declared(job string) []string {
	for i := range f.Spec.Jobs {
		if f.Spec.Jobs[i].Name == job {
			return f.Spec.Jobs[i].Outputs
		}
	}
	return nil
}

// hasAll refuses outputs among which a declared one is missing.
func hasAll(outputs map[string]string, declared []string) error {
	for _, name := range declared {
		if _, left := outputs[name]; !left {
			return fmt.Errorf("the job has not left the output %s, which it declares", name)
		}
	}
	return nil
}

// fits refuses outputs that the Run has no room for.
func (f *Facts) fits(job string, outputs map[string]string, done map[string]*v1alpha1.JobStatus) error {
	if len(outputs) == 0 {
		return nil
	}
	if all := outputBytes(outputs) + f.others(job, done, func(s *v1alpha1.JobStatus) int { return outputBytes(s.Outputs) }); all > maxOutputs {
		return fmt.Errorf("with the outputs of this job those of the Run would have %d bytes, and %d is the limit", all, maxOutputs)
	}
	return nil
}

func outputBytes(outputs map[string]string) int {
	size := 0
	for name, value := range outputs {
		size += len(name) + len(value)
	}
	return size
}

// keepOutputs adds what a job that has not succeeded has left for others: what
// it has begun, they may have to clean up. It is a help and no promise, so that
// text which is no outputs is just that, and changes nothing of why the job has
// ended.
func (f *Facts) keepOutputs(p part, s v1alpha1.JobStatus, done map[string]*v1alpha1.JobStatus) v1alpha1.JobStatus {
	if p.job == nil || !evidence.Single(p.job) || s.Reason == v1alpha1.ReasonInvalidOutputs || s.Reason == v1alpha1.ReasonOutputsTooLarge {
		return s
	}
	outputs := evidence.Leftovers(p.pods)
	if f.posing(s.Name, outputs) == nil && f.fits(s.Name, outputs, done) == nil {
		s.Outputs = outputs
	}
	return s
}
