package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/webhook"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

func (s *space) githubPush(t *testing.T, id string) webhook.Delivery {
	t.Helper()
	push := webhook.Push{Repository: "acme/web", CloneURL: "http://git.example.com/acme/web.git", Branch: "main", SHA: sha, Message: "Fix it"}
	delivery, err := webhook.GitHub(push, hookToken, id)
	if err != nil {
		t.Fatal(err)
	}
	return delivery
}

func (s *space) generic(t *testing.T, params map[string]string) webhook.Delivery {
	t.Helper()
	delivery, err := webhook.Generic(params, hookToken)
	if err != nil {
		t.Fatal(err)
	}
	return delivery
}

// post sends a delivery to KayCI's Service.
func (s *space) post(t *testing.T, path string, delivery webhook.Delivery) webhook.Answer {
	t.Helper()
	answer, err := delivery.Post(s.ctx, shared.hooks+path)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// awaitTrigger returns a Trigger's webhook path once every replica knows it.
func (s *space) awaitTrigger(t *testing.T, name string) string {
	t.Helper()
	path := "/hooks/" + s.namespace + "/" + name
	var trigger v1alpha1.Trigger
	s.await(t, "Trigger "+name, func(ctx context.Context) (bool, string, error) {
		if err := s.Client.Get(ctx, s.key(name), &trigger); err != nil {
			return false, "", cluster.Retry(err)
		}
		return trigger.Status.WebhookPath == path, "its path is " + trigger.Status.WebhookPath, nil
	})
	if err := s.AwaitWebhook(s.ctx, cluster.NewProgress(t.Output()), path, hookToken); err != nil {
		t.Fatal(err)
	}
	return path
}

// replicas returns the address of each of the controller's pods.
func (s *space) replicas(t *testing.T) []string {
	t.Helper()
	pods, err := s.Replicas(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	var urls []string
	for i := range pods {
		url, stop, err := s.PodWebhookURL(s.ctx, &pods[i])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		urls = append(urls, url)
	}
	return urls
}

// The same delivery, many times at once and to every replica, is one Run.
func TestTheSameDeliveryIsOneRun(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("web", script("quick", "true")), s.trigger("push", "web", v1alpha1.ProviderGitHub))
	path := s.awaitTrigger(t, "push")
	urls := s.replicas(t)
	if len(urls) != 2 {
		t.Fatalf("KayCI has %d replicas, want 2", len(urls))
	}
	delivery := s.githubPush(t, "delivery-1")

	var mu sync.Mutex
	statuses, runs := map[int]int{}, map[string]int{}
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			answer, err := delivery.Post(s.ctx, urls[i%2]+path)
			if err != nil {
				t.Error(err)
				return
			}
			decision, err := answer.Decision()
			if err != nil || len(decision.Results) != 1 {
				t.Errorf("answer %d %s: %v", answer.Status, answer.Body, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[answer.Status]++
			runs[decision.Results[0].Run]++
		})
	}
	all.Wait()
	if diff := cmp.Diff(map[int]int{http.StatusCreated: 1, http.StatusOK: 9}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	names, err := s.names(s.ctx, &v1alpha1.RunList{})
	if err != nil || len(names) != 1 || runs[names[0]] != 10 {
		t.Fatalf("Runs are %v, the answers named %v, %v; want one", names, runs, err)
	}
	run := s.awaitEnd(t, names[0], v1alpha1.RunSucceeded)
	want := &v1alpha1.Origin{
		Trigger: "push", Provider: "github", Delivery: "delivery-1", Repository: "acme/web", SHA: sha, Ref: "refs/heads/main", Branch: "main",
		Title: "Fix it", Sender: "gopher",
		Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(delivery.Body)),
	}
	if diff := cmp.Diff(want, run.Spec.Origin); diff != "" {
		t.Errorf("origin (-want +got):\n%s", diff)
	}
	if answer := s.post(t, path, s.githubPush(t, "delivery-2")); answer.Status != http.StatusCreated {
		t.Errorf("another delivery: %d %s", answer.Status, answer.Body)
	}
}

