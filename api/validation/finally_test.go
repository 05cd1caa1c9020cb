package validation_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestFinally(t *testing.T) {
	last := func(name string, needs ...string) v1alpha1.Job {
		return with(job(name), func(j *v1alpha1.Job) { j.Finally, j.Needs = true, needs })
	}
	for name, tt := range map[string]struct {
		jobs []v1alpha1.Job
		want []string
	}{
		"two at the end":   {jobs: []v1alpha1.Job{job("a"), last("b"), last("c", "b")}},
		"with a condition": {jobs: []v1alpha1.Job{job("a"), with(last("b"), func(j *v1alpha1.Job) { j.If = "jobs.a.phase == 'Failed'" })}},
		"alone": {jobs: []v1alpha1.Job{last("b")}, want: []string{
			"spec.jobs[0].finally: Forbidden: there is no job that is none, which it could come after",
		}},
		"before another job": {jobs: []v1alpha1.Job{last("b"), job("a")}, want: []string{
			"spec.jobs[0].finally: Forbidden: finally jobs come last: move this one to the end of the list",
		}},
		"needs another job": {jobs: []v1alpha1.Job{job("a"), last("b", "a")}, want: []string{
			"spec.jobs[1].needs[0]: Invalid value: \"a\": a finally job comes after all other jobs: name finally jobs only, and in `if` what has to have succeeded",
		}},
		"asks for an approval": {jobs: []v1alpha1.Job{job("a"), with(last("b"), func(j *v1alpha1.Job) { j.Approval = &v1alpha1.JobApproval{} })}, want: []string{
			"spec.jobs[1].approval: Forbidden: a finally job waits for nobody: remove it",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, texts(validation.Pipeline(pipeline(tt.jobs...)))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	p := pipeline(job("a"))
	p.Spec.FinallyTimeout = &metav1.Duration{Duration: time.Millisecond}
	want := []string{`spec.finallyTimeout: Invalid value: "1ms": must be at least 1s`}
	if diff := cmp.Diff(want, texts(validation.Pipeline(p))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
