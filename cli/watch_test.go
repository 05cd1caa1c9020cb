package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/runs/view"
)

// later are the Run's next states: its build ends, then the deployment is refused and
// all of it ends.
func later(run *v1alpha1.Run, phase v1alpha1.RunPhase) []*v1alpha1.Run {
	built := run.DeepCopy()
	built.Status.Jobs[2].Phase = v1alpha1.JobSucceeded
	built.Status.Jobs[3] = v1alpha1.JobStatus{Name: "e2e", Phase: "Running", Reason: "ImagePullBackOff", Message: "no such \x1b[31mimage"}
	ended := built.DeepCopy()
	for i := range ended.Status.Jobs {
		if job := &ended.Status.Jobs[i]; !job.Phase.Finished() {
			*job = v1alpha1.JobStatus{Name: job.Name, Phase: v1alpha1.JobSkipped, Reason: "NeedsFailed", Message: "needs test, which failed"}
		}
	}
	ended.Status.Phase, ended.Status.CompletionTime = phase, clock(60)
	ended.Status.Conditions = []metav1.Condition{{Type: "Succeeded", Reason: map[v1alpha1.RunPhase]string{"Failed": "JobFailed", "Cancelled": "Cancelled", "Succeeded": "Succeeded"}[phase], Message: "cancelled"}}
	return []*v1alpha1.Run{built, built, ended}
}

// TestWatchWithoutTerminal: each change is a line, and the command ends as the Run does.
func TestWatchWithoutTerminal(t *testing.T) {
	run, objects := world(t)
	c := looking(t, changing(later(run, v1alpha1.RunFailed)...), objects...)
	if code := c.give(t, "watch", "web/12"); code != ExitFailed {
		t.Errorf("exit code %d: %s", code, c.err)
	}
	golden(t, "watch.txt", c.out.String())
}

func TestWatchEndsAsTheRun(t *testing.T) {
	for phase, want := range map[v1alpha1.RunPhase]int{v1alpha1.RunSucceeded: 0, v1alpha1.RunFailed: ExitFailed, v1alpha1.RunCancelled: ExitCancelled} {
		run, objects := world(t)
		c := looking(t, changing(later(run, phase)...), objects...)
		if code := c.give(t, "watch", "web-push-k7x2m"); code != want || c.err.Len() > 0 {
			t.Errorf("%s: exit code %d, want %d: %s", phase, code, want, c.err)
		}
	}
}

func TestWatchOfADeletedRun(t *testing.T) {
	run, objects := world(t)
	c := looking(t, interceptor.Funcs{Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
		events := watch.NewFakeWithChanSize(1, false)
		events.Delete(run)
		return events, nil
	}}, objects...)
	const want = "kayci: watch web/12: it was deleted before it had ended: there is nothing to watch any more\n"
	if code := c.give(t, "watch"); code != ExitFault || c.err.String() != want {
		t.Errorf("exit code %d: %q", code, c.err)
	}
}

// TestWatchIsInterrupted: the Run goes on, and how to stop it is said.
func TestWatchIsInterrupted(t *testing.T) {
	_, objects := world(t)
	ctx, interrupt := context.WithCancel(t.Context())
	c := looking(t, interceptor.Funcs{Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
		interrupt()
		return watch.NewEmptyWatch(), nil
	}}, objects...)
	if code := c.giveIn(ctx, "watch", "web"); code != ExitInterrupted || c.err.String() != "Run web/12 goes on: `kayci cancel web/12` stops it.\n" {
		t.Errorf("exit code %d: %q", code, c.err)
	}
}

// TestWatchOnTerminal compares the last frame with what a person sees at last.
func TestWatchOnTerminal(t *testing.T) {
	run, objects := world(t)
	c := looking(t, changing(later(run, v1alpha1.RunFailed)...), objects...)
	c.Terminal.Out = true
	if code := c.give(t, "watch"); code != ExitFailed {
		t.Errorf("exit code %d: %s", code, c.err)
	}
	frames := strings.Split(c.out.String(), "\r\x1b[J")
	golden(t, "watch-end.txt", strings.ReplaceAll(frames[len(frames)-1], "\r\n", "\n"))
}

