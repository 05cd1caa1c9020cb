package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// file is a Pipeline as it stands in a repository.
func file(t *testing.T, p *v1alpha1.Pipeline) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion().String(), "kind": v1alpha1.PipelineKind,
		"metadata": map[string]string{"name": p.Name}, "spec": p.Spec,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A Pipeline that is renamed in git goes when its Run has ended.
func TestARenamedPipelineWaitsForItsRun(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, "")
	job := script("held", s.through("held"))
	s.create(t, s.configRepo("repo", repository.URL))
	s.syncTo(t, "repo", s.push(t, repository, map[string]string{"web.json": file(t, s.pipeline("old", job))}))
	s.start(t, "r", "old")
	s.awaitArrival(t, "held")

	commit := s.push(t, repository, map[string]string{"web.json": file(t, s.pipeline("new", job))})
	s.syncTo(t, "repo", commit)
	_, ready := s.sync(t, "repo")
	if want := "to be pruned when its active Runs have ended: Pipeline/old ("; !strings.Contains(ready.Message, want) {
		t.Errorf("Ready says %q, want %q", ready.Message, want)
	}
	s.get(t, "old", &v1alpha1.Pipeline{})
	s.get(t, "new", &v1alpha1.Pipeline{})

	s.openGate("held")
	s.awaitEnd(t, "r", v1alpha1.RunSucceeded)
	s.await(t, "the old Pipeline to be pruned", func(ctx context.Context) (bool, string, error) {
		switch err := s.Client.Get(ctx, s.key("old"), &v1alpha1.Pipeline{}); {
		case apierrors.IsNotFound(err):
			return true, "", nil
		case err != nil:
			return false, "", cluster.Retry(err)
		}
		return false, "it is there", nil
	})
	if _, ready := s.sync(t, "repo"); !strings.HasSuffix(ready.Message, commit) {
		t.Errorf("Ready says %q", ready.Message)
	}
}