func TestWebhooksThatStartNothing(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	github := s.trigger("push", "web", v1alpha1.ProviderGitHub)
	github.Spec.Webhook.Branches = []string{"release/*"}
	failing := s.trigger("failing", "web", v1alpha1.ProviderGitHub)
	failing.Spec.Params = map[string]string{"title": "body.nothing.here"}
	s.create(t, s.pipeline("web", script("quick", "true")), github, failing, s.trigger("by-hand", "web", v1alpha1.ProviderGeneric))
	for _, name := range []string{"push", "failing", "by-hand"} {
		s.awaitTrigger(t, name)
	}
	at := func(path string) string { return "/hooks/" + s.namespace + path }
	changed := func(change func(*webhook.Delivery)) webhook.Delivery {
		d := s.githubPush(t, "refused")
		change(&d)
		return d
	}
	malformed := changed(func(d *webhook.Delivery) { d.Body = []byte(`{"ref": `); d.SignGitHub(hookToken) })
	oversized := changed(func(d *webhook.Delivery) {
		d.Body = append(d.Body, bytes.Repeat([]byte(" "), 2<<20)...)
		d.SignGitHub(hookToken)
	})
	for _, test := range []struct {
		name, path string
		delivery   webhook.Delivery
		status     int
		says       string
	}{
		{"malformed JSON", at("/push"), malformed, http.StatusBadRequest, ""},
		{"an oversized body", at("/push"), oversized, http.StatusRequestEntityTooLarge, ""},
		{"a branch that doesn't match", at("/push"), s.githubPush(t, "other-branch"), http.StatusOK, "NotMatched"},
		{"an expression that fails", at("/failing"), s.githubPush(t, "failing"), http.StatusUnprocessableEntity, "title"},
		{"a parameter that the Pipeline doesn't have", at("/by-hand"), s.generic(t, map[string]string{"nobody": "x"}), http.StatusUnprocessableEntity, "nobody"},
	} {
		answer := s.post(t, test.path, test.delivery)
		if answer.Status != test.status || !strings.Contains(string(answer.Body), test.says) {
			t.Errorf("%s: %d %s; want %d and %q", test.name, answer.Status, answer.Body, test.status, test.says)
		}
	}
	if names, err := s.names(s.ctx, &v1alpha1.RunList{}); err != nil || len(names) > 0 {
		t.Errorf("Runs are %v, %v; want none", names, err)
	}
	events, err := s.Kubectl(s.ctx, "get", "events.events.k8s.io", "--namespace", s.namespace, "--output=wide")
	if err != nil || !strings.Contains(events, "failing") || !strings.Contains(events, "title") {
		t.Errorf("the events don't say why the expression failed (%v):\n%s", err, events)
	}
	s.expectNoSecrets(t, hookToken)
}

// Whoever can't sign learns nothing: each of these answers is the same.
func TestUnauthenticatedWebhooksAllGetTheSameAnswer(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	dangling := s.trigger("dangling", "web", v1alpha1.ProviderGitHub)
	dangling.Spec.Webhook.SecretRef.Name = "missing"
	s.create(t, s.pipeline("web", script("quick", "true")), s.trigger("push", "web", v1alpha1.ProviderGitHub),
		s.trigger("by-hand", "web", v1alpha1.ProviderGeneric), dangling)
	for _, name := range []string{"push", "by-hand"} {
		s.awaitTrigger(t, name)
	}
	signed := s.githubPush(t, "one")
	unsigned := s.githubPush(t, "one")
	unsigned.Header.Del("X-Hub-Signature-256")
	wrong := s.githubPush(t, "one")
	wrong.SignGitHub("not the token")
	other := s.generic(t, nil)
	other.Header.Set("Authorization", "Bearer nonsense")
	at := func(path string) string { return "/hooks/" + s.namespace + path }

	var first string
	for i, test := range []struct {
		name, path string
		delivery   webhook.Delivery
	}{
		{"a wrong signature", at("/push"), wrong},
		{"no signature", at("/push"), unsigned},
		{"a wrong bearer token", at("/by-hand"), other},
		{"a signature for a generic trigger", at("/by-hand"), signed},
		{"a missing Secret", at("/dangling"), signed},
		{"an unknown trigger", at("/nobody"), signed},
		{"an unknown namespace", "/hooks/e2e-nowhere/push", signed},
		{"the whole namespace, unsigned", at(""), unsigned},
		{"an unknown namespace as a whole", "/hooks/e2e-nowhere", signed},
	} {
		answer := s.post(t, test.path, test.delivery)
		answer.Header.Del("Date")
		text := strings.Join([]string{http.StatusText(answer.Status), cmp.Diff(http.Header{}, answer.Header), string(answer.Body)}, "\n")
		if i == 0 {
			first = text
		}
		if answer.Status != http.StatusUnauthorized || text != first {
			t.Errorf("%s: %d\n%s\nwant 401 and what the first was answered:\n%s", test.name, answer.Status, text, first)
		}
	}
}
