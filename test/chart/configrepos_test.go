package chart_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/install"
)

func TestConfigRepos(t *testing.T) {
	s := startServer(t, filepath.Join(chartFolder, "files", "crds"))
	t.Run("follow the list", func(t *testing.T) { testFollowTheList(t, s) })
	t.Run("keep releases apart", func(t *testing.T) { testReleasesKeepApart(t, s) })
}

// testFollowTheList plays what the hook's Job does at one install
// and the upgrades after it.
func testFollowTheList(t *testing.T, s *server) {
	t.Helper()
	const url = "https://git.example.com/a.git"
	foreign := configRepo("by-hand", releaseNamespace, url)
	if err := s.client.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name   string
		wanted []*unstructured.Unstructured
		want   []string
		err    string
	}{
		{name: "install", wanted: repos("ci/a "+url, "team-a/b "+url), want: []string{"ci/a created", "team-a/b created"}},
		{name: "nothing new", wanted: repos("ci/a "+url, "team-a/b "+url), want: []string{"ci/a unchanged", "team-a/b unchanged"}},
		{name: "another url", wanted: repos("ci/a "+url+"2", "team-a/b "+url), want: []string{"ci/a configured", "team-a/b unchanged"}},
		{name: "one refused", wanted: repos("ci/a "+url+"3", "ci/c file:///etc"), err: "ci/c: "},
		{name: "a token", wanted: repos("ci/c https://canary@git.example.com/a.git"), err: "ci/c: "},
		{name: "a password", wanted: repos("ci/c https://me:canary@git.example.com/a.git"), err: "ci/c: "},
		{name: "an unknown field", wanted: withField(repos("ci/c " + url)), err: "ci/c: "},
		{name: "another's", wanted: repos("ci/c "+url, "ci/by-hand "+url), err: "ci/by-hand: it exists already and isn't of this release"},
		{name: "a refusal has changed nothing", wanted: repos("ci/a "+url+"2", "team-a/b "+url), want: []string{"ci/a unchanged", "team-a/b unchanged"}},
		{name: "one removed", wanted: repos("team-a/b " + url), want: []string{"team-a/b unchanged", "ci/a deleted"}},
		{name: "all removed", want: []string{"team-a/b deleted"}},
		{name: "none left", want: []string{}},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			r := s.release()
			got, err := r.Apply(t.Context(), step.wanted)
			if step.err != "" {
				if err == nil || !strings.Contains(err.Error(), step.err) {
					t.Errorf("got error %v, want one with %q", err, step.err)
				} else if strings.Contains(err.Error(), "canary") {
					t.Errorf("the error repeats a password: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(step.want, texts(got)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
	s.checkExists(t, foreign, "after all that")
}

// testReleasesKeepApart: a release of the same name in another namespace, and
// one outside the scope, are left alone.
func testReleasesKeepApart(t *testing.T, s *server) {
	t.Helper()
	const url = "https://git.example.com/a.git"
	other := s.release()
	other.Namespace = "team-b"
	if _, err := other.Apply(t.Context(), repos("team-b/x "+url)); err != nil {
		t.Fatal(err)
	}
	own := s.release()
	own.Scope = []string{"team-a"}
	if _, err := own.Apply(t.Context(), repos("team-a/y "+url)); err != nil {
		t.Fatal(err)
	}
	got, err := own.Apply(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"team-a/y deleted"}, texts(got)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	x := configRepo("x", "team-b", url)
	if err := s.client.Get(t.Context(), types.NamespacedName{Namespace: "team-b", Name: "x"}, x); err != nil {
		t.Error(err)
	}
}

func (s *server) release() *install.Release {
	return &install.Release{Client: s.client, Namespace: releaseNamespace, Name: release, Patience: time.Minute}
}

func texts(changes []install.Change) []string {
	texts := make([]string, len(changes))
	for i, change := range changes {
		texts[i] = change.String() + " " + string(change.Action)
	}
	return texts
}

// repos makes ConfigRepos of texts: "namespace/name url".
func repos(texts ...string) []*unstructured.Unstructured {
	var repos []*unstructured.Unstructured
	for _, text := range texts {
		key, url, _ := strings.Cut(text, " ")
		namespace, name, _ := strings.Cut(key, "/")
		repos = append(repos, configRepo(name, namespace, url))
	}
	return repos
}

func configRepo(name, namespace, url string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion().String(),
		"kind":       v1alpha1.ConfigRepoKind,
		"metadata":   map[string]any{"name": name, "namespace": namespace},
		"spec":       map[string]any{"url": url},
	}}
}

func withField(repos []*unstructured.Unstructured) []*unstructured.Unstructured {
	for _, repo := range repos {
		repo.Object["spec"] = map[string]any{"url": "https://git.example.com", "brunch": "main"}
	}
	return repos
}
