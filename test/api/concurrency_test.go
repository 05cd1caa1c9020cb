package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Runs that are created at once get their turns by watches alone: the look that
// a Run takes without being told comes much later than this test waits.
func TestQueueMovesByItself(t *testing.T) {
	t.Parallel()
	c := newClient(t, serverConfig(t))
	namespace := newNamespace(t, c)
	startManager(t, serverConfig(t), namespace, startRuns)
	web := graph(namespace, "a", "b: a")
	web.Spec.Params = []v1alpha1.Param{{Name: "branch"}}
	web.Spec.Concurrency = &v1alpha1.Concurrency{Key: "params.branch", Limit: 2}
	if err := c.Create(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			run := newRun(namespace, fmt.Sprintf("run-%02d", i))
			run.Spec.Params = map[string]string{"branch": []string{"main", "main", "main", "next"}[i%4]}
			if err := c.Create(t.Context(), run); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	queued := map[string]int{"main admitted": 2, "next admitted": 2, "next 1": 1, "next 2": 1}
	for position := 1; position <= 10; position++ {
		queued[fmt.Sprint("main ", position)] = 1
	}
	eventually(t, "all have a place", func(ctx context.Context) error {
		got, err := places(ctx, c, namespace)
		if err != nil {
			return err
		}
		return different(queued, got)
	})
	eventually(t, "all have ended", func(ctx context.Context) error {
		if err := completeJobs(ctx, c, namespace); err != nil {
			return err
		}
		got, err := places(ctx, c, namespace)
		if err != nil {
			return err
		}
		if got["main admitted"] > 2 || got["next admitted"] > 2 {
			t.Fatalf("more Runs than places: %v", got)
		}
		return different(map[string]int{}, got)
	})
}

// Runs of one second take their turns in the order of their creation, whatever
// their names. Those that have ended are not read for it: the API server is asked
// once, for those that have not.
func TestQueueReadsNoFinishedRuns(t *testing.T) {
	t.Parallel()
	c := newClient(t, serverConfig(t))
	namespace := newNamespace(t, c)
	web := graph(namespace, "a")
	web.Spec.Concurrency = &v1alpha1.Concurrency{Key: "'all'", Limit: 1}
	if err := c.Create(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		ended := newRun(namespace, fmt.Sprintf("ended-%02d", i))
		ended.Labels = map[string]string{v1alpha1.PipelineLabel: "web"}
		if err := c.Create(t.Context(), ended); err != nil {
			t.Fatal(err)
		}
		now := metav1.Now()
		ended.Status = v1alpha1.RunStatus{
			Phase: v1alpha1.RunSucceeded, CompletionTime: &now, Number: int64(i + 1), Concurrency: &v1alpha1.ConcurrencyStatus{Key: "all", Admitted: true},
		}
		if err := c.Status().Update(t.Context(), ended); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"c", "a", "b"} {
		if err := c.Create(t.Context(), newRun(namespace, name)); err != nil {
			t.Fatal(err)
		}
	}
	cfg := serverConfig(t)
	read := watchRunLists(cfg)
	startManager(t, cfg, namespace, startRuns)
	eventually(t, "all have ended", func(ctx context.Context) error {
		if err := completeJobs(ctx, c, namespace); err != nil {
			return err
		}
		got, err := places(ctx, c, namespace)
		if err != nil {
			return err
		}
		return different(map[string]int{}, got)
	})
	numbers := map[string]int64{}
	for _, name := range []string{"a", "b", "c"} {
		var run v1alpha1.Run
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &run); err != nil {
			t.Fatal(err)
		}
		numbers[name] = run.Status.Number
	}
	if diff := cmp.Diff(map[string]int64{"c": 21, "a": 22, "b": 23}, numbers); diff != "" {
		t.Errorf("numbers, which Runs get when they start (-want +got):\n%s", diff)
	}
	if lists, most := read.seen(); lists != 1 || most > 3 {
		t.Errorf("%d lists of active Runs, of %d at most; want 1 of 3 at most", lists, most)
	}
}

// runLists counts the lists of Runs by field, and their items.
type runLists struct {
	mu          sync.Mutex
	lists, most int
}

func (l *runLists) seen() (lists, most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lists, l.most
}

// watchRunLists makes every client of the configuration count.
func watchRunLists(cfg *rest.Config) *runLists {
	l := &runLists{}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if err != nil || r.Method != http.MethodGet || r.URL.Query().Get("fieldSelector") != "status.completionTime=" {
				return answer, err
			}
			return answer, l.count(answer)
		})
	})
	return l
}

func (l *runLists) count(answer *http.Response) error {
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	var list v1alpha1.RunList
	if err := json.Unmarshal(body, &list); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lists++
	l.most = max(l.most, len(list.Items))
	return nil
}

// places counts the Runs that have not ended by key and place.
func places(ctx context.Context, c client.Client, namespace string) (map[string]int, error) {
	var runs v1alpha1.RunList
	if err := c.List(ctx, &runs, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for i := range runs.Items {
		run := &runs.Items[i]
		switch place := run.Status.Concurrency; {
		case run.Status.Phase.Finished():
		case place == nil:
			counts["none"]++
		case place.Admitted:
			counts[place.Key+" admitted"]++
		default:
			counts[fmt.Sprint(place.Key, " ", place.Position)]++
		}
	}
	return counts, nil
}

func different(want, got map[string]int) error {
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("places (-want +got):\n%s", diff)
	}
	return nil
}
