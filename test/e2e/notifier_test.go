package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/notify"
	"github.com/kayci/kayci/test/cluster"
)

// receiver is the program that a notifier's address leads to.
type receiver struct {
	url string

	mu       sync.Mutex
	messages []notify.Message
	strange  error
}

// The address holds a credential that must come with each message.
const receiverPassword = "canary-notify-51d0aa"

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(shared.address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://kayci:" + receiverPassword + "@" + listener.Addr().String() + "/hook"
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var message notify.Message
	decoder := json.NewDecoder(http.MaxBytesReader(w, req.Body, 1<<20))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&message)
	if _, password, _ := req.BasicAuth(); err == nil && (password != receiverPassword || req.URL.Path != "/hook") {
		err = fmt.Errorf("%s %s with password %q", req.Method, req.URL.Path, password)
	}
	if err != nil {
		r.strange = errors.Join(r.strange, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.messages = append(r.messages, message)
}

// received returns what has come about a Run, in the order of the phases' names.
func (r *receiver) received(run string) ([]notify.Message, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	messages := slices.DeleteFunc(slices.Clone(r.messages), func(m notify.Message) bool { return m.Run != run })
	slices.SortStableFunc(messages, func(a, b notify.Message) int { return cmpPhases(a.Phase, b.Phase) })
	return messages, r.strange
}

func cmpPhases(a, b v1alpha1.RunPhase) int {
	order := []v1alpha1.RunPhase{v1alpha1.RunQueued, v1alpha1.RunRunning, v1alpha1.RunSucceeded, v1alpha1.RunFailed, v1alpha1.RunCancelled}
	return slices.Index(order, a) - slices.Index(order, b)
}

// tellingPipeline says all that there is to say to the Secret's address. All of
// it is admitted by the restricted Pod Security level.
func (s *space) tellingPipeline() string {
	return fmt.Sprintf(`local ci = import 'kayci.libsonnet';
local restricted = ci.pod({
  terminationGracePeriodSeconds: 3,
  securityContext: { runAsUser: 1000, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
}) + ci.eachContainer({ securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } });
ci.pipeline('telling', params=['title'], jobs=[
  ci.job('test', ci.script('%s', @'%s
test "${KAYCI_TITLE#good}" != "$KAYCI_TITLE"')) + restricted,
  ci.job('lint', ci.script('%s', 'true')) + restricted,
], notifiers=[ci.notifier.webhook('hook', 'address', on=['Running', 'Succeeded', 'Failed', 'Cancelled'])])
`, busybox, s.through("test"), busybox)
}

func (s *space) startTelling(t *testing.T, name, title string, cancelled bool) {
	t.Helper()
	s.create(t, &v1alpha1.Run{ObjectMeta: s.meta(name), Spec: v1alpha1.RunSpec{
		Pipeline: "telling", Params: map[string]string{"title": title}, Cancelled: cancelled,
	}})
}

// Each Run tells the receiver what becomes of it, by way of the library, the
// controller's own image and the Secret.
func TestNotifiersTell(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	ns := &corev1.Namespace{}
	if err := s.Client.Get(s.ctx, client.ObjectKey{Name: s.namespace}, ns); err != nil {
		t.Fatal(err)
	}
	metav1.SetMetaDataLabel(&ns.ObjectMeta, "pod-security.kubernetes.io/enforce", "restricted")
	if err := s.Client.Update(s.ctx, ns); err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t)
	s.create(t, s.secret("address", map[string]string{"url": r.url}))
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{"telling.jsonnet": s.tellingPipeline()})
	s.create(t, s.configRepo("telling", repository.URL))
	s.syncTo(t, "telling", commit)

	s.startTelling(t, "never", "none", true)
	s.awaitEnd(t, "never", v1alpha1.RunCancelled)
	s.startTelling(t, "stopped", "none", false)
	s.awaitArrival(t, "test")
	patch(t, s, &v1alpha1.Run{ObjectMeta: s.meta("stopped")}, func(run *v1alpha1.Run) { run.Spec.Cancelled = true })
	s.awaitEnd(t, "stopped", v1alpha1.RunCancelled)
	s.openGate("test")
	s.startTelling(t, "good", "good $(KAYCI_RUN)", false)
	s.awaitEnd(t, "good", v1alpha1.RunSucceeded)
	s.startTelling(t, "bad", "<!here> \"bad\"", false)
	s.awaitEnd(t, "bad", v1alpha1.RunFailed)

	s.expectTold(t, r, "never", 1, "none", told{v1alpha1.RunCancelled, ""})
	s.expectTold(t, r, "stopped", 2, "none", told{v1alpha1.RunRunning, ""}, told{v1alpha1.RunCancelled, ""})
	s.expectTold(t, r, "good", 3, "good $(KAYCI_RUN)", told{v1alpha1.RunRunning, ""}, told{v1alpha1.RunSucceeded, ""})
	s.expectTold(t, r, "bad", 4, "<!here> \"bad\"", told{v1alpha1.RunRunning, ""}, told{v1alpha1.RunFailed, "test"})
}

