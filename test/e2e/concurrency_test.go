package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// one lets one Run of the Pipeline run at a time.
func one(p *v1alpha1.Pipeline, policy v1alpha1.ConcurrencyPolicy) *v1alpha1.Pipeline {
	p.Spec.Concurrency = &v1alpha1.Concurrency{Key: "'main'", Policy: policy}
	return p
}

// awaitMessage waits for a Run's phase, reason and message.
func (s *space) awaitMessage(t *testing.T, name, want string) {
	t.Helper()
	s.await(t, fmt.Sprintf("Run %s to say %q", name, want), func(ctx context.Context) (bool, string, error) {
		run := &v1alpha1.Run{}
		if err := s.Client.Get(ctx, s.key(name), run); err != nil {
			return false, "", cluster.Retry(err)
		}
		if len(run.Status.Conditions) == 0 {
			return false, "nothing", nil
		}
		got := fmt.Sprintf("%s, %s: %s", run.Status.Phase, run.Status.Conditions[0].Reason, run.Status.Conditions[0].Message)
		return got == want, got, nil
	})
}

// worked returns when the container of each Run's one pod has run, in order.
func (s *space) worked(t *testing.T, runs []string) []corev1.ContainerStateTerminated {
	t.Helper()
	var times []corev1.ContainerStateTerminated
	for _, run := range runs {
		pods := s.pods(t, run)
		if len(pods) != 1 || pods[0].Status.ContainerStatuses[0].State.Terminated == nil {
			t.Fatalf("Run %s has %d pods, want one that has ended", run, len(pods))
		}
		times = append(times, *pods[0].Status.ContainerStatuses[0].State.Terminated)
	}
	slices.SortFunc(times, func(a, b corev1.ContainerStateTerminated) int { return a.StartedAt.Compare(b.StartedAt.Time) })
	return times
}

// Runs that webhooks at both replicas and a person start at the same time run
// one after the other, although the controller is killed while the first runs and
// the others wait. Not parallel: no other test can go on meanwhile.
func TestOneRunAtATime(t *testing.T) {
	s := newSpace(t)
	pipeline := one(s.pipeline("deploy", script("work", s.through("first")+"\nsleep 2")), v1alpha1.ConcurrencyQueue)
	s.create(t, pipeline, s.trigger("by-hand", "deploy", v1alpha1.ProviderGeneric))
	path := s.awaitTrigger(t, "by-hand")
	urls := s.replicas(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			answer, err := s.generic(t, nil).Post(s.ctx, urls[i%len(urls)]+path)
			if err != nil || answer.Status != http.StatusCreated {
				t.Errorf("answer %d %s: %v", answer.Status, answer.Body, err)
			}
		})
		if i < 2 {
			all.Go(func() { s.start(t, fmt.Sprintf("own-%d", i), "deploy") })
		}
	}
	all.Wait()
	s.awaitArrival(t, "first")
	s.killProcesses(t)
	s.awaitQueue(t, 5)
	if n := s.arrivals("first"); n != 1 {
		t.Errorf("%d Runs run, want 1", n)
	}
	s.openGate("first")
	s.awaitQueue(t, 0)

	runs, err := s.names(s.ctx, &v1alpha1.RunList{})
	if err != nil || len(runs) != 6 {
		t.Fatalf("Runs %v, %v; want 6", runs, err)
	}
	for _, run := range runs {
		s.awaitEnd(t, run, v1alpha1.RunSucceeded)
	}
	times := s.worked(t, runs)
	for i := range times[1:] {
		if before, then := times[i], times[i+1]; then.StartedAt.Before(&before.FinishedAt) {
			t.Errorf("one started at %s, before the end of another at %s", then.StartedAt, before.FinishedAt)
		}
	}
	if err := s.AwaitRollout(s.ctx); err != nil {
		t.Fatal(err)
	}
}

// awaitQueue waits until at most so many Runs wait, at positions that follow each
// other.
func (s *space) awaitQueue(t *testing.T, most int) {
	t.Helper()
	s.await(t, fmt.Sprintf("at most %d Runs in the queue", most), func(ctx context.Context) (bool, string, error) {
		var runs v1alpha1.RunList
		if err := s.Client.List(ctx, &runs, client.InNamespace(s.namespace)); err != nil {
			return false, "", cluster.Retry(err)
		}
		var got, want []int32
		for i := range runs.Items {
			switch place := runs.Items[i].Status.Concurrency; {
			case place == nil:
				return false, "one has not been looked at", nil
			case place.Position > 0:
				got, want = append(got, place.Position), append(want, int32(len(want)+1))
			}
		}
		slices.Sort(got)
		return len(got) <= most && slices.Equal(want, got), fmt.Sprint("positions ", got), nil
	})
}

// A Run that is deleted while its pod runs has its place until that has ended,
// however long it takes to stop.
func TestADeletedRunHoldsItsPlace(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	stubborn := script("deploy", `[ "$KAYCI_RUN" = one ] || exit 0
stop() {
`+s.through("stopping")+`
exit 0
}
trap stop TERM
`+s.through("runs")+`
sleep 3600 & wait`)
	stubborn.Template.Spec.Template.Spec.TerminationGracePeriodSeconds = new(int64(300))
	s.create(t, one(s.pipeline("deploy", stubborn), v1alpha1.ConcurrencyQueue))
	s.start(t, "one", "deploy")
	s.openGate("runs")
	s.awaitArrival(t, "runs")
	s.start(t, "two", "deploy")
	s.awaitMessage(t, "two", `Queued, Queued: position 1 of key "main"; waits for one`)
	if err := s.Client.Delete(s.ctx, &v1alpha1.Run{ObjectMeta: s.meta("one")}); err != nil {
		t.Fatal(err)
	}
	s.awaitArrival(t, "stopping")
	s.awaitGone(t, "its Jobs", &batchv1.JobList{}, client.MatchingLabels{v1alpha1.RunLabel: "one"})
	s.awaitMessage(t, "two", `Queued, Queued: position 1 of key "main"; waits for the pods of deleted run one`)
	if pods := s.pods(t, "one"); len(pods) != 1 {
		t.Errorf("the deleted Run has %d pods, want the one that stops", len(pods))
	}
	s.openGate("stopping")
	s.awaitEnd(t, "two", v1alpha1.RunSucceeded)
	if pods := s.pods(t, "one"); len(pods) > 0 && pods[0].Status.Phase != corev1.PodSucceeded {
		t.Errorf("the other Run has run beside pod %s, which is %s", pods[0].Name, pods[0].Status.Phase)
	}
}

