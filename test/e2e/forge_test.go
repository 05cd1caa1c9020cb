package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/gitclone"
	"github.com/kayci/kayci/test/gitea"
)

// giteaPassword must not appear in any text.
const giteaPassword = "canary-gitea-5e0c97"

// sharedGitea is the Gitea of all tests that don't stop it. The first one that needs
// it starts it.
type sharedGitea struct {
	once   sync.Once
	dir    string
	server *gitea.Server
	err    error
}

func (g *sharedGitea) start(ctx context.Context) (*gitea.Server, error) {
	g.once.Do(func() {
		if g.dir, g.err = os.MkdirTemp("", "kayci-e2e-"); g.err == nil {
			g.server, g.err = startGitea(ctx, g.dir)
		}
	})
	return g.server, g.err
}

func (g *sharedGitea) stop() error {
	if g.server == nil {
		return os.RemoveAll(g.dir)
	}
	return errors.Join(g.server.Stop(), os.RemoveAll(g.dir))
}

func startGitea(ctx context.Context, dir string) (*gitea.Server, error) {
	source, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	program, err := gitea.Build(ctx, source, os.Stderr)
	if err != nil {
		return nil, err
	}
	return gitea.Start(ctx, gitea.Options{Program: program, Dir: dir, Host: shared.address})
}

// forge is what a test has at a Gitea: ada, her repository of code, and her config
// repository.
type forge struct {
	*space

	server       *gitea.Server
	ada          *gitea.Client
	code, config string
	clone        *gitclone.Clone
	// hooks is where Gitea reaches KayCI, and hook the webhook of the code.
	hooks string
	hook  int64
}

