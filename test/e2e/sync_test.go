package e2e

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const yamlTrigger = `apiVersion: kayci.dev/v1alpha1
kind: Trigger
metadata: {name: three}
spec:
  pipeline: one
  webhook: {provider: generic, secretRef: {name: hook}}
`

func TestACommitChangesOnlyWhatItChanges(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{
		"one.jsonnet": jsonnetPipeline("one", "first"), "two.jsonnet": jsonnetPipeline("two", "first"), "three.yaml": yamlTrigger,
	})
	s.create(t, s.configRepo("repo", repository.URL))
	s.syncTo(t, "repo", commit)
	before := s.resourceVersions(t)

	t.Run("an edit of one pipeline", func(t *testing.T) {
		commit := s.push(t, repository, map[string]string{"two.jsonnet": jsonnetPipeline("two", "second")})
		s.syncTo(t, "repo", commit)
		after := s.resourceVersions(t)
		if after["Pipeline/two"] == before["Pipeline/two"] {
			t.Error("Pipeline two has not changed")
		}
		want := maps.Clone(before)
		want["Pipeline/two"] = after["Pipeline/two"]
		if diff := cmp.Diff(want, after); diff != "" {
			t.Errorf("objects' versions (-want +got):\n%s", diff)
		}
		before = after
	})
	t.Run("no change at all", func(t *testing.T) {
		s.syncTo(t, "repo", s.commit(t, repository))
		if diff := cmp.Diff(before, s.resourceVersions(t)); diff != "" {
			t.Errorf("objects' versions (-want +got):\n%s", diff)
		}
	})
	t.Run("a removed file", func(t *testing.T) {
		s.syncTo(t, "repo", s.push(t, repository, map[string]string{"two.jsonnet": ""}))
		want := maps.Clone(before)
		delete(want, "Pipeline/two")
		if diff := cmp.Diff(want, s.resourceVersions(t)); diff != "" {
			t.Errorf("objects' versions (-want +got):\n%s", diff)
		}
	})
}
