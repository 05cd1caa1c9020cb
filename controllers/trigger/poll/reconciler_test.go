package poll

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/remote"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/source"
	"github.com/kayci/kayci/sync/git"
	"github.com/kayci/kayci/test/copies"
)

// world is a fake API server, a git server and one replica.
type world struct {
	client.Client
	t     *testing.T
	clock *clocktesting.FakePassiveClock
	told  *events.FakeRecorder
	poll  *Reconciler

	// heads are the git server's, and broken is its answer if it isn't nil.
	heads  map[string]string
	broken error
	// asked are the URLs of the looks, and seen is the request of the last one.
	asked []string
	seen  git.Request
	// failStatus fails the next write of a status.
	failStatus error
	woken      []string
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: clocktesting.NewFakePassiveClock(time.Unix(1e9, 0)), told: events.NewFakeRecorder(10)}
	w.heads = map[string]string{"refs/heads/main": "1"}
	w.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).WithStatusSubresource(&v1alpha1.Trigger{}).
		WithInterceptorFuncs(interceptor.Funcs{
			SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
				if err := w.failStatus; err != nil {
					w.failStatus = nil
					return err
				}
				return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
			},
		}).Build()
	w.restart()
	return w
}

// restart has a new replica take over.
func (w *world) restart() {
	w.poll = &Reconciler{
		Client: w, APIReader: w, Recorder: w.told, Clock: w.clock, StoragePath: w.t.TempDir(),
		Launcher: &source.Launcher{Client: w, Starter: &start.Starter{Client: w, APIReader: w}},
		List: func(_ context.Context, req git.Request) (git.References, error) {
			w.asked, w.seen = append(w.asked, req.URL), req
			return git.References{Default: "refs/heads/main", Commits: maps.Clone(w.heads)}, w.broken
		},
	}
	w.poll.prepare(func(name types.NamespacedName) { w.woken = append(w.woken, name.Name) }, func(d time.Duration) time.Duration { return d })
}

func (w *world) reconcile(name string) (time.Duration, error) {
	w.t.Helper()
	result, err := w.poll.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "ci", Name: name}})
	w.poll.looks.running.Wait()
	return result.RequeueAfter, err
}

// after has time pass, the Trigger looked at, and what the look has found taken up.
func (w *world) after(d time.Duration, name string) time.Duration {
	w.t.Helper()
	w.clock.SetTime(w.clock.Now().Add(d))
	var next time.Duration
	for range 2 {
		var err error
		if next, err = w.reconcile(name); err != nil {
			w.t.Fatal(err)
		}
	}
	return next
}

func (w *world) trigger(name string) *v1alpha1.Trigger {
	w.t.Helper()
	var trigger v1alpha1.Trigger
	if err := w.Get(w.t.Context(), client.ObjectKey{Namespace: "ci", Name: name}, &trigger); err != nil {
		w.t.Fatal(err)
	}
	return &trigger
}

func (w *world) edit(name string, change func(*v1alpha1.TriggerSpec)) {
	w.t.Helper()
	trigger := w.trigger(name)
	change(&trigger.Spec)
	if err := w.Update(w.t.Context(), trigger); err != nil {
		w.t.Fatal(err)
	}
}

// wantRuns compares the deliveries of the Runs.
func (w *world) wantRuns(want ...string) {
	w.t.Helper()
	var runs v1alpha1.RunList
	if err := w.List(w.t.Context(), &runs); err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for i := range runs.Items {
		got = append(got, runs.Items[i].Spec.Origin.Delivery)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("Runs -want +got:\n%s", diff)
	}
}

func web() *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web", UID: "web-uid"},
		Spec:       v1alpha1.PipelineSpec{Params: []v1alpha1.Param{{Name: "sha"}, {Name: "from"}}, Jobs: []v1alpha1.Job{{Name: "test"}}},
	}
}

const address = "https://git.example.com/acme/web.git"

func polling(name string, edits ...func(*v1alpha1.TriggerSpec)) *v1alpha1.Trigger {
	trigger := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name},
		Spec: v1alpha1.TriggerSpec{
			Pipeline: "web", Poll: &v1alpha1.Poll{URL: address},
			Params: map[string]string{"sha": "event.sha", "from": "event.repository + ' ' + event.branch + event.tag + ' ' + event.before + string(event.created)"},
		},
	}
	for _, edit := range edits {
		edit(&trigger.Spec)
	}
	return trigger
}