// newForge is at the Gitea that tests share.
func newForge(t *testing.T) *forge {
	t.Helper()
	s := newSpace(t)
	server, err := shared.gitea.start(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s.forgeAt(t, server)
}

// newForgeAlone is at a Gitea of the test's own, which it may stop.
func newForgeAlone(t *testing.T) *forge {
	t.Helper()
	s := newSpace(t)
	server, err := startGitea(s.ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s.forgeAt(t, server)
}

func (s *space) forgeAt(t *testing.T, server *gitea.Server) *forge {
	t.Helper()
	f := &forge{space: s, server: server, hooks: shared.hooks}
	t.Cleanup(func() { f.explain(t) })
	f.ada = f.user(t, "ada")
	f.code, f.config = f.ada.Username()+"/web", f.ada.Username()+"/pipelines"
	for _, repository := range []string{f.code, f.config} {
		f.must(t, f.ada.CreateRepository(f.ctx, repository, false))
	}
	f.clone = f.cloneOf(t, f.ada, f.code)
	return f
}

// explain prints what Gitea knows that explains a failure.
func (f *forge) explain(t *testing.T) {
	t.Helper()
	if !t.Failed() || f.hook == 0 {
		return
	}
	deliveries, err := f.ada.Deliveries(context.WithoutCancel(f.ctx), f.code, f.hook)
	t.Logf("Gitea's deliveries, the latest first: %+v, %v", deliveries, err)
	log, err := os.ReadFile(f.server.Log())
	t.Logf("Gitea's log: %v\n%s", err, log)
}

// user makes one whose name no other test has.
func (f *forge) user(t *testing.T, name string) *gitea.Client {
	t.Helper()
	user, err := f.server.Admin().CreateUser(f.ctx, strings.Replace(f.namespace, "e2e", name, 1), giteaPassword)
	f.must(t, err)
	return user
}

func (f *forge) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *forge) cloneOf(t *testing.T, as *gitea.Client, repository string) *gitclone.Clone {
	t.Helper()
	clone, err := as.Clone(f.ctx, repository, filepath.Join(t.TempDir(), "clone"), "main")
	f.must(t, err)
	return clone
}

// commit pushes a change of one file to the clone's branch.
func (f *forge) commit(t *testing.T, clone *gitclone.Clone, file, content string) string {
	t.Helper()
	f.must(t, clone.Write(map[string]string{file: content}))
	commit, err := clone.Push(f.ctx, "Change "+file)
	f.must(t, err)
	return commit
}

// rendered is what the config repository holds: a Pipeline whose one job runs a
// script, and the Trigger that starts it on the events and reports.
func (f *forge) rendered(script string, events ...v1alpha1.EventKind) string {
	return fmt.Sprintf(`local ci = import 'kayci.libsonnet';
[
  ci.pipeline('web', params=['git_sha'], jobs=[ci.job('say', ci.script('%s', %q)) + ci.pod({ terminationGracePeriodSeconds: 3 })]),
  ci.trigger.gitea('web', 'web', secret='hook', events=std.split('%s', ' '), params={ git_sha: 'event.sha' })
  + ci.report('gitea', api='%s/api/v1', url='https://ci.example.com/{namespace}/{run}'),
]
`, busybox, script, strings.Trim(fmt.Sprint(events), "[]"), f.server.URL)
}

// follow has KayCI follow the config repository, and Gitea tell of its pushes and of
// what happens to the code.
func (f *forge) follow(t *testing.T, script string, events ...v1alpha1.EventKind) {
	t.Helper()
	token, err := f.ada.CreateToken(f.ctx, "kayci", "write:repository", "write:issue", "read:user")
	f.must(t, err)
	f.commit(t, f.cloneOf(t, f.ada, f.config), "web.jsonnet", f.rendered(script, events...))
	repo := f.configRepo("pipelines", f.ada.CloneURL(f.config))
	repo.Spec.Webhook = &v1alpha1.ConfigRepoWebhook{Provider: v1alpha1.ProviderGitea, SecretRef: meta.LocalObjectReference{Name: "hook"}}
	f.create(t, f.secret("gitea", map[string]string{"token": token}), repo)
	f.await(t, "ConfigRepo pipelines", func(ctx context.Context) (bool, string, error) {
		if err := f.Client.Get(ctx, f.key(repo.Name), repo); err != nil {
			return false, "", cluster.Retry(err)
		}
		return apimeta.IsStatusConditionTrue(repo.Status.Conditions, meta.ReadyCondition) && repo.Status.WebhookPath != "", fmt.Sprint(repo.Status), nil
	})
	f.must(t, f.AwaitWebhook(f.ctx, cluster.NewProgress(t.Output()), repo.Status.WebhookPath, hookToken))
	f.tell(t, f.config, repo.Status.WebhookPath, "push")
	f.hook = f.tell(t, f.code, f.awaitTrigger(t, "web"), "push", "pull_request", "pull_request_comment", "pull_request_label", "pull_request_sync")
}

// tell has Gitea deliver a repository's events to a path of KayCI's.
func (f *forge) tell(t *testing.T, repository, path string, events ...string) (hook int64) {
	t.Helper()
	hook, err := f.ada.CreateWebhook(f.ctx, repository, gitea.Webhook{URL: f.hooks + path, Secret: hookToken, Events: events})
	f.must(t, err)
	return hook
}

// awaitRun waits for the one Run that an event of a ref has started for a commit, apart
// from those that retry it.
func (f *forge) awaitRun(t *testing.T, ref, commit string) *v1alpha1.Run {
	t.Helper()
	return f.awaitOne(t, "Run of "+commit, func(run *v1alpha1.Run) bool {
		origin := run.Spec.Origin
		return origin != nil && origin.Ref == ref && origin.SHA == commit && run.Spec.RetryOf == ""
	})
}

// awaitOne waits for the one Run that is meant. More than one fails the test.
func (f *forge) awaitOne(t *testing.T, what string, meant func(*v1alpha1.Run) bool) *v1alpha1.Run {
	t.Helper()
	var found []*v1alpha1.Run
	f.await(t, "the "+what, func(ctx context.Context) (bool, string, error) {
		var list v1alpha1.RunList
		if err := f.Client.List(ctx, &list, client.InNamespace(f.namespace)); err != nil {
			return false, "", cluster.Retry(err)
		}
		found = nil
		for i := range list.Items {
			if meant(&list.Items[i]) {
				found = append(found, &list.Items[i])
			}
		}
		if len(found) > 1 {
			return false, "", fmt.Errorf("there are %d: %+v", len(found), found)
		}
		return len(found) == 1, fmt.Sprintf("none among %d Runs", len(list.Items)), nil
	})
	return found[0]
}

// awaitStatus waits for what Gitea shows at a commit.
func (f *forge) awaitStatus(t *testing.T, commit string, want gitea.Status) {
	t.Helper()
	f.await(t, "the status of "+commit, func(ctx context.Context) (bool, string, error) {
		_, latest, err := f.ada.CombinedStatus(ctx, f.code, commit)
		if err != nil {
			return false, "", err
		}
		return cmp.Equal([]gitea.Status{want}, latest), fmt.Sprintf("%+v, want %+v", latest, want), nil
	})
}

// running is what stands at the commit of a Run whose job runs.
func (f *forge) running(run *v1alpha1.Run) gitea.Status {
	return f.status(run, "pending", "0 of 1 jobs ended; running: say")
}

// ended is what stands at the commit of a Run that has ended.
func (f *forge) ended(run *v1alpha1.Run, state string) gitea.Status {
	return f.status(run, state, apimeta.FindStatusCondition(run.Status.Conditions, v1alpha1.SucceededCondition).Message)
}

func (f *forge) status(run *v1alpha1.Run, state, description string) gitea.Status {
	return gitea.Status{
		Context: "kayci/web", State: state, Description: description,
		TargetURL: "https://ci.example.com/" + f.namespace + "/" + run.Name,
	}
}

// expectRuns fails the test unless there are so many Runs, apart from those of commits that
// were pushed before Gitea was to tell of pushes: a busy Gitea may tell of these still.
func (f *forge) expectRuns(t *testing.T, want int, before ...string) {
	t.Helper()
	var runs v1alpha1.RunList
	err := f.Client.List(f.ctx, &runs, client.InNamespace(f.namespace))
	var names []string
	for i := range runs.Items {
		if origin := runs.Items[i].Spec.Origin; origin == nil || !slices.Contains(before, origin.SHA) {
			names = append(names, runs.Items[i].Name)
		}
	}
	if err != nil || len(names) != want {
		t.Errorf("Runs: %v, %v; want %d", names, err, want)
	}
}
