package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger"
	"github.com/kayci/kayci/controllers/trigger/webhook"
	hook "github.com/kayci/kayci/test/webhook"
)

// hookToken authenticates the senders of these tests.
const hookToken = "0123456789abcdef"

// pushed is the commit of these tests' pushes.
const pushed = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"

// receiver is a webhook receiver and the controller of Triggers, over the API
// server.
type receiver struct {
	url       string
	client    client.Client
	namespace string
	writes    *writeLog
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	cfg := serverConfig(t)
	r := &receiver{client: newClient(t, cfg)}
	r.namespace = newNamespace(t, r.client)
	watched := rest.CopyConfig(cfg)
	r.writes = watchWrites(watched)
	startManager(t, watched, r.namespace, func(mgr ctrl.Manager) error {
		server, err := webhook.NewServer(webhook.Options{
			Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Clock: clock.RealClock{},
			Starter: &start.Starter{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader()},
			Log:     logr.Discard(), Metrics: prometheus.NewRegistry(), Namespaces: []string{r.namespace},
		})
		if err != nil {
			return err
		}
		listening := httptest.NewServer(server.Handler())
		t.Cleanup(listening.Close)
		r.url = listening.URL
		triggers := &trigger.Reconciler{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader()}
		return triggers.SetupWithManager(mgr, controller.Options{})
	})
	return r
}

// make creates a Pipeline, a Secret and a Trigger for pushes of main, and waits
// until the Trigger is ready.
func (r *receiver) make(t *testing.T) {
	t.Helper()
	p := graph(r.namespace, "test")
	p.Spec.Params = []v1alpha1.Param{{Name: "git_sha"}, {Name: "title"}}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "hook"},
		StringData: map[string]string{v1alpha1.TokenKey: hookToken},
	}
	trigger := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "web-push"},
		Spec: v1alpha1.TriggerSpec{
			Pipeline: "web",
			Params:   map[string]string{"git_sha": "event.sha", "title": "event.title"},
			Webhook: &v1alpha1.Webhook{
				Provider: v1alpha1.ProviderGitHub, SecretRef: meta.LocalObjectReference{Name: "hook"}, Branches: []string{"main"},
			},
		},
	}
	for _, object := range []client.Object{p, secret, trigger} {
		if err := r.client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the Trigger is ready", func(ctx context.Context) error {
		if err := r.client.Get(ctx, client.ObjectKeyFromObject(trigger), trigger); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(trigger.Status.Conditions, meta.ReadyCondition) {
			return fmt.Errorf("its status is %+v", trigger.Status)
		}
		return nil
	})
}

// push sends a signed push and returns the answer's status and body.
func (r *receiver) push(ctx context.Context, branch, id string) (int, hook.Decision, error) {
	delivery, err := hook.GitHub(hook.Push{
		Repository: "acme/web", CloneURL: "https://git.example.com/acme/web.git", Branch: branch,
		SHA: pushed, Message: "Fix $(reboot)\n\nIt was `broken`.",
	}, hookToken, id)
	if err != nil {
		return 0, hook.Decision{}, err
	}
	answer, err := delivery.Post(ctx, r.url+"/hooks/"+r.namespace+"/web-push")
	if err != nil {
		return 0, hook.Decision{}, err
	}
	decision, err := answer.Decision()
	return answer.Status, decision, err
}

// expect sends a push and compares the answer.
func (r *receiver) expect(t *testing.T, branch, id string, status int, result hook.Result) {
	t.Helper()
	result.Trigger = "web-push"
	got, decision, err := r.push(t.Context(), branch, id)
	if err != nil {
		t.Fatal(err)
	}
	want := hook.Decision{Delivery: id, Results: []hook.Result{result}}
	if diff := cmp.Diff(want, decision); diff != "" || got != status {
		t.Fatalf("status %d, want %d; -want +got:\n%s", got, status, diff)
	}
}

