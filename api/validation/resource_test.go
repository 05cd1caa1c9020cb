package validation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestResource(t *testing.T) {
	t.Parallel()
	of := func(apiVersion, kind string) v1alpha1.Resource {
		return v1alpha1.Resource{APIVersion: apiVersion, Kind: kind}
	}
	with := func(change func(*v1alpha1.Resource)) v1alpha1.Resource {
		r := of("v1", "ConfigMap")
		change(&r)
		return r
	}
	selects := func(operator metav1.LabelSelectorOperator, values ...string) func(*v1alpha1.Resource) {
		return func(r *v1alpha1.Resource) {
			r.Selector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: operator, Values: values}}}
		}
	}
	for name, tt := range map[string]struct {
		resource v1alpha1.Resource
		want     string
	}{
		"least": {of("v1", "ConfigMap"), ""},
		"all": {v1alpha1.Resource{
			APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role", Name: "system:controller:web", Events: v1alpha1.ResourceEvents(),
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "web"}},
			If:       "event == 'Deleted' || object.rules != oldObject.rules", MinInterval: &metav1.Duration{Duration: time.Second},
		}, ""},
		"a Secret":                  {of("v1", "Secret"), "spec.resource.kind: Forbidden: Secrets start no Runs: what they hold would become parameters"},
		"a Secret in small letters": {of("v1", "secret"), "spec.resource.kind: Forbidden: Secrets start no Runs: what they hold would become parameters"},
		"a Secret of a blank group": {of("/v1", "Secret"), "spec.resource.kind: Forbidden: Secrets start no Runs: what they hold would become parameters"},
		"an Event in small letters": {of("v1", "event"), "spec.resource.kind: Forbidden: Events start no Runs: each Run makes some"},
		"another Secret":            {of("example.com/v1", "Secret"), ""},
		"a Run":                     {of("kayci.dev/v1alpha1", "Run"), "spec.resource.kind: Forbidden: KayCI's own kinds start no Runs by their changes: for the end of a Run there is spec.run"},
		"an Event":                  {of("v1", "Event"), "spec.resource.kind: Forbidden: Events start no Runs: each Run makes some"},
		"an Event anew":             {of("events.k8s.io/v1", "Event"), "spec.resource.kind: Forbidden: Events start no Runs: each Run makes some"},
		"no version":                {of("apps/", "Deployment"), `spec.resource.apiVersion: Invalid value: "apps/": must be a version such as v1, or a group and a version such as apps/v1`},
		"a path":                    {of("../v1/x", "Deployment"), `spec.resource.apiVersion: Invalid value: "../v1/x": must be a version such as v1, or a group and a version such as apps/v1`},
		"no group":                  {of("a b/v1", "Deployment"), `spec.resource.apiVersion: Invalid value: "a b/v1": must be a version such as v1, or a group and a version such as apps/v1`},
		"no kind":                   {of("v1", "config maps"), `spec.resource.kind: Invalid value: "config maps": must be a kind such as ConfigMap`},
		"a name":                    {with(func(r *v1alpha1.Resource) { r.Name = "a/b" }), `spec.resource.name: Invalid value: "a/b": may not contain '/'`},
		"an event":                  {with(func(r *v1alpha1.Resource) { r.Events = []v1alpha1.ResourceEvent{"Added", "Changed"} }), `spec.resource.events[1]: Unsupported value: "Changed": supported values: "Added", "Updated", "Deleted"`},
		"too often":                 {with(func(r *v1alpha1.Resource) { r.MinInterval = &metav1.Duration{} }), `spec.resource.minInterval: Invalid value: "0s": must be at least 1s and at most 24h`},
		"too seldom":                {with(func(r *v1alpha1.Resource) { r.MinInterval = &metav1.Duration{Duration: 25 * time.Hour} }), `spec.resource.minInterval: Invalid value: "25h0m0s": must be at least 1s and at most 24h`},
		"a selector":                {with(selects("In")), `spec.resource.selector: Invalid value: values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty`},
		"a long selector":           {with(selects("In", labelsLike(200)...)), "spec.resource.selector: Invalid value: is too long: have the objects carry a label of their own"},
		"a condition":               {with(func(r *v1alpha1.Resource) { r.If = "event == 'Update'" }), `spec.resource.if: Invalid value: 1:10: event is never "Update", but one of ["Added" "Updated" "Deleted"]`},
		"another variable":          {with(func(r *v1alpha1.Resource) { r.If = "body.x" }), "spec.resource.if: Invalid value: 1:1: undeclared reference to 'body' (the variables are object, oldObject and event; text stands in quotes)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trigger := &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Spec: v1alpha1.TriggerSpec{
				Pipeline: "web", Resource: &tt.resource, Params: map[string]string{"name": "object.metadata.name"},
			}}
			var got string
			if err := validation.Trigger(trigger).ToAggregate(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func labelsLike(n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = strings.Repeat("x", 20) + fmt.Sprint(i)
	}
	return values
}
