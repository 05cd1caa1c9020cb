package validation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func asking(name, message string) v1alpha1.Job {
	return with(job(name), func(j *v1alpha1.Job) { j.Approval = &v1alpha1.JobApproval{Message: message} })
}

func TestApprovals(t *testing.T) {
	both := pipeline(job("test"), asking("deploy", ""), asking("publish", ""))
	for name, tc := range map[string]struct {
		pipeline *v1alpha1.Pipeline
		given    []string
		want     []string
	}{
		"none":         {both, nil, nil},
		"asked for":    {both, []string{"publish", "deploy"}, nil},
		"unknown":      {both, []string{"deploy", "deploi"}, []string{`spec.approvals[1].job: Invalid value: "deploi": is no job of the Pipeline that asks for an approval; these do: "deploy", "publish"`}},
		"not asked":    {both, []string{"test"}, []string{`spec.approvals[0].job: Invalid value: "test": is a job that asks for no approval; these do: "deploy", "publish"`}},
		"nobody asked": {pipeline(job("test")), []string{"test"}, []string{`spec.approvals[0].job: Invalid value: "test": is a job that asks for no approval; none does`}},
	} {
		t.Run(name, func(t *testing.T) {
			var given []v1alpha1.Approval
			for _, job := range tc.given {
				given = append(given, v1alpha1.Approval{Job: job})
			}
			if diff := cmp.Diff(tc.want, texts(validation.Approvals(given, &tc.pipeline.Spec))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApprovalMessage(t *testing.T) {
	if got := texts(validation.Pipeline(pipeline(asking("a", strings.Repeat("ü", 256))))); got != nil {
		t.Errorf("256 characters: %v", got)
	}
	got := texts(validation.Pipeline(pipeline(asking("a", strings.Repeat("x", 257)))))
	if diff := cmp.Diff([]string{"spec.jobs[0].approval.message: Too long: may not be more than 256 bytes"}, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestApprovalTimeout(t *testing.T) {
	timed := func(timeout time.Duration) *v1alpha1.Pipeline {
		a := asking("a", "")
		a.Approval.Timeout = &metav1.Duration{Duration: timeout}
		return pipeline(a)
	}
	if got := texts(validation.Pipeline(timed(time.Second))); got != nil {
		t.Errorf("a second: %v", got)
	}
	got := texts(validation.Pipeline(timed(time.Second - 1)))
	if diff := cmp.Diff([]string{`spec.jobs[0].approval.timeout: Invalid value: "999.999999ms": must be at least 1s`}, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}
