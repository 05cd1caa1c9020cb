package author

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/author/trial"
)

// scene is an API server at which a Pipeline is tried.
type scene struct {
	// phase that the Run has when it is asked for.
	phase v1alpha1.RunPhase
	// store is the answer to a new Pipeline, and stored whether it is stored anyway.
	store  error
	stored bool
	// deletions are the answers to deletions of the Pipeline, one after the other.
	deletions []error
	// interrupt is called when the Run is asked for.
	interrupt func()
}

func (s *scene) client(t *testing.T) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			_, pipeline := o.(*v1alpha1.Pipeline)
			if !pipeline || s.store == nil || s.stored {
				if err := c.Create(ctx, o, opts...); err != nil {
					return err
				}
			}
			if pipeline {
				return s.store
			}
			return nil
		},
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if s.interrupt != nil {
				s.interrupt()
			}
			err := c.Get(ctx, key, o, opts...)
			if run, is := o.(*v1alpha1.Run); is {
				run.Status.Phase = s.phase
				run.Status.Conditions = []metav1.Condition{{Type: v1alpha1.SucceededCondition, Message: "job test \x1b[31mis done"}}
			}
			return err
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			if _, pipeline := o.(*v1alpha1.Pipeline); pipeline && len(s.deletions) > 0 {
				answer := s.deletions[0]
				s.deletions = s.deletions[1:]
				return answer
			}
			return c.Delete(ctx, o, opts...)
		},
	}).Build()
}

// left is what the API server still has.
func left(t *testing.T, c client.Client) []string {
	t.Helper()
	var names []string
	var pipelines v1alpha1.PipelineList
	var runs v1alpha1.RunList
	if err := errors.Join(c.List(t.Context(), &pipelines), c.List(t.Context(), &runs)); err != nil {
		t.Fatal(err)
	}
	for _, p := range pipelines.Items {
		names = append(names, "Pipeline/"+p.Name)
	}
	for _, r := range runs.Items {
		names = append(names, "Run of "+r.Spec.Pipeline)
	}
	return names
}

// unread are logs that can't be read, which is no reason to stop.
func unread(context.Context, *v1alpha1.Run) error { return forbidden() }

func forbidden() error {
	return apierrors.NewForbidden(schema.GroupResource{Group: v1alpha1.Group, Resource: "pipelines"}, "web-try-x7k2p", errors.New("no"))
}

func TestAttempt(t *testing.T) {
	t.Parallel()
	const removed = "web-try-x7k2p is removed\n"
	both := []string{"Pipeline/web-try-x7k2p", "Run of web-try-x7k2p"}
	tests := map[string]struct {
		scene   scene
		keep    bool
		timeout time.Duration
		code    int
		err     string
		// said is what the last lines say.
		said string
		left []string
	}{
		"it succeeds": {scene: scene{phase: v1alpha1.RunSucceeded}, said: "✓ Succeeded: job test \\x1b[31mis done\n" + removed},
		"it fails":    {scene: scene{phase: v1alpha1.RunFailed}, code: 1, err: "exit code 1", said: "✕ Failed: job test \\x1b[31mis done\n" + removed},
		"cancelled":   {scene: scene{phase: v1alpha1.RunCancelled}, code: 3, err: "exit code 3", said: removed},
		"kept": {
			scene: scene{phase: v1alpha1.RunFailed}, keep: true, code: 1, err: "exit code 1", left: both,
			said: " -n ci. To remove it: kubectl delete pipelines.kayci.dev web-try-x7k2p -n ci\n",
		},
		"it takes too long": {
			scene: scene{phase: v1alpha1.RunRunning}, timeout: 20 * time.Millisecond, code: 124,
			err: "the Run has not ended within 20ms", said: removed,
		},
		"no right to store it":   {scene: scene{store: forbidden()}, code: 2, err: "store the Pipeline: pipelines.kayci.dev"},
		"no answer, but stored":  {scene: scene{store: errors.New("EOF"), stored: true}, code: 2, err: "store the Pipeline: EOF", said: removed},
		"a removal that is late": {scene: scene{phase: v1alpha1.RunSucceeded, deletions: []error{errors.New("EOF"), errors.New("EOF")}}, said: removed},
		"no right to remove it": {
			scene: scene{phase: v1alpha1.RunSucceeded, deletions: []error{forbidden()}}, code: 2, err: "exit code 2",
			said: "To remove it: kubectl delete pipelines.kayci.dev web-try-x7k2p -n ci\n", left: both[:1],
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			c := test.scene.client(t)
			pipeline := &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web"}}
			tried, _ := trial.Of(pipeline, trial.Options{Random: "x7k2p"})
			a := &attempt{out: &out, cluster: c, tried: tried, keep: test.keep, timeout: test.timeout, program: "kayci", every: time.Millisecond, logs: unread}
			err := a.run(t.Context())
			if got := codeOf(err); got != test.code || !strings.HasPrefix(message(err), test.err) {
				t.Errorf("got %d: %v, want %d: %s", got, err, test.code, test.err)
			}
			if !strings.HasSuffix(out.String(), test.said) {
				t.Errorf("said:\n%s\nwant at the end:\n%s", out.String(), test.said)
			}
			if diff := cmp.Diff(test.left, left(t, c)); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
		})
	}
}

// Who presses Ctrl-C leaves nothing behind.
func TestAttemptIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := scene{phase: v1alpha1.RunRunning, interrupt: cancel, deletions: []error{errors.New("EOF")}}
	c := s.client(t)
	var out bytes.Buffer
	pipeline := &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web"}}
	tried, _ := trial.Of(pipeline, trial.Options{Random: "x7k2p"})
	a := &attempt{out: &out, cluster: c, tried: tried, program: "kayci", every: time.Millisecond, logs: unread}
	if err := a.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string(nil), left(t, c)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s\nsaid:\n%s", diff, out.String())
	}
}