func everything(s *v1alpha1.TriggerSpec) {
	s.Poll.Branches, s.Poll.Tags = []string{"*"}, []string{"*"}
}

func TestWhatMovesStartsOneRun(t *testing.T) {
	w := newWorld(t, web(), polling("main", everything))
	if next := w.after(0, "main"); next != time.Minute {
		t.Errorf("looks again after %s", next)
	}
	w.wantRuns()
	w.heads = map[string]string{"refs/heads/main": "2", "refs/tags/v1": "2"}
	w.after(time.Second, "main")
	w.wantRuns()
	for range 2 {
		w.after(time.Minute, "main")
		w.wantRuns("refs/heads/main@2", "refs/tags/v1@2")
	}
	if len(w.asked) != 3 {
		t.Errorf("%d looks", len(w.asked))
	}
	var run v1alpha1.Run
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: start.RunName("main", "refs/heads/main@2")}, &run); err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.RunSpec{
		Pipeline: "web", Revision: run.Spec.Revision,
		Params: map[string]string{"sha": "2", "from": "acme/web main 1false"},
		Origin: &v1alpha1.Origin{Trigger: "main", Delivery: "refs/heads/main@2", Repository: "acme/web", SHA: "2", Ref: "refs/heads/main", Branch: "main"},
	}
	if diff := cmp.Diff(want, run.Spec); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	known := &v1alpha1.PollStatus{URL: address, Branches: []string{"*"}, Tags: []string{"*"}, Heads: refs("refs/heads/main", "2", "refs/tags/v1", "2")}
	if diff := cmp.Diff(known, w.trigger("main").Status.Poll); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What moves while KayCI is down starts a Run afterwards, and a crash between Run and
// record no second one.
func TestRestarts(t *testing.T) {
	w := newWorld(t, web(), polling("main"))
	w.after(0, "main")
	w.heads["refs/heads/main"] = "2"
	w.heads["refs/heads/main"] = "3"
	w.restart()
	if _, err := w.reconcile("main"); err != nil {
		t.Fatal(err)
	}
	w.failStatus = apierrors.NewTimeoutError("killed", 1)
	if _, err := w.reconcile("main"); !apierrors.IsTimeout(err) {
		t.Fatalf("the error is %v", err)
	}
	w.wantRuns("refs/heads/main@3")
	w.restart()
	w.after(0, "main")
	w.wantRuns("refs/heads/main@3")
}

func TestTriggersOfARepositoryShareALook(t *testing.T) {
	other := polling("other", func(s *v1alpha1.TriggerSpec) { s.Poll.URL = "https://git.example.com/acme/docs.git" })
	w := newWorld(t, web(), polling("main"), polling("all", everything), other)
	for _, name := range []string{"main", "all", "other"} {
		w.after(minGap, name)
	}
	if diff := cmp.Diff([]string{address, address, other.Spec.Poll.URL}, w.asked); diff != "" {
		t.Errorf("first looks -want +got:\n%s", diff)
	}
	w.heads, w.woken = map[string]string{"refs/heads/main": "2", "refs/heads/dev": "2"}, nil
	w.after(time.Minute, "main")
	slices.Sort(w.woken)
	if diff := cmp.Diff([]string{"all", "main"}, w.woken); diff != "" {
		t.Errorf("woken -want +got:\n%s", diff)
	}
	w.after(0, "all")
	w.wantRuns("refs/heads/dev@2", "refs/heads/main@2", "refs/heads/main@2")
	if len(w.asked) != 4 {
		t.Errorf("%d looks", len(w.asked))
	}
}