// told is a message as it is expected.
type told struct {
	phase  v1alpha1.RunPhase
	failed string
}

// expectTold waits until as many messages about the Run have come, and compares
// them with what is expected and with what the Run says itself.
func (s *space) expectTold(t *testing.T, r *receiver, name string, number int64, title string, want ...told) {
	t.Helper()
	var got []notify.Message
	s.await(t, fmt.Sprintf("%d messages about Run %s", len(want), name), func(context.Context) (bool, string, error) {
		var err error
		got, err = r.received(name)
		return len(got) >= len(want), fmt.Sprintf("%d have come", len(got)), err
	})
	run := &v1alpha1.Run{}
	s.get(t, name, run)
	var messages []notify.Message
	var status []v1alpha1.NotifierStatus
	for _, one := range want {
		m := notify.Message{
			Title: fmt.Sprintf("telling #%d %s", number, one.phase), Run: name, Pipeline: "telling", Namespace: s.namespace, Number: number,
			Phase: one.phase, FailedJobs: []string{}, Params: map[string]string{"title": title},
		}
		if one.failed != "" {
			m.FailedJobs = []string{one.failed}
		}
		if one.phase == run.Status.Phase {
			m.Message = run.Status.Conditions[0].Message
		}
		messages = append(messages, m)
		status = append(status, v1alpha1.NotifierStatus{Name: "hook", Phase: one.phase, Job: (&v1alpha1.Notifier{Name: name + "-hook"}).JobName(one.phase)})
	}
	for i := range got {
		if got[i].Phase == v1alpha1.RunRunning {
			// What runs at that moment is a matter of timing.
			got[i].Message = ""
		}
	}
	if diff := cmp.Diff(messages, got); diff != "" {
		t.Errorf("messages about Run %s (-want +got):\n%s", name, diff)
	}
	if diff := cmp.Diff(status, run.Status.Notifiers); diff != "" {
		t.Errorf("notifiers of Run %s (-want +got):\n%s", name, diff)
	}
}

// A notifier that fails is shown, and changes nothing else of its Run.
func TestNotifierFailsAlone(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	p := s.pipeline("quick", script("quick", "true"))
	failing := script("", `echo "$KAYCI_RUN_PHASE"; exit 3`).Template
	refused := script("", "true").Template
	refused.Spec.Template.Spec.Containers[0].Image = ""
	p.Spec.Notifiers = []v1alpha1.Notifier{
		{Name: "failing", Phases: []v1alpha1.RunPhase{"Succeeded"}, Template: failing},
		{Name: "refused", Phases: []v1alpha1.RunPhase{"Succeeded"}, Template: refused},
	}
	s.create(t, p)
	s.start(t, "f", "quick")
	ended := s.awaitEnd(t, "f", v1alpha1.RunSucceeded)
	run := &v1alpha1.Run{}
	s.await(t, "the notifier's failure in the Run's status", func(ctx context.Context) (bool, string, error) {
		if err := s.Client.Get(ctx, s.key("f"), run); err != nil {
			return false, "", cluster.Retry(err)
		}
		return run.Status.Notifiers[0].Reason != "", fmt.Sprintf("%+v", run.Status.Notifiers), nil
	})
	want := []v1alpha1.NotifierStatus{
		{Name: "failing", Phase: "Succeeded", Job: "f-failing-succeeded", Reason: "Error", Message: "container main exited with code 3"},
		{Name: "refused", Phase: "Succeeded", Reason: "Rejected"},
	}
	if text := run.Status.Notifiers[1].Message; !strings.Contains(text, "image: Required value") {
		t.Errorf("the refusal says %q", text)
	}
	run.Status.Notifiers[1].Message = ""
	if diff := cmp.Diff(want, run.Status.Notifiers); diff != "" {
		t.Errorf("notifiers (-want +got):\n%s", diff)
	}
	ended.Status.Notifiers, run.Status.Notifiers = nil, nil
	// The store has its own say.
	meta.RemoveStatusCondition(&run.Status.Conditions, v1alpha1.StoredCondition)
	meta.RemoveStatusCondition(&ended.Status.Conditions, v1alpha1.StoredCondition)
	if diff := cmp.Diff(ended.Status, run.Status); diff != "" {
		t.Errorf("the notifier changed its Run (-before +after):\n%s", diff)
	}
	s.await(t, "events of both notifiers", func(ctx context.Context) (bool, string, error) {
		events, err := s.Clientset.EventsV1().Events(s.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=NotifierFailed"})
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		return len(events.Items) == 2, fmt.Sprintf("%d events", len(events.Items)), nil
	})
	var job batchv1.Job
	s.get(t, "f-failing-succeeded", &job)
	if job.Labels[v1alpha1.JobLabel] != "" || job.Labels[v1alpha1.NotifierLabel] != "failing" {
		t.Errorf("labels %v", job.Labels)
	}
}