// TestDeliveriesAreStoredBeforeTheAnswer looks at the API server right after the
// answer, and counts what each kind of delivery writes.
func TestDeliveriesAreStoredBeforeTheAnswer(t *testing.T) {
	r := startReceiver(t)
	r.make(t)
	r.writes.take()
	name := start.RunName("web-push", "d1")

	r.expect(t, "main", "d1", http.StatusCreated, hook.Result{Outcome: "Created", Run: name, Reason: "branch main matches main"})
	var run v1alpha1.Run
	if err := r.client.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: name}, &run); err != nil {
		t.Fatal(err)
	}
	params := map[string]string{"git_sha": pushed, "title": "Fix $(reboot)"}
	if diff := cmp.Diff(params, run.Spec.Params); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"POST controllerrevisions", "POST runs"}, r.writes.take()); diff != "" {
		t.Errorf("writes of the first delivery, -want +got:\n%s", diff)
	}

	r.expect(t, "main", "d1", http.StatusOK, hook.Result{Outcome: "Exists", Run: name, Reason: "this delivery has started the Run before"})
	var runs v1alpha1.RunList
	if err := r.client.List(t.Context(), &runs, client.InNamespace(r.namespace)); err != nil || len(runs.Items) != 1 {
		t.Errorf("there are %d Runs (%v)", len(runs.Items), err)
	}
	r.writes.take()

	r.expect(t, "other", "d2", http.StatusOK, hook.Result{Outcome: "NotMatched", Reason: "branch other matches none of main"})
	if diff := cmp.Diff([]string{"POST events"}, r.writes.take()); diff != "" {
		t.Errorf("writes of a delivery that starts nothing, -want +got:\n%s", diff)
	}
	var events eventsv1.EventList
	if err := r.client.List(t.Context(), &events, client.InNamespace(r.namespace)); err != nil || len(events.Items) != 1 {
		t.Fatalf("there are %d events (%v)", len(events.Items), err)
	}
	recorded := events.Items[0]
	if want := "branch other matches none of main (delivery d2)"; recorded.Note != want || recorded.Reason != "NotMatched" {
		t.Errorf("the recorded decision is %s: %s", recorded.Reason, recorded.Note)
	}
}

// TestOneDeliveryAtOnceIsOneRun sends the same delivery many times at once, as
// it would reach several replicas.
func TestOneDeliveryAtOnceIsOneRun(t *testing.T) {
	r := startReceiver(t)
	r.make(t)
	const senders = 8
	outcomes := make(chan string, senders)
	for range senders {
		go func() {
			_, decision, err := r.push(t.Context(), "main", "d1")
			if err != nil || len(decision.Results) != 1 {
				outcomes <- fmt.Sprintf("%v %v", decision, err)
				return
			}
			outcomes <- decision.Results[0].Outcome
		}()
	}
	count := map[string]int{}
	for range senders {
		count[<-outcomes]++
	}
	if diff := cmp.Diff(map[string]int{"Created": 1, "Exists": senders - 1}, count); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestTriggerFollowsItsPipeline deletes the Pipeline of a ready Trigger.
func TestTriggerFollowsItsPipeline(t *testing.T) {
	r := startReceiver(t)
	r.make(t)
	if err := r.client.Delete(t.Context(), graph(r.namespace, "test")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the Trigger says that its Pipeline is gone", func(ctx context.Context) error {
		var trigger v1alpha1.Trigger
		if err := r.client.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: "web-push"}, &trigger); err != nil {
			return err
		}
		ready := apimeta.FindStatusCondition(trigger.Status.Conditions, meta.ReadyCondition)
		if ready == nil || ready.Reason != v1alpha1.ReasonPipelineNotFound {
			return fmt.Errorf("Ready is %+v", ready)
		}
		return nil
	})
	r.expect(t, "main", "d9", http.StatusUnprocessableEntity, hook.Result{Outcome: "Invalid", Reason: "Pipeline web does not exist in the Trigger's namespace"})
}
