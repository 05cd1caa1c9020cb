package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// awaitStored waits until the store has what the Run leaves behind.
func (s *space) awaitStored(t *testing.T, name string) *metav1.Condition {
	t.Helper()
	var stored *metav1.Condition
	s.await(t, "run "+name+" to be stored", func(ctx context.Context) (bool, string, error) {
		var run v1alpha1.Run
		if err := s.Client.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, &run); err != nil {
			return false, "", err
		}
		if stored = meta.FindStatusCondition(run.Status.Conditions, v1alpha1.StoredCondition); stored == nil {
			return false, "it isn't", nil
		}
		return stored.Status == metav1.ConditionTrue, stored.Message, nil
	})
	return stored
}

// removeRun deletes the Run, and waits until its pods are gone.
func (s *space) removeRun(t *testing.T, name string) {
	t.Helper()
	run := &v1alpha1.Run{ObjectMeta: s.meta(name)}
	if err := s.Client.Delete(s.ctx, run, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		t.Fatal(err)
	}
	s.await(t, "the pods of run "+name+" to be gone", func(ctx context.Context) (bool, string, error) {
		var pods corev1.PodList
		err := s.Client.List(ctx, &pods, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.RunLabel: name})
		gone := s.Client.Get(ctx, client.ObjectKeyFromObject(run), run)
		return err == nil && len(pods.Items) == 0 && apierrors.IsNotFound(gone), "they are there", err
	})
}

// TestStore: what a Run has left behind is read after its deletion as before, by who may.
func TestStore(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	program.ready(t)
	build := script("build", "echo built; sleep 1; printf 'my secret is %s\\n' \"$TOKEN\"; echo done")
	s.create(t, &corev1.Secret{ObjectMeta: s.meta("login"), StringData: map[string]string{"token": "hunter22-canary"}})
	pod := &build.Template.Spec.Template.Spec
	pod.InitContainers = []corev1.Container{{Name: "clone", Image: busybox, Command: []string{"echo", "cloned"}}}
	pod.Containers[0].Env = append(pod.Containers[0].Env, corev1.EnvVar{Name: "TOKEN", ValueFrom: &corev1.EnvVarSource{
		SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "login"}, Key: "token"},
	}})
	s.create(t, s.pipeline("web", build, chatty("test", "build"), script("skipped", "true", "test")))
	s.start(t, "one", "web")
	s.awaitEnd(t, "one", v1alpha1.RunFailed)
	if stored := s.awaitStored(t, "one"); stored.Message != "The record and 4 logs are kept" || stored.Reason != v1alpha1.ReasonStored {
		t.Errorf("it is told so: %s: %s", stored.Reason, stored.Message)
	}
	commands := [][]string{
		{"logs", "one", "--raw"},
		{"logs", "web/1", "test", "--attempt", "2", "--timestamps"},
		{"logs", "one", "build", "--tail", "1"},
		{"describe", "one", "-oname"},
		{"runs", "-oname"},
	}
	var before []ended
	for _, args := range commands {
		before = append(before, finish(t, program.kayci(t, s, args...)))
	}
	live := finish(t, program.kayci(t, s, "logs", "one", "--raw", "--store="))
	if diff := cmp.Diff(strings.ReplaceAll(live.out, "hunter22-canary", "***"), before[0].out); diff != "" || live.code != 0 {
		t.Errorf("logs of the pods, %q (-want +got of the store):\n%s", live.err, diff)
	}

	s.removeRun(t, "one")
	for i, args := range commands {
		if diff := cmp.Diff(before[i], finish(t, program.kayci(t, s, args...)), cmp.AllowUnexported(ended{})); diff != "" {
			t.Errorf("kayci %s (-before +after it was deleted):\n%s", strings.Join(args, " "), diff)
		}
	}
	if said := finish(t, program.kayci(t, s, "logs", "one", "--store=")); said.code == 0 {
		t.Errorf("without the store there is still %q", said.out)
	}
	s.expectDescribed(t, "one")
	s.expectPaged(t, "one")
	s.expectNoSecrets(t, "hunter22-canary")
}

// expectPaged looks at the page of a Run that was deleted, as who may and who may not.
func (s *space) expectPaged(t *testing.T, name string) {
	t.Helper()
	page, err := shared.PageURL(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if page == "" {
		return
	}
	looker, stranger := s.viewer(t, page, "looker", "view"), s.viewer(t, page, "stranger", "")
	path := "/ns/" + s.namespace + "/runs/" + name
	if status, text := looker.asks(s.ctx, t, http.MethodGet, path, nil); status != http.StatusOK || !strings.Contains(text, "This Run was deleted") {
		t.Errorf("the page of the Run: %d: %s", status, text)
	}
	if status, text := looker.asks(s.ctx, t, http.MethodGet, path+"/jobs/build/log", nil); status != http.StatusOK || text != "built\nmy secret is ***\ndone\n" {
		t.Errorf("the log on the page: %d: %s", status, text)
	}
	for _, of := range []string{"", "/jobs/build/log"} {
		if status, text := stranger.asks(s.ctx, t, http.MethodGet, path+of, nil); status == http.StatusOK {
			t.Errorf("a stranger sees %s: %s", path+of, text)
		}
	}
}

// expectDescribed looks at what is said of a Run that was deleted.
func (s *space) expectDescribed(t *testing.T, name string) {
	t.Helper()
	said := finish(t, program.kayci(t, s, "describe", name))
	for _, want := range []string{"✕ Failed", "Deleted", "build", "container main exited with code 1"} {
		if !strings.Contains(said.out, want) {
			t.Errorf("%q isn't said of the Run:\n%s%s", want, said.out, said.err)
		}
	}
	if said := finish(t, program.kayci(t, s, "retry", name)); said.code == 0 {
		t.Errorf("a Run that was deleted is retried: %s", said.out)
	}
}
