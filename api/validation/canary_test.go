package validation_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/test/canary"
)

// validated are the errors of an object, unless its type can't hold it.
func validated(c canary.Case) (errs field.ErrorList, decoded bool) {
	switch c.Kind {
	case v1alpha1.ConfigRepoKind:
		if repo := new(v1alpha1.ConfigRepo); c.Decode(repo) {
			return validation.ConfigRepo(repo), true
		}
	case v1alpha1.PipelineKind:
		if p := new(v1alpha1.Pipeline); c.Decode(p) {
			return validation.Pipeline(p), true
		}
	case v1alpha1.TriggerKind:
		if trigger := new(v1alpha1.Trigger); c.Decode(trigger) {
			return validation.Trigger(trigger), true
		}
	case v1alpha1.RunKind:
		run, spec := new(v1alpha1.Run), &v1alpha1.PipelineSpec{
			Params: []v1alpha1.Param{{Name: "stage", Enum: []string{"test"}}},
			Jobs:   []v1alpha1.Job{{Name: "deploy", Approval: &v1alpha1.JobApproval{}}},
		}
		if c.Decode(run) {
			return append(append(validation.Run(run, spec), validation.Run(run, nil)...), validation.Approvals(run.Spec.Approvals, spec)...), true
		}
	}
	return nil, false
}

// No refusal repeats a value that may hold a secret.
func TestRefusalsRepeatNoSecret(t *testing.T) {
	t.Parallel()
	for _, c := range canary.Valid() {
		if errs, decoded := validated(c); len(errs) > 0 || !decoded {
			t.Fatalf("a good %s: decoded %t, %v", c.Kind, decoded, errs)
		}
	}
	refused := map[string]bool{}
	for _, c := range canary.Cases() {
		errs, _ := validated(c)
		for _, err := range errs {
			refused[c.Kind+" "+c.Field] = true
			if text := err.Error(); strings.Contains(text, canary.Bird) && canary.MayQuote(c.Kind, c.Field) == "" {
				t.Errorf("%s %s: %.300s", c.Kind, c.Field, text)
			}
		}
	}
	for _, must := range []string{"ConfigRepo spec.url", "Trigger spec.webhook.if", "Trigger spec.webhook.each", "Trigger spec.webhook.delivery", "Trigger spec.params.sha", "Pipeline spec.jobs[].if", "Pipeline spec.params[].default", "Run spec.params.stage"} {
		if !refused[must] {
			t.Errorf("%s was never refused", must)
		}
	}
}
