package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/githost"
)

// repository creates one of the space's own.
func (s *space) repository(t *testing.T, prefix string) *githost.Repository {
	t.Helper()
	return s.namedRepository(t, prefix+s.namespace)
}

func (s *space) namedRepository(t *testing.T, name string) *githost.Repository {
	t.Helper()
	repository, err := shared.host.Create(s.ctx, name, filepath.Join(t.TempDir(), "clone"))
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

func (s *space) configRepo(name, url string) *v1alpha1.ConfigRepo {
	return &v1alpha1.ConfigRepo{ObjectMeta: s.meta(name), Spec: v1alpha1.ConfigRepoSpec{URL: url}}
}

// push commits the files, and takes those out whose content is blank.
func (s *space) push(t *testing.T, repository *githost.Repository, files map[string]string) string {
	t.Helper()
	kept := map[string]string{}
	for name, content := range files {
		if content != "" {
			kept[name] = content
			continue
		}
		if err := repository.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := repository.Write(kept); err != nil {
		t.Fatal(err)
	}
	return s.commit(t, repository)
}

func (s *space) commit(t *testing.T, repository *githost.Repository) string {
	t.Helper()
	commit, err := repository.Push(s.ctx, "change "+t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

// sync asks for a sync, waits until it has been carried out, and returns its
// Ready condition.
func (s *space) sync(t *testing.T, name string) (*v1alpha1.ConfigRepo, metav1.Condition) {
	t.Helper()
	repo := &v1alpha1.ConfigRepo{ObjectMeta: s.meta(name)}
	asked := ""
	patch(t, s, repo, func(r *v1alpha1.ConfigRepo) {
		asked = fmt.Sprintf("%s-%d", t.Name(), r.Generation) + r.ResourceVersion
		metav1.SetMetaDataAnnotation(&r.ObjectMeta, meta.ReconcileRequestAnnotation, asked)
	})
	s.await(t, "the sync of "+name, func(ctx context.Context) (bool, string, error) {
		if err := s.Client.Get(ctx, s.key(name), repo); err != nil {
			return false, "", cluster.Retry(err)
		}
		return repo.Status.GetLastHandledReconcileRequest() == asked, fmt.Sprintf("%+v", repo.Status.Conditions), nil
	})
	ready := apimeta.FindStatusCondition(repo.Status.Conditions, meta.ReadyCondition)
	if ready == nil {
		t.Fatalf("ConfigRepo %s has no Ready condition after a sync", name)
	}
	return repo, *ready
}

// syncTo pushes, and fails the test unless the commit is applied.
func (s *space) syncTo(t *testing.T, name, commit string) {
	t.Helper()
	repo, ready := s.sync(t, name)
	if ready.Status != metav1.ConditionTrue || !strings.HasSuffix(repo.Status.LastAppliedRevision, commit) {
		t.Fatalf("commit %s is not applied: %s, Ready=%s: %s", commit, repo.Status.LastAppliedRevision, ready.Status, ready.Message)
	}
}

// resourceVersions of the Pipelines and Triggers, by kind/name. They are read
// once the Pipelines' revisions are known, because that is written to them.
func (s *space) resourceVersions(t *testing.T) map[string]string {
	t.Helper()
	versions := map[string]string{}
	s.await(t, "the status of Pipelines and Triggers", func(ctx context.Context) (bool, string, error) {
		var pipelines v1alpha1.PipelineList
		var triggers v1alpha1.TriggerList
		if _, err := s.names(ctx, &pipelines); err != nil {
			return false, "", cluster.Retry(err)
		}
		if _, err := s.names(ctx, &triggers); err != nil {
			return false, "", cluster.Retry(err)
		}
		clear(versions)
		for _, p := range pipelines.Items {
			if p.Status.ObservedGeneration != p.Generation || p.Status.Revision == "" {
				return false, "Pipeline " + p.Name + " is not settled", nil
			}
			versions["Pipeline/"+p.Name] = p.ResourceVersion
		}
		for _, trigger := range triggers.Items {
			if trigger.Status.ObservedGeneration != trigger.Generation || trigger.Status.WebhookPath == "" {
				return false, "Trigger " + trigger.Name + " is not settled", nil
			}
			versions["Trigger/"+trigger.Name] = trigger.ResourceVersion
		}
		return true, "", nil
	})
	return versions
}

// jsonnetPipeline is a file with a Pipeline whose job prints a word.
func jsonnetPipeline(name, word string) string {
	return fmt.Sprintf(`local ci = import 'kayci.libsonnet';
ci.pipeline('%s', jobs=[ci.job('say', ci.script('%s', 'echo %s'))])
`, name, busybox, word)
}
