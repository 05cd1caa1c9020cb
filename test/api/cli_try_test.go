package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/author/trial"
)

// endRuns has the Runs of Pipelines that are tried end so, as no controller is there.
func (s *applySite) endRuns(t *testing.T, phase v1alpha1.RunPhase) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			var runs v1alpha1.RunList
			if err := s.List(ctx, &runs, client.InNamespace(s.namespace)); err != nil {
				return
			}
			for i := range runs.Items {
				run := &runs.Items[i]
				if run.Status.Phase == "" {
					run.Status.Phase = phase
					// Whether this write or the removal is first doesn't matter.
					_ = s.Status().Update(ctx, run)
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
}

// A trial leaves nothing behind, and is nobody's but who tries.
func TestTryLeavesNothing(t *testing.T) {
	s := newApplySite(t)
	web, push := s.pipeline("web", "test"), s.trigger("push", "web", nil)
	s.mustSync(t, web)
	kubeconfig := kubeconfigOf(t, serverConfig(t), s.namespace)
	before := s.versions(t)
	s.endRuns(t, v1alpha1.RunFailed)

	got := authorCommand(t, kubeconfig, "try", folderOf(t, web, push), "web")
	wantEqual(t, "the exit code", 1, got.Code)
	lines := strings.Split(got.Err, "\n")
	name := strings.TrimPrefix(lines[0], "web is tried as ")
	if !strings.HasPrefix(name, "web-try-") || len(name) > trial.MaxName {
		t.Errorf("it is tried as %q", name)
	}
	if !strings.HasSuffix(got.Err, "✕ Failed\n"+name+" is removed\n") {
		t.Errorf("said:\n%s", got.Err)
	}
	wantEqual(t, "what is stored", before, s.versions(t))

	for what, args := range map[string][]string{
		"no such Pipeline": {"wbe"},
		"no such param":    {"web", "git_sha=main"},
		"nobody's rights":  {"web", "--as=bob"},
	} {
		got := authorCommand(t, kubeconfig, append([]string{"try", folderOf(t, web)}, args...)...)
		if got.Code != 2 {
			t.Errorf("%s: %+v", what, got)
		}
	}
	wantEqual(t, "what is stored after what can't be tried", before, s.versions(t))
}

// A ConfigRepo leaves trials alone, and they leave each other alone.
func TestTryBesideAConfigRepo(t *testing.T) {
	s := newRepoSite(t)
	web := s.pipeline("web", "test")
	s.repository.push("c1", nil, web, s.pipeline("old", "test"))
	s.create(t)
	s.waitApplied(t)
	s.endRuns(t, v1alpha1.RunSucceeded)
	kubeconfig := kubeconfigOf(t, serverConfig(t), s.namespace)
	dir := folderOf(t, s.pipeline("web", "test", "lint"))

	for range 2 {
		got := authorCommand(t, kubeconfig, "try", dir, "web", "--configrepo=mine", "--keep")
		if got.Code != 0 || !strings.Contains(got.Err, "To remove it: kubectl delete pipelines.kayci.dev web-try-") {
			t.Errorf("got %+v", got)
		}
	}
	// The next commit prunes, and knows nothing of the trials.
	s.repository.push("c2", nil, web)
	s.request(t)
	eventually(t, "the pruning of what is gone", s.onlyTrials)
	for _, entry := range s.applySite.inventoryOf(t) {
		if strings.Contains(entry.Name, "try") {
			t.Errorf("the inventory has %+v", entry)
		}
	}
}

// onlyTrials says what there is beside the Pipeline web and two trials of it, or what
// is wrong with them.
func (s *applySite) onlyTrials(ctx context.Context) error {
	var pipelines v1alpha1.PipelineList
	if err := s.List(ctx, &pipelines, client.InNamespace(s.namespace)); err != nil {
		return err
	}
	var tries, others []string
	for i := range pipelines.Items {
		p := &pipelines.Items[i]
		if !strings.HasPrefix(p.Name, "web-try-") {
			others = append(others, p.Name)
			continue
		}
		tries = append(tries, p.Name)
		if diff := cmp.Diff(map[string]string{v1alpha1.TryLabel: "web"}, p.Labels); diff != "" || len(p.Spec.Jobs) != 2 {
			return fmt.Errorf("the trial is %+v", p)
		}
	}
	if len(tries) != 2 || !slices.Equal(others, []string{"web"}) {
		return fmt.Errorf("there are %v and %v", tries, others)
	}
	return nil
}

// inventoryOf the ConfigRepo named mine.
func (s *applySite) inventoryOf(t *testing.T) []v1alpha1.InventoryEntry {
	t.Helper()
	var repo v1alpha1.ConfigRepo
	if err := s.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "mine"}, &repo); err != nil {
		t.Fatal(err)
	}
	return repo.Status.Inventory.Entries
}
