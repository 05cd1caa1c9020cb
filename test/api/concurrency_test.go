package api_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
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
