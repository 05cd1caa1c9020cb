package e2e

import (
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/test/githost"
)

// A git server that takes connections and says nothing must not hold anything
// up for longer than the timeout.
func TestAGitServerThatHangsIsGivenUpAndTriedAgain(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{"one.jsonnet": jsonnetPipeline("one", "first")})
	target, err := url.Parse(repository.URL)
	if err != nil {
		t.Fatal(err)
	}
	var hangs atomic.Bool
	hangs.Store(true)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: target.Host})
	listener, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", net.JoinHostPort(shared.address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if hangs.Load() {
				<-r.Context().Done()
				return
			}
			proxy.ServeHTTP(w, r)
		}),
	}}
	server.Start()
	t.Cleanup(server.Close)

	repo := s.configRepo("repo", server.URL+target.Path)
	repo.Spec.Timeout = &metav1.Duration{Duration: 2 * time.Second}
	s.create(t, repo)
	_, ready := s.sync(t, "repo")
	if ready.Status != metav1.ConditionFalse || ready.Reason != "Timeout" {
		t.Errorf("Ready=%s, %s: %s; want False with reason Timeout", ready.Status, ready.Reason, ready.Message)
	}
	hangs.Store(false)
	s.syncTo(t, "repo", commit)
}

func TestPrivateRepositoryNeedsTheSecret(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, githost.PrivatePrefix)
	commit := s.push(t, repository, map[string]string{"one.jsonnet": jsonnetPipeline("one", "first")})
	repo := s.configRepo("repo", repository.URL)
	repo.Spec.SecretRef = &meta.LocalObjectReference{Name: "git"}
	s.create(t, repo)
	if _, ready := s.sync(t, "repo"); ready.Status != metav1.ConditionFalse || ready.Reason != "SecretNotFound" {
		t.Errorf("without the Secret: Ready=%s, %s: %s", ready.Status, ready.Reason, ready.Message)
	}
	const wrong = "canary-wrong-20ac11"
	secret := s.secret("git", map[string]string{"username": "e2e", "password": wrong})
	s.create(t, secret)
	if _, ready := s.sync(t, "repo"); ready.Status != metav1.ConditionFalse || ready.Reason != "AuthenticationFailed" {
		t.Errorf("with a wrong password: Ready=%s, %s: %s", ready.Status, ready.Reason, ready.Message)
	}
	patch(t, s, secret, func(secret *corev1.Secret) { secret.Data["password"] = []byte(gitPassword) })
	s.syncTo(t, "repo", commit)
	s.expectNoSecrets(t, wrong, gitPassword, hookToken)
}

// expectNoSecrets looks for values in everything that people may read: objects
// of the namespace, its events, and the logs of controller
// and store.
func (s *space) expectNoSecrets(t *testing.T, values ...string) {
	t.Helper()
	for _, args := range [][]string{
		{"get", "configrepos,pipelines,triggers,runs,jobs,pods,configmaps,controllerrevisions,events", "--namespace", s.namespace, "--output=yaml"},
		{"get", "events.events.k8s.io", "--namespace", s.namespace, "--output=yaml"},
		{"get", "all,events,configmaps", "--namespace", s.Namespace, "--output=yaml"},
		{"logs", "--namespace", s.Namespace, "--selector=app.kubernetes.io/component in (controller, store)", "--tail=-1", "--max-log-requests=20"},
	} {
		text, err := s.Kubectl(s.ctx, args...)
		if err != nil {
			t.Fatal(err)
		}
		if text == "" {
			t.Errorf("kubectl %v shows nothing: is it looking at the right place?", args)
		}
		for _, value := range values {
			for _, form := range forms(value) {
				if at := strings.Index(text, form); at >= 0 {
					t.Errorf("kubectl %v shows a secret: …%s…", args, text[max(0, at-200):at])
				}
			}
		}
	}
}

// forms are those that a secret may be shown in.
func forms(value string) []string {
	return []string{
		value, url.QueryEscape(value),
		base64.StdEncoding.EncodeToString([]byte(value)),
		base64.StdEncoding.EncodeToString([]byte("e2e:" + value)),
	}
}
