package validation_test

import (
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestWebhookFilters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		webhook v1alpha1.Webhook
		want    []string
	}{
		"all of them": {webhook: v1alpha1.Webhook{
			Events: v1alpha1.EventKinds(), Actions: []v1alpha1.EventAction{"opened", "created", "published"}, Branches: []string{"release/**"},
			Tags: []string{"v*"}, Paths: []string{"src/**"}, PathsIgnore: []string{"**/*.md"}, Labels: []string{"ci {x}"}, Drafts: "Ignore",
		}},
		"globs": {
			webhook: v1alpha1.Webhook{Branches: []string{"["}, Tags: []string{"v*", "{a,b}"}, Paths: []string{"a", "["}, PathsIgnore: []string{"["}},
			want: []string{
				`spec.webhook.branches[0]: Invalid value: "[": is not a valid glob`,
				`spec.webhook.tags[1]: Invalid value: "{a,b}": has alternatives in braces: list each as a pattern of its own, or write \{ and \} for the characters`,
				`spec.webhook.paths[1]: Invalid value: "[": is not a valid glob`,
				`spec.webhook.pathsIgnore[0]: Invalid value: "[": is not a valid glob`,
			},
		},
		"unknown words": {
			webhook: v1alpha1.Webhook{Events: []v1alpha1.EventKind{"pull_request", "issues"}, Drafts: "Never"},
			want:    []string{`spec.webhook.events[1]: Unsupported value: "issues": supported values: "push", "pull_request", "comment", "release"`},
		},
		"an unknown policy": {
			webhook: v1alpha1.Webhook{Events: []v1alpha1.EventKind{"pull_request"}, Drafts: "Never", Forks: "Always"},
			want: []string{
				`spec.webhook.drafts: Unsupported value: "Never": supported values: "Run", "Ignore"`,
				`spec.webhook.forks: Unsupported value: "Always": supported values: "Ignore", "RequireApproval", "Run"`,
			},
		},
		"of no event": {
			webhook: v1alpha1.Webhook{Actions: []v1alpha1.EventAction{"opened"}, Labels: []string{"a"}, Drafts: "Ignore"},
			want: []string{
				`spec.webhook.actions[0]: Invalid value: "opened": no event of ["push"] has it`,
				`spec.webhook.labels: Forbidden: the webhook's events are ["push"], and it is for ["pull_request" "comment"]: add one of these to events, or remove it`,
				`spec.webhook.drafts: Forbidden: the webhook's events are ["push"], and it is for ["pull_request" "comment"]: add one of these to events, or remove it`,
			},
		},
		"of releases alone": {
			webhook: v1alpha1.Webhook{Events: []v1alpha1.EventKind{"release"}, Branches: []string{"main"}, Tags: []string{"v*"}, Paths: []string{"a"}, PathsIgnore: []string{"b"}},
			want: []string{
				`spec.webhook.branches: Forbidden: the webhook's events are ["release"], and it is for ["push" "pull_request" "comment"]: add one of these to events, or remove it`,
				`spec.webhook.paths: Forbidden: the webhook's events are ["release"], and it is for ["push" "pull_request" "comment"]: add one of these to events, or remove it`,
				`spec.webhook.pathsIgnore: Forbidden: the webhook's events are ["release"], and it is for ["push" "pull_request" "comment"]: add one of these to events, or remove it`,
			},
		},
		"of pull requests alone": {
			webhook: v1alpha1.Webhook{Events: []v1alpha1.EventKind{"pull_request"}, Tags: []string{"v*"}},
			want:    []string{`spec.webhook.tags: Forbidden: the webhook's events are ["pull_request"], and it is for ["push" "release"]: add one of these to events, or remove it`},
		},
		"an event without one of its actions": {
			webhook: v1alpha1.Webhook{Events: []v1alpha1.EventKind{"push", "pull_request", "comment"}, Actions: []v1alpha1.EventAction{"opened", "published"}},
			want: []string{
				`spec.webhook.actions: Invalid value: ["opened","published"]: none of them is one of comment, so that such an event would start nothing: add one of ["created" "edited"], or write another Trigger for it`,
				`spec.webhook.actions[1]: Invalid value: "published": no event of ["push" "pull_request" "comment"] has it`,
			},
		},
		"generic": {
			webhook: v1alpha1.Webhook{Provider: v1alpha1.ProviderGeneric, Paths: []string{"["}, Drafts: "Run"},
			want:    []string{"spec.webhook: Forbidden: of the filters a generic webhook has only `if`: the others are for git hosts"},
		},
		"generic, with an if": {webhook: v1alpha1.Webhook{Provider: v1alpha1.ProviderGeneric, If: "body.a == 'b'"}},
		"generic, taken apart": {webhook: v1alpha1.Webhook{
			Provider: v1alpha1.ProviderGeneric, Each: "body.tags.map(t, {'tag': t})", Delivery: "body.tag",
		}},
		"taken apart by no expression": {
			webhook: v1alpha1.Webhook{Provider: v1alpha1.ProviderGeneric, Each: "'tags'", Delivery: "event.paths"},
			want: []string{
				`spec.webhook.each: Invalid value: 1:1: the result is of type string, but a list of objects is wanted: write it in [ ]`,
				`spec.webhook.delivery: Invalid value: 1:1: the result is of type list(string), but a parameter is a string, number or bool: pick one element, or join a list of strings with .join(',')`,
			},
		},
		"a git host's, taken apart": {
			webhook: v1alpha1.Webhook{Each: "body.commits", Delivery: "event.sha"},
			want: []string{
				`spec.webhook.each: Forbidden: it is for generic webhooks: what git hosts send is known`,
				`spec.webhook.delivery: Forbidden: it is for generic webhooks: what git hosts send is known`,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.webhook.Provider == "" {
				tt.webhook.Provider = v1alpha1.ProviderGitHub
			}
			tt.webhook.SecretRef = meta.LocalObjectReference{Name: "hook"}
			trigger := &v1alpha1.Trigger{
				ObjectMeta: metav1.ObjectMeta{Name: "web-push"},
				Spec:       v1alpha1.TriggerSpec{Pipeline: "web", Webhook: &tt.webhook},
			}
			if diff := cmp.Diff(tt.want, texts(validation.Trigger(trigger))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestEventActions: what a Trigger waits for by default is what can happen.
func TestEventActions(t *testing.T) {
	t.Parallel()
	known := map[v1alpha1.EventAction]bool{}
	for _, action := range v1alpha1.EventActions() {
		known[action] = false
	}
	for _, kind := range v1alpha1.EventKinds() {
		possible := map[v1alpha1.EventAction]bool{}
		for _, action := range kind.Actions() {
			possible[action], known[action] = true, true
		}
		for _, action := range kind.DefaultActions() {
			if !possible[action] {
				t.Errorf("%s has the default action %s, and can't have it", kind, action)
			}
		}
	}
	for action, used := range known {
		if !used {
			t.Errorf("no event has the action %s", action)
		}
	}
}
