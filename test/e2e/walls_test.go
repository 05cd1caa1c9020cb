package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/githost"
)

// Namespaces are walls: nothing of one can be used from another.
func TestNamespacesAreWalls(t *testing.T) {
	t.Parallel()
	inside, outside := newSpace(t), newSpace(t)
	inside.create(t, inside.pipeline("web", script("quick", "true")), inside.trigger("push", "web", v1alpha1.ProviderGitHub),
		inside.secret("git", map[string]string{"username": "e2e", "password": gitPassword}))
	inside.awaitTrigger(t, "push")

	t.Run("a Trigger isn't reached by another namespace's path", func(t *testing.T) {
		answer := outside.post(t, "/hooks/"+outside.namespace+"/push", outside.githubPush(t, "one"))
		if answer.Status != http.StatusUnauthorized {
			t.Errorf("answer %d %s, want 401", answer.Status, answer.Body)
		}
	})
	t.Run("a Trigger doesn't start another namespace's Pipeline", func(t *testing.T) {
		outside.create(t, outside.trigger("across", "web", v1alpha1.ProviderGitHub))
		path := outside.awaitTrigger(t, "across")
		answer := outside.post(t, path, outside.githubPush(t, "two"))
		if answer.Status != http.StatusUnprocessableEntity || !strings.Contains(string(answer.Body), "web") {
			t.Errorf("answer %d %s, want 422", answer.Status, answer.Body)
		}
	})
	t.Run("a Run doesn't find another namespace's Pipeline", func(t *testing.T) {
		outside.start(t, "across", "web")
		outside.awaitMessage(t, "across", "Queued, PipelineNotFound: pipeline web doesn't exist; the Run waits up to 10 minutes for it")
	})
	t.Run("a ConfigRepo doesn't get another namespace's Secret", func(t *testing.T) {
		repository := outside.repository(t, githost.PrivatePrefix)
		outside.push(t, repository, map[string]string{"one.jsonnet": jsonnetPipeline("one", "first")})
		repo := outside.configRepo("secretive", repository.URL)
		repo.Spec.SecretRef = &meta.LocalObjectReference{Name: "git"}
		outside.create(t, repo)
		if _, ready := outside.sync(t, "secretive"); ready.Status != metav1.ConditionFalse || ready.Reason != "SecretNotFound" {
			t.Errorf("Ready=%s, %s: %s; want False with reason SecretNotFound", ready.Status, ready.Reason, ready.Message)
		}
	})
	t.Run("a ConfigRepo doesn't write to another namespace", func(t *testing.T) {
		repository := outside.repository(t, "across-")
		outside.push(t, repository, map[string]string{
			"bad.yaml": strings.Replace(yamlPipeline, "{name: fine}", "{name: fine, namespace: "+inside.namespace+"}", 1),
		})
		outside.create(t, outside.configRepo("writer", repository.URL))
		if _, ready := outside.sync(t, "writer"); ready.Status != metav1.ConditionFalse {
			t.Errorf("Ready=%s: %s; want False", ready.Status, ready.Message)
		}
	})
	for _, s := range []*space{inside, outside} {
		names, err := s.names(s.ctx, &v1alpha1.PipelineList{})
		want := map[*space]string{inside: "web", outside: ""}[s]
		if got := strings.Join(names, ","); err != nil || got != want {
			t.Errorf("Pipelines of %s are %q, %v; want %q", s.namespace, got, err, want)
		}
	}
	if names, err := inside.names(inside.ctx, &v1alpha1.RunList{}); err != nil || len(names) > 0 {
		t.Errorf("Runs of the first namespace are %v, %v; want none", names, err)
	}
}