func TestFailingLooksBackOff(t *testing.T) {
	_, invalid := git.List(t.Context(), git.Request{URL: "file:///x", Store: t.TempDir() + "/store"})
	for name, tt := range map[string]struct {
		err      error
		interval time.Duration
		// want in minutes.
		want []time.Duration
	}{
		"a host that is down":        {errors.New("no answer"), time.Minute, []time.Duration{2, 4, 8, 10, 10}},
		"looked at seldom":           {errors.New("no answer"), time.Hour, []time.Duration{60, 60, 60, 60, 60}},
		"what a person ends":         {invalid, time.Minute, []time.Duration{2, 4, 5, 5, 5}},
		"a person, looked at seldom": {invalid, time.Hour, []time.Duration{5, 5, 5, 5, 5}},
		"a missing Secret":           {&remote.MissingSecretError{Name: "git"}, 30 * time.Minute, []time.Duration{5, 5, 5, 5, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, web(), polling("main", func(s *v1alpha1.TriggerSpec) { s.Poll.Interval = &metav1.Duration{Duration: tt.interval} }))
			w.after(0, "main")
			w.broken = tt.err
			var waits []time.Duration
			next := tt.interval
			for range 5 {
				next = w.after(next, "main")
				waits = append(waits, next/time.Minute)
			}
			if diff := cmp.Diff(tt.want, waits); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFailingLooksAreTold(t *testing.T) {
	w := newWorld(t, web(), polling("main"))
	w.after(0, "main")
	_, w.broken = git.List(t.Context(), git.Request{URL: "file:///x", Store: t.TempDir() + "/store"})
	next := w.after(time.Minute, "main")
	failed := &v1alpha1.PollStatus{URL: address, Heads: refs("refs/heads/main", "1"), Failure: &v1alpha1.PollFailure{
		Reason: "InvalidURL", Message: "the repository's URL must begin with https://, http://, ssh:// or git://",
	}}
	if diff := cmp.Diff(failed, w.trigger("main").Status.Poll); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	w.broken, w.heads["refs/heads/main"] = nil, "2"
	if next := w.after(next, "main"); next != time.Minute {
		t.Errorf("looks again after %s", next)
	}
	w.wantRuns("refs/heads/main@2")
	if failure := w.trigger("main").Status.Poll.Failure; failure != nil {
		t.Errorf("still says %v", failure)
	}
}

func TestSecrets(t *testing.T) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "git"}, Data: map[string][]byte{"bearerToken": []byte("canary")}}
	w := newWorld(t, web(), polling("main", func(s *v1alpha1.TriggerSpec) { s.Poll.SecretRef = &meta.LocalObjectReference{Name: "git"} }))
	w.after(0, "main")
	want := &v1alpha1.PollStatus{Failure: &v1alpha1.PollFailure{Reason: "SecretNotFound", Message: `there is no Secret "git" in this namespace`}}
	if diff := cmp.Diff(want, w.trigger("main").Status.Poll); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := w.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.after(2*time.Minute, "main")
	if diff := cmp.Diff(secret.Data, w.seen.Auth); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if known := w.trigger("main").Status.Poll; known.Failure != nil || known.URL != address {
		t.Errorf("knows %+v", known)
	}
}

func TestWhatCantBeStartedIsTriedAgain(t *testing.T) {
	w := newWorld(t, polling("main"))
	w.after(0, "main")
	w.heads["refs/heads/main"] = "2"
	if next := w.after(time.Minute, "main"); next != retry {
		t.Errorf("looks again after %s", next)
	}
	const blocked = "Warning CannotStart no Run for 2 of refs/heads/main, which is tried again: " +
		"Pipeline web does not exist in this namespace: create it, or correct spec.pipeline"
	if got := <-w.told.Events; got != blocked {
		t.Errorf("told %q", got)
	}
	if err := w.Create(t.Context(), web()); err != nil {
		t.Fatal(err)
	}
	w.after(time.Second, "main")
	w.wantRuns("refs/heads/main@2")
}

func TestNothingIsStartedForWhatMovedWhileSuspended(t *testing.T) {
	w := newWorld(t, web(), polling("main"))
	w.after(0, "main")
	w.edit("main", func(s *v1alpha1.TriggerSpec) { s.Suspend = true })
	w.heads["refs/heads/main"] = "2"
	w.after(time.Hour, "main")
	if len(w.asked) != 1 || len(w.poll.looks.known) > 0 {
		t.Errorf("%d looks, and knows %v", len(w.asked), w.poll.looks.known)
	}
	w.edit("main", func(s *v1alpha1.TriggerSpec) { s.Suspend = false })
	w.after(0, "main")
	w.heads["refs/heads/main"] = "3"
	w.after(time.Minute, "main")
	w.wantRuns("refs/heads/main@3")
}

func TestOtherSourceForgets(t *testing.T) {
	w := newWorld(t, web(), polling("main"))
	w.after(0, "main")
	w.edit("main", func(s *v1alpha1.TriggerSpec) { s.Poll, s.Schedule = nil, &v1alpha1.Schedule{Cron: "@daily"} })
	w.after(0, "main")
	if known := w.trigger("main").Status.Poll; known != nil || len(w.poll.looks.of) > 0 {
		t.Errorf("knows %v and %v", known, w.poll.looks.of)
	}
}
