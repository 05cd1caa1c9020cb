package api_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	stdsync "sync"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/configrepo"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/git"
)

// commits is a repository that is pushed to from a test.
type commits struct {
	mu      stdsync.Mutex
	commit  string
	objects []render.Object
	err     error
}

func (c *commits) push(commit string, err error, objects ...render.Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commit, c.err, c.objects = commit, err, objects
}

func (c *commits) Head(context.Context, git.Request) (git.Revision, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return git.Revision{Ref: "main", Commit: c.commit}, nil
}

func (*commits) Fetch(context.Context, git.Request, git.Revision) error { return nil }

func (*commits) Checkout(_ context.Context, _ git.Request, _ git.Revision, dir string) (left int, _ error) {
	return 0, os.WriteFile(filepath.Join(dir, "entry.json"), nil, 0o600)
}

func (c *commits) render(context.Context, render.Options) (render.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return render.Result{Objects: c.objects}, c.err
}

// repoSite is a namespace with a ConfigRepo named mine and a controller.
type repoSite struct {
	*applySite
	repository *commits
	requests   int
}

func newRepoSite(t *testing.T) *repoSite {
	t.Helper()
	cfg := serverConfig(t)
	plain := newClient(t, cfg)
	s := &repoSite{applySite: &applySite{Client: plain, namespace: newNamespace(t, plain)}, repository: &commits{}}
	s.writes = watchWrites(cfg)
	startManager(t, cfg, s.namespace, func(mgr ctrl.Manager) error {
		reconciler := &configrepo.Reconciler{
			Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(),
			Recorder: events.NewFakeRecorder(1000), Clock: clock.RealClock{},
			Fetcher: s.repository, Render: s.repository.render, StoragePath: t.TempDir(),
		}
		return reconciler.SetupWithManager(mgr, controller.Options{})
	})
	return s
}

func (s *repoSite) create(t *testing.T) {
	t.Helper()
	err := s.Create(t.Context(), &v1alpha1.ConfigRepo{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "mine"},
		Spec:       v1alpha1.ConfigRepoSpec{URL: "https://git.example.com/acme/pipelines.git"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// firstCommit is what every test begins with.
const firstCommit = "main@sha1:c1"

// request asks for a sync and waits until it has been reported.
func (s *repoSite) request(t *testing.T) *v1alpha1.ConfigRepo {
	t.Helper()
	s.requests++
	token := fmt.Sprint(s.requests)
	repo := s.repo(t.Context(), t)
	base := repo.DeepCopy()
	repo.Annotations = map[string]string{meta.ReconcileRequestAnnotation: token}
	if err := s.Patch(t.Context(), repo, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the requested sync", func(ctx context.Context) error {
		repo = s.repo(ctx, t)
		if got := repo.Status.LastHandledReconcileAt; got != token {
			return fmt.Errorf("the last handled request is %q, not %q; conditions: %+v", got, token, repo.Status.Conditions)
		}
		return nil
	})
	return repo
}

func (s *repoSite) repo(ctx context.Context, t *testing.T) *v1alpha1.ConfigRepo {
	t.Helper()
	var repo v1alpha1.ConfigRepo
	if err := s.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: "mine"}, &repo); err != nil {
		t.Fatal(err)
	}
	return &repo
}

func (s *repoSite) waitApplied(t *testing.T) {
	t.Helper()
	eventually(t, "apply "+firstCommit, func(ctx context.Context) error {
		repo := s.repo(ctx, t)
		if repo.Status.LastAppliedRevision != firstCommit || !conditions.IsReady(repo) {
			return fmt.Errorf("applied %q, conditions %+v", repo.Status.LastAppliedRevision, repo.Status.Conditions)
		}
		return nil
	})
}

func TestConfigRepoSyncsAndThenRests(t *testing.T) {
	s := newRepoSite(t)
	s.repository.push("c1", nil, s.pipeline("web", "test"), s.trigger("push", "web", nil))
	s.create(t)
	s.waitApplied(t)
	wantEqual(t, "writes of the first sync", []string{
		"PATCH configrepos/mine/status", "PATCH configrepos/mine/status",
		"PATCH pipelines/web", "PATCH triggers/push", "PATCH configrepos/mine/status",
	}, s.writes.take())

	s.request(t)
	wantEqual(t, "writes of an unchanged sync that was requested", []string{"PATCH configrepos/mine/status"}, s.writes.take())

	s.repository.push("c2", nil, s.pipeline("web", "test", "build"), s.trigger("push", "web", nil))
	s.request(t)
	wantEqual(t, "writes of a commit that changes one object", []string{
		"PATCH configrepos/mine/status", "PATCH pipelines/web", "PATCH configrepos/mine/status",
	}, s.writes.take())

	s.repository.push("c3", nil, s.pipeline("web", "test", "build"))
	s.request(t)
	wantEqual(t, "writes of a commit that removes one object", []string{
		"PATCH configrepos/mine/status", "DELETE triggers/push", "PATCH configrepos/mine/status",
	}, s.writes.take())
}

