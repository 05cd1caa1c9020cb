package cli

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestRunsWatch(t *testing.T) {
	older, running := aRun("web-aaaaa", 1, v1alpha1.RunFailed), aRun("web-bbbbb", 2, v1alpha1.RunRunning)
	older.UID, running.UID = "1", "2"
	ends := running.DeepCopy()
	ends.Status.Phase, ends.Status.Jobs[1].Phase = v1alpha1.RunSucceeded, v1alpha1.JobSucceeded
	starts := aRun("web-ccccc", 3, v1alpha1.RunQueued)
	starts.UID = "3"
	c := at(t, interceptor.Funcs{}, older, running)
	w := &runsWatch{runsCommand: &runsCommand{Env: c.Env}, said: map[string]string{}, runs: []v1alpha1.Run{*running, *older}}
	w.query.Limit = 2
	for _, step := range []func(){
		func() {}, func() {}, func() { w.take(ends, false) }, func() { w.take(starts, false) }, func() { w.take(starts, true) },
	} {
		step()
		if err := w.show(); err != nil {
			t.Fatal(err)
		}
	}
	at := c.Now().Format("15:04:05")
	want := at + " web/1 Failed 1/2\n" + at + " web/2 Running 1/2\n" + at + " web/2 Succeeded 2/2\n" + at + " web/3 Queued 1/2\n"
	if diff := cmp.Diff(want, c.out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(w.runs) != 1 || w.runs[0].Name != "web-bbbbb" {
		t.Errorf("the list is %v", w.runs)
	}
	c.gives(t, told{2, "", "kayci: --watch takes --output table alone\n"}, "runs", "-w", "-oname")
}

func TestRunsWatchIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := at(t, following(cancel), aRun("web-aaaaa", 1, v1alpha1.RunFailed))
	if code := c.giveIn(ctx, "runs", "-w"); code != 130 || c.err.String() != "" || c.out.String() != c.Now().Format("15:04:05")+" web/1 Failed 1/2\n" {
		t.Errorf("%d, %q, %q", code, c.out, c.err)
	}
}

// TestRunsWatchAsksAgain: a watch that fails costs a message, and no line comes twice.
func TestRunsWatchAsksAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	c := at(t, interceptor.Funcs{Watch: func(ctx context.Context, _ client.WithWatch, _ client.ObjectList, _ ...client.ListOption) (watch.Interface, error) {
		if asked++; asked < 3 {
			return nil, errors.New("connection refused")
		}
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}}, aRun("web-aaaaa", 1, v1alpha1.RunFailed))
	code := c.giveIn(ctx, "runs", "-w")
	want := told{130, c.Now().Format("15:04:05") + " web/1 Failed 1/2\n", "kayci: the API server doesn't answer, asking again: watch Runs: connection refused\n"}
	if diff := cmp.Diff(want, told{code, c.out.String(), c.err.String()}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	failing := at(t, interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errors.New("connection refused")
	}})
	if code := failing.give(t, "runs", "-w"); code != ExitFault || failing.err.String() == "" {
		t.Errorf("nothing can be listed: %d, %q", code, failing.err)
	}
}