// Runs of two Pipelines that share a lock run one after the other.
func TestPipelinesOfAGroupTakeTurns(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	web, app := s.pipeline("web", script("work", s.through("first"))), s.pipeline("app", script("work", "true"))
	web.Spec.Concurrency = &v1alpha1.Concurrency{Group: "production"}
	app.Spec.Concurrency = web.Spec.Concurrency
	s.create(t, web, app)
	s.start(t, "one", "web")
	s.awaitArrival(t, "first")
	s.start(t, "two", "app")
	s.awaitMessage(t, "two", "Queued, Queued: position 1 of group production; waits for one of pipeline web")
	s.openGate("first")
	s.awaitEnd(t, "one", v1alpha1.RunSucceeded)
	s.awaitEnd(t, "two", v1alpha1.RunSucceeded)
	first, then := s.worked(t, []string{"one"})[0], s.worked(t, []string{"two"})[0]
	if then.StartedAt.Before(&first.FinishedAt) {
		t.Errorf("the second Run started at %s, before the end of the first at %s", then.StartedAt, first.FinishedAt)
	}
}

func TestANewerRunReplacesTheOlder(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	pipeline := one(s.pipeline("build", script("patient", `[ "$KAYCI_QUICK" = no ] || exit 0`+"\n"+s.patient())), v1alpha1.ConcurrencyReplace)
	no := "no"
	pipeline.Spec.Params = []v1alpha1.Param{{Name: "quick", Default: &no}}
	s.create(t, pipeline)
	s.start(t, "older", "build")
	s.awaitArrival(t, "runs")
	s.openGate("runs")
	s.awaitLog(t, "older", "patient", "waiting")
	s.create(t, &v1alpha1.Run{ObjectMeta: s.meta("newer"), Spec: v1alpha1.RunSpec{Pipeline: "build", Params: map[string]string{"quick": "yes"}}})
	s.awaitEnd(t, "newer", v1alpha1.RunSucceeded)

	older := s.awaitEnd(t, "older", v1alpha1.RunCancelled)
	if diff := cmp.Diff([]string{"patient=Cancelled/Replaced"}, phases(older)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	s.awaitMessage(t, "older", `Cancelled, Replaced: replaced: run newer of key "main" is newer; 0 of 1 jobs succeeded`)
	s.expectStopped(t, "older")
	first, then := s.worked(t, []string{"older"})[0], s.worked(t, []string{"newer"})[0]
	if then.StartedAt.Before(&first.FinishedAt) {
		t.Errorf("the newer Run started at %s, before the end of the older at %s", then.StartedAt, first.FinishedAt)
	}
}

func TestARunWithoutAPlaceIsSkipped(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, one(s.pipeline("nightly", script("work", s.through("first"))), v1alpha1.ConcurrencySkip))
	s.start(t, "first", "nightly")
	s.awaitArrival(t, "first")
	s.start(t, "second", "nightly")
	s.awaitMessage(t, "second", `Cancelled, Skipped: skipped: no place for another run of key "main" beside first`)
	s.openGate("first")
	s.awaitEnd(t, "first", v1alpha1.RunSucceeded)
	s.start(t, "third", "nightly")
	s.awaitEnd(t, "third", v1alpha1.RunSucceeded)
	if jobs := s.jobs(t, "second"); len(jobs) > 0 {
		t.Errorf("the skipped Run has Jobs: %v", jobs)
	}
}

// A key that doesn't compile is refused where the Pipeline is written; one that
// fails for a Run fails that Run.
func TestBadConcurrencyKeys(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	broken := s.pipeline("broken", script("work", "true"))
	broken.Spec.Concurrency = &v1alpha1.Concurrency{Key: "params.branch"}
	err := s.Client.Create(s.ctx, broken)
	if err == nil || !strings.Contains(err.Error(), `spec.concurrency.key: Invalid value: 1:1: the Pipeline declares no parameter "branch"`) {
		t.Errorf("creating a Pipeline with a broken key: %v", err)
	}
	split := s.pipeline("split", script("work", "true"))
	split.Spec.Params = []v1alpha1.Param{{Name: "branch"}}
	split.Spec.Concurrency = &v1alpha1.Concurrency{Key: "params.branch.split('/')[1]"}
	s.create(t, split,
		&v1alpha1.Run{ObjectMeta: s.meta("plain"), Spec: v1alpha1.RunSpec{Pipeline: "split", Params: map[string]string{"branch": "main"}}},
		&v1alpha1.Run{ObjectMeta: s.meta("nested"), Spec: v1alpha1.RunSpec{Pipeline: "split", Params: map[string]string{"branch": "release/1"}}})
	s.awaitMessage(t, "plain", "Failed, InvalidConcurrencyKey: the Pipeline's concurrency.key: 1:25: index out of bounds: 1")
	s.awaitEnd(t, "nested", v1alpha1.RunSucceeded)
}