func TestFrames(t *testing.T) {
	run, objects := world(t)
	pipeline, is := objects[0].(*v1alpha1.Pipeline)
	if !is {
		t.Fatal("the first object is no Pipeline")
	}
	v := view.Of(view.Facts{Run: run, Spec: &pipeline.Spec, Now: clock(20).Time})
	queued := run.DeepCopy()
	queued.Status.Phase, queued.Status.Jobs, queued.Status.StartTime = v1alpha1.RunQueued, nil, nil
	queued.Status.Conditions[0].Reason, queued.Status.Conditions[0].Message = "Queued", `position 2 of key "main"; waits for web-push-a`
	for name, f := range map[string]frame{
		"frame.txt":        {run: v, height: 24},
		"frame-all.txt":    {run: v, height: 24, all: true},
		"frame-low.txt":    {run: v, height: 8, note: "trying again: connection refused"},
		"frame-lower.txt":  {run: v, height: 8, all: true},
		"frame-ascii.txt":  {run: v, height: 24, terminal: &terminal.Terminal{ASCII: true}},
		"frame-colour.txt": {run: v, height: 24, terminal: &terminal.Terminal{Colour: true}},
		"frame-graph.txt":  {run: v, height: 24, layout: graph.Arrange(pipeline.Spec.Jobs), page: "https://ci.example.com/ns/ci/runs/web-push-k7x2m", usual: map[string]time.Duration{"build": 20 * time.Second}, terminal: &terminal.Terminal{ASCII: true}},
		"frame-usual.txt":  {run: v, height: 24, usual: map[string]time.Duration{"build": 5 * time.Second, "lint": time.Minute}},
		"frame-queued.txt": {run: view.Of(view.Facts{Run: queued, Now: clock(20).Time}), height: 24},
	} {
		if f.terminal == nil {
			f.terminal = &terminal.Terminal{}
		}
		lines := f.lines()
		if len(lines) > f.height-1 {
			t.Errorf("%s has %d lines", name, len(lines))
		}
		golden(t, name, strings.Join(lines, "\n")+"\n")
	}
}

// TestLowTerminals: whatever the height, no frame is higher.
func TestLowTerminals(t *testing.T) {
	run, objects := world(t)
	layout := graph.Arrange([]v1alpha1.Job{{Name: "lint"}, {Name: "build", Needs: []string{"lint"}}})
	for height := range 30 {
		c := looking(t, changing(later(run, v1alpha1.RunFailed)...), objects...)
		for _, all := range []bool{false, true} {
			f := frame{run: view.Of(view.Facts{Run: run, Now: clock(20).Time}), layout: layout, all: all, height: height, terminal: c.Terminal}
			if lines := f.lines(); height > 8 && len(lines) > height-1 {
				t.Errorf("%d lines in a terminal of %d", len(lines), height)
			}
		}
	}
}

func TestChangesAreTold(t *testing.T) {
	run, _ := world(t)
	see := func(r *v1alpha1.Run) *view.Run {
		v := view.Of(view.Facts{Run: r, Now: clock(20).Time})
		return &v
	}
	queued := run.DeepCopy()
	queued.Status.Phase = v1alpha1.RunQueued
	queued.Status.Jobs = nil
	again := run.DeepCopy()
	again.Status.Jobs[2].Message = "another message"
	for name, tt := range map[string]struct {
		before, now *view.Run
		want        []string
	}{
		"nothing":             {see(run), see(run), nil},
		"a message, as such":  {see(run), see(again), nil},
		"the first look":      {nil, see(queued), []string{"web #12 Queued"}},
		"from queue to start": {see(queued), see(run), append([]string{"web #12 Running: test failed: 3 of 1,204 tests failed: TestRedirect, TestB and 1 more"}, changes(nil, see(run))[1:]...)},
	} {
		if diff := cmp.Diff(tt.want, changes(tt.before, tt.now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestWatchOfALostServer: what keeps the Run from being seen is told, and then forgotten.
func TestWatchOfALostServer(t *testing.T) {
	run, objects := world(t)
	watches, states := 0, changing(later(run, v1alpha1.RunFailed)...)
	c := looking(t, interceptor.Funcs{Watch: func(ctx context.Context, inner client.WithWatch, list client.ObjectList, options ...client.ListOption) (watch.Interface, error) {
		if watches++; watches == 1 {
			return nil, errors.New("connection refused\n\x1b[2J")
		}
		return states.Watch(ctx, inner, list, options...)
	}}, objects...)
	if code := c.give(t, "watch"); code != ExitFailed || c.err.String() != `kayci: the API server doesn't answer, asking again: connection refused \x1b[2J`+"\n" {
		t.Errorf("exit code %d: %q", code, c.err)
	}
	golden(t, "watch.txt", c.out.String())
}