func TestConfigRepoPutsBackWhatIsChangedByHand(t *testing.T) {
	s := newRepoSite(t)
	s.repository.push("c1", nil, s.pipeline("web", "test"), s.trigger("push", "web", nil))
	s.create(t)
	s.waitApplied(t)
	want := s.getTrigger(t.Context(), t, "push")

	edited := want.DeepCopy()
	edited.Spec.Suspend = true
	edited.Spec.Webhook.Branches = []string{"main"}
	if err := s.Update(t.Context(), edited, client.FieldOwner("kubectl-edit")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "undo the edit", func(ctx context.Context) error {
		if got := s.getTrigger(ctx, t, "push"); got.Spec.Suspend || len(got.Spec.Webhook.Branches) > 0 {
			return fmt.Errorf("spec is %+v", got.Spec)
		}
		return nil
	})

	if err := s.Delete(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	eventually(t, "make the deleted Trigger again", func(ctx context.Context) error {
		return s.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: "push"}, &v1alpha1.Trigger{})
	})

	relabelled := s.getTrigger(t.Context(), t, "push")
	delete(relabelled.Labels, v1alpha1.ConfigRepoLabel)
	if err := s.Update(t.Context(), relabelled); err != nil {
		t.Fatal(err)
	}
	eventually(t, "label the Trigger again", func(ctx context.Context) error {
		if got := s.getTrigger(ctx, t, "push").Labels[v1alpha1.ConfigRepoLabel]; got != "mine" {
			return fmt.Errorf("the label is %q", got)
		}
		return nil
	})

	s.request(t)
	s.writes.take()
	s.request(t)
	wantEqual(t, "writes once all is back", []string{"PATCH configrepos/mine/status"}, s.writes.take())
}

// TestConfigRepoPutsBackWhatIsMadeAnewWhileSuspended replaces an object by force:
// the new one has the generation that the old one had.
func TestConfigRepoPutsBackWhatIsMadeAnewWhileSuspended(t *testing.T) {
	s := newRepoSite(t)
	s.repository.push("c1", nil, s.trigger("push", "web", nil))
	s.create(t)
	s.waitApplied(t)
	s.suspend(t, true)

	old := s.getTrigger(t.Context(), t, "push")
	other := &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Namespace: old.Namespace, Name: old.Name, Labels: old.Labels}, Spec: old.Spec}
	other.Spec.Webhook.Branches = []string{"other"}
	if err := s.Delete(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "generation", old.Generation, other.Generation)

	s.suspend(t, false)
	eventually(t, "undo the replacement", func(ctx context.Context) error {
		if got := s.getTrigger(ctx, t, "push"); len(got.Spec.Webhook.Branches) > 0 {
			return fmt.Errorf("spec is %+v", got.Spec)
		}
		return nil
	})
}

func (s *repoSite) suspend(t *testing.T, suspend bool) {
	t.Helper()
	repo := s.repo(t.Context(), t)
	base := repo.DeepCopy()
	repo.Spec.Suspend = suspend
	if err := s.Patch(t.Context(), repo, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
}

func TestConfigRepoKeepsTheLastGoodState(t *testing.T) {
	s := newRepoSite(t)
	s.repository.push("c1", nil, s.pipeline("web", "test"), s.trigger("push", "web", nil))
	s.create(t)
	s.waitApplied(t)

	tests := []struct {
		commit, reason, message string
		err                     error
		objects                 []render.Object
	}{
		{
			commit: "syntax", reason: configrepo.ReasonRenderFailed, message: "web.jsonnet:3: expected a comma",
			err: render.Errors{{File: "web.jsonnet", Line: 3, Message: "expected a comma"}},
		},
		{commit: "empty", reason: configrepo.ReasonEmptyCommit, message: "renders no object"},
		{
			commit: "refused", reason: configrepo.ReasonApplyRefused, message: "web.jsonnet: Pipeline/web: ",
			objects: []render.Object{s.pipeline("web", "test", "test")},
		},
	}
	for _, test := range tests {
		s.repository.push(test.commit, test.err, test.objects...)
		repo := s.request(t)
		ready := conditions.Get(repo, meta.ReadyCondition)
		if ready == nil || ready.Status != metav1.ConditionFalse || ready.Reason != test.reason || !strings.Contains(ready.Message, test.message) {
			t.Errorf("%s: Ready is %+v, want False with %s: %s", test.commit, ready, test.reason, test.message)
		}
		if !conditions.IsStalled(repo) {
			t.Errorf("%s: not Stalled", test.commit)
		}
		wantEqual(t, test.commit+": applied revision", firstCommit, repo.Status.LastAppliedRevision)
		wantEqual(t, test.commit+": attempted revision", "main@sha1:"+test.commit, repo.Status.LastAttemptedRevision)
		s.getTrigger(t.Context(), t, "push")
		s.writes.take()
		s.request(t)
		wantEqual(t, test.commit+": writes of a repetition", []string{"PATCH configrepos/mine/status"}, s.writes.take())
	}
	s.repository.push("c2", nil, s.pipeline("web", "test"))
	repo := s.request(t)
	if !conditions.IsReady(repo) || conditions.IsStalled(repo) {
		t.Errorf("after a good commit: %+v", repo.Status.Conditions)
	}
}

func TestDeletedConfigRepoLeavesItsObjects(t *testing.T) {
	s := newRepoSite(t)
	s.repository.push("c1", nil, s.trigger("push", "web", nil))
	s.create(t)
	s.waitApplied(t)
	if err := s.Delete(t.Context(), s.repo(t.Context(), t)); err != nil {
		t.Fatal(err)
	}
	err := s.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "mine"}, &v1alpha1.ConfigRepo{})
	if !apierrors.IsNotFound(err) {
		t.Fatalf("the deleted ConfigRepo: got %v, want NotFound: it must not wait for a finalizer", err)
	}
	s.writes.take()

	// One of the same name takes over, and needs to change nothing.
	s.create(t)
	s.waitApplied(t)
	for _, write := range s.writes.take() {
		if strings.HasPrefix(write, "DELETE") {
			t.Errorf("unwanted write: %s", write)
		}
	}
}
