package poll

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/git"
	"github.com/kayci/kayci/test/githost"
)

// TestPushesToAServer looks at a real server's repository that only credentials show.
func TestPushesToAServer(t *testing.T) {
	t.Parallel()
	host, err := githost.Start(t.Context(), t.TempDir(), "127.0.0.1:0", githost.Credentials{Username: "kayci", Password: "canary"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	repository, err := host.Create(t.Context(), githost.PrivatePrefix+"web", filepath.Join(t.TempDir(), "clone"))
	if err != nil {
		t.Fatal(err)
	}
	push := func(content string) string {
		if err := repository.Write(map[string]string{"a": content}); err != nil {
			t.Fatal(err)
		}
		sha, err := repository.Push(t.Context(), content)
		if err != nil {
			t.Fatal(err)
		}
		return sha
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "git"},
		Data:       map[string][]byte{"username": []byte("kayci"), "password": []byte("wrong")},
	}
	w := newWorld(t, web(), secret, polling("main", func(s *v1alpha1.TriggerSpec) {
		s.Poll.URL, s.Poll.SecretRef = repository.URL, &meta.LocalObjectReference{Name: "git"}
	}))
	w.poll.List = git.List
	push("one")
	next := w.after(0, "main")
	failure := w.trigger("main").Status.Poll.Failure
	if failure == nil || failure.Reason != "AuthenticationFailed" || strings.Contains(failure.Message, "canary") {
		t.Errorf("with a wrong password: %+v", failure)
	}
	secret.Data["password"] = []byte("canary")
	if err := w.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.after(next, "main")
	w.wantRuns()
	push("two")
	sha := push("three")
	w.after(time.Minute, "main")
	w.wantRuns("refs/heads/main@" + sha)
}
