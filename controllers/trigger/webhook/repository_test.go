package webhook

import (
	"context"
	"errors"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/v1alpha1"
)

const repositoryPath = "/hooks/ci/configrepos/pipelines"

func configRepo(provider v1alpha1.Provider, edits ...func(*v1alpha1.ConfigRepoSpec)) *v1alpha1.ConfigRepo {
	repo := &v1alpha1.ConfigRepo{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "pipelines", UID: "repo-uid"},
		Spec: v1alpha1.ConfigRepoSpec{
			Webhook: &v1alpha1.ConfigRepoWebhook{Provider: provider, SecretRef: meta.LocalObjectReference{Name: "hook"}},
		},
	}
	for _, edit := range edits {
		edit(&repo.Spec)
	}
	return repo
}

func following(ref v1alpha1.GitRef) func(*v1alpha1.ConfigRepoSpec) {
	return func(s *v1alpha1.ConfigRepoSpec) { s.Ref = &ref }
}

func TestPushOfAConfigRepoRequestsASync(t *testing.T) {
	push, tag := payload(t, "github-push"), payload(t, "github-tag")
	host := v1alpha1.ProviderGitHub
	tests := map[string]struct {
		repo *v1alpha1.ConfigRepo
		req  request
		want result
	}{
		"no ref":          {configRepo(host), signedGitHub(repositoryPath, "1", "push", push), result{Outcome: requested, Reason: "a push of refs/heads/main"}},
		"a slash behind":  {configRepo(host), signedGitHub(repositoryPath+"/", "1", "push", push), result{Outcome: requested, Reason: "a push of refs/heads/main"}},
		"its branch":      {configRepo(host, following(v1alpha1.GitRef{Branch: "main"})), signedGitHub(repositoryPath, "1", "push", push), result{Outcome: requested, Reason: "a push of refs/heads/main"}},
		"another branch":  {configRepo(host, following(v1alpha1.GitRef{Branch: "prod"})), signedGitHub(repositoryPath, "1", "push", push), result{Outcome: notMatched, Reason: "a push of refs/heads/main, which spec.ref doesn't name"}},
		"its tag":         {configRepo(host, following(v1alpha1.GitRef{Tag: "v1.4.0"})), signedGitHub(repositoryPath, "1", "push", tag), result{Outcome: requested, Reason: "a push of refs/tags/v1.4.0"}},
		"a tag, no ref":   {configRepo(host), signedGitHub(repositoryPath, "1", "push", tag), result{Outcome: notMatched, Reason: "a push of refs/tags/v1.4.0"}},
		"a commit stays":  {configRepo(host, following(v1alpha1.GitRef{Commit: head})), signedGitHub(repositoryPath, "1", "push", push), result{Outcome: notMatched, Reason: "a push of refs/heads/main, which spec.ref doesn't name"}},
		"ping":            {configRepo(host), signedGitHub(repositoryPath, "1", "ping", `{"zen": "x"}`), result{Outcome: notMatched, Reason: "ping: address and secret are right"}},
		"another event":   {configRepo(host), signedGitHub(repositoryPath, "1", "star", `{}`), result{Outcome: notMatched, Reason: "the event is star, not push"}},
		"a script's call": {configRepo(v1alpha1.ProviderGeneric), bearer(repositoryPath, "1", `{}`), result{Outcome: requested, Reason: "the request is authentic"}},
		"one of several refs": {
			configRepo(v1alpha1.ProviderBitbucket, following(v1alpha1.GitRef{Tag: "v1.4.0"})),
			pushOfMany(t, repositoryPath).with(map[string]string{"X-Request-UUID": "1"}),
			result{Outcome: requested, Reason: "a push of refs/tags/v1.4.0"},
		},
		"suspended": {
			configRepo(host, func(s *v1alpha1.ConfigRepoSpec) { s.Suspend = true }), signedGitHub(repositoryPath, "1", "push", push),
			result{Outcome: suspended, Reason: "the ConfigRepo is suspended: spec.suspend is true"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setup{objects: objects(secret("hook", canary), tt.repo)})
			tt.want.ConfigRepo = "pipelines"
			f.expect(t, tt.req, answered{Status: http.StatusOK, Delivery: "1", Results: []result{tt.want}})
			asked := f.requestedAt(t)
			if want := tt.want.Outcome == requested; (asked == "2026-05-04T09:00:00Z") != want {
				t.Errorf("a sync is requested at %q; wanted: %v", asked, want)
			}
		})
	}
}

func (f *fixture) requestedAt(t *testing.T) string {
	t.Helper()
	var repo v1alpha1.ConfigRepo
	if err := f.client.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "pipelines"}, &repo); err != nil {
		t.Fatal(err)
	}
	return repo.Annotations[meta.ReconcileRequestAnnotation]
}

// Strangers learn nothing about ConfigRepos, and a Trigger's path is no way to one.
func TestStrangersAtAConfigRepo(t *testing.T) {
	push := payload(t, "github-push")
	forged := signedGitHub(repositoryPath, "1", "push", push)
	forged.header["X-Hub-Signature-256"] = "sha256=" + sign("another", push)
	without := configRepo(v1alpha1.ProviderGitHub, func(s *v1alpha1.ConfigRepoSpec) { s.Webhook = nil })
	for name, tt := range map[string]struct {
		repo *v1alpha1.ConfigRepo
		req  request
	}{
		"forged":           {configRepo(v1alpha1.ProviderGitHub), forged},
		"no webhook":       {without, signedGitHub(repositoryPath, "1", "push", push)},
		"another provider": {configRepo(v1alpha1.ProviderGitLab), signedGitHub(repositoryPath, "1", "push", push)},
		"another name":     {configRepo(v1alpha1.ProviderGitHub), signedGitHub("/hooks/ci/configrepos/other", "1", "push", push)},
		"as a Trigger":     {configRepo(v1alpha1.ProviderGitHub), signedGitHub("/hooks/ci/pipelines", "1", "push", push)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setup{objects: objects(secret("hook", canary), tt.repo)})
			stranger := read(t, f.send(request{path: "/hooks/ci/nothing", body: push}))
			f.expect(t, tt.req, stranger)
			if stranger.Status != http.StatusUnauthorized || f.requestedAt(t) != "" {
				t.Errorf("status %d, a sync is requested at %q", stranger.Status, f.requestedAt(t))
			}
		})
	}
}

// A push that could not be noted is to be sent again.
func TestSyncThatCannotBeRequested(t *testing.T) {
	f := newFixture(t, setup{
		objects: objects(secret("hook", canary), configRepo(v1alpha1.ProviderGitHub)),
		funcs: interceptor.Funcs{Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
			return errors.New("the API server is away")
		}},
	})
	f.expect(t, githubPush(t, repositoryPath, "1"), answered{Status: http.StatusServiceUnavailable, Delivery: "1", Results: []result{{
		ConfigRepo: "pipelines", Outcome: failed, Reason: "the API server could not store the outcome: send it again",
	}}})
}
