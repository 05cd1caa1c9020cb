package validation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

// Each of these is as long as one may be, and there are as many as there may be.
func TestExpressionsAreBoundedTogether(t *testing.T) {
	long := "'" + strings.Repeat("a", 4000) + "' == ''"
	many := pipeline()
	for i := range 17 {
		many.Spec.Jobs = append(many.Spec.Jobs, with(job(fmt.Sprintf("job-%d", i)), func(j *v1alpha1.Job) { j.If = long }))
	}
	want := []string{"spec.jobs: Forbidden: the jobs' `if` have 68136 bytes together, and 65536 is the limit"}
	if diff := cmp.Diff(want, texts(validation.Pipeline(many))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	many.Spec.Jobs = many.Spec.Jobs[1:]
	if got := texts(validation.Pipeline(many)); len(got) != 0 {
		t.Errorf("what fits is refused: %v", got)
	}
	trigger := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Name: "web-push"},
		Spec: v1alpha1.TriggerSpec{Pipeline: "web", Params: map[string]string{}, Webhook: &v1alpha1.Webhook{
			Provider: v1alpha1.ProviderGitHub, SecretRef: meta.LocalObjectReference{Name: "hook"},
		}},
	}
	for i := range 17 {
		trigger.Spec.Params[fmt.Sprintf("param_%d", i)] = long
	}
	want = []string{"spec.params: Forbidden: the parameters' expressions have 68136 bytes together, and 65536 is the limit"}
	if diff := cmp.Diff(want, texts(validation.Trigger(trigger))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	delete(trigger.Spec.Params, "param_0")
	if got := texts(validation.Trigger(trigger)); len(got) != 0 {
		t.Errorf("what fits is refused: %v", got)
	}
}

func TestComparisonsThatAreNeverTrueAreRefused(t *testing.T) {
	const phases = ` is never "Success", but one of ["Succeeded" "Failed" "Skipped" "Cancelled"]`
	p := pipeline(job("test"), with(job("deploy", "test"), func(j *v1alpha1.Job) { j.If = "jobs['test'].phase == 'Success'" }))
	p.Spec.Params = []v1alpha1.Param{{Name: "stage", Enum: []string{"a"}}}
	p.Spec.Concurrency = &v1alpha1.Concurrency{Key: "params.stage == 'b' ? 'x' : 'y'"}
	want := []string{
		`spec.jobs[1].if: Invalid value: 1:23: a job's phase` + phases,
		`spec.concurrency.key: Invalid value: 1:17: params.stage is never "b", but one of ["a"]`,
	}
	if diff := cmp.Diff(want, texts(validation.Pipeline(p))); diff != "" {
		t.Errorf("Pipeline (-want +got):\n%s", diff)
	}
	trigger := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Name: "web-push"},
		Spec: v1alpha1.TriggerSpec{Pipeline: "web", Params: map[string]string{"tag": "event.kind == 'tag'"}, Webhook: &v1alpha1.Webhook{
			Provider: v1alpha1.ProviderGitHub, SecretRef: meta.LocalObjectReference{Name: "hook"}, If: "event.kind in ['Push']",
		}},
	}
	want = []string{
		`spec.params[tag]: Invalid value: 1:15: event.kind is never "tag", but one of ["push" "pull_request" "comment" "release" ""]`,
		`spec.webhook.if: Invalid value: 1:16: event.kind is never "Push", but one of ["push" "pull_request" "comment" "release" ""]`,
	}
	if diff := cmp.Diff(want, texts(validation.Trigger(trigger))); diff != "" {
		t.Errorf("Trigger (-want +got):\n%s", diff)
	}
}

// Each of these would be taken alone.
func TestExpressionsThatTakeLongToCompileAreBoundedTogether(t *testing.T) {
	nested := strings.Repeat(strings.Repeat("[", 45)+strings.Repeat("]", 45)+" == [] || ", 15) + "true"
	const refusal = ": 1:1: the expressions of one object take too many steps to compile, of which they have 4000000 together: write shorter ones, or nest less"
	trigger := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Name: "web-push"},
		Spec: v1alpha1.TriggerSpec{Pipeline: "web", Params: map[string]string{}, Webhook: &v1alpha1.Webhook{
			Provider: v1alpha1.ProviderGitHub, SecretRef: meta.LocalObjectReference{Name: "hook"},
		}},
	}
	p := pipeline()
	for i := range 40 {
		trigger.Spec.Params[fmt.Sprintf("param_%02d", i)] = nested
		p.Spec.Jobs = append(p.Spec.Jobs, with(job(fmt.Sprintf("job-%d", i)), func(j *v1alpha1.Job) { j.If = nested }))
	}
	for name, got := range map[string][]string{"Trigger": texts(validation.Trigger(trigger)), "Pipeline": texts(validation.Pipeline(p))} {
		if len(got) != 1 || !strings.HasSuffix(got[0], refusal) {
			t.Errorf("%s: %q, want one that ends with %q", name, got, refusal)
		}
	}
}
