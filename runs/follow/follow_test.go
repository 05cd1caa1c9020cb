package follow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/follow"
)

// answers are what the API server says, one request after the other.
type answers struct {
	gets    []any // a *v1alpha1.Run, or an error
	watches []any // the []watch.Event of one that ends then, or an error
}

func (a *answers) client(t *testing.T) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(_ context.Context, _ client.WithWatch, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
			answer := next(t, &a.gets)
			if err, is := answer.(error); is {
				return err
			}
			run, is := into.(*v1alpha1.Run)
			if is {
				from, _ := answer.(*v1alpha1.Run)
				from.DeepCopyInto(run)
			}
			return nil
		},
		Watch: func(_ context.Context, _ client.WithWatch, _ client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
			var options client.ListOptions
			options.ApplyOptions(opts)
			if options.Namespace != "ci" || options.FieldSelector.String() != "metadata.name=web-1" || options.Raw.ResourceVersion == "" {
				t.Errorf("watches %+v", options)
			}
			answer := next(t, &a.watches)
			if err, is := answer.(error); is {
				return nil, err
			}
			events, _ := answer.([]watch.Event)
			w := watch.NewFakeWithChanSize(len(events), false)
			for _, event := range events {
				w.Action(event.Type, event.Object)
			}
			w.Stop()
			return w, nil
		},
	}).Build()
}

func next(t *testing.T, of *[]any) any {
	t.Helper()
	if len(*of) == 0 {
		return errors.New("there is no such answer")
	}
	answer := (*of)[0]
	*of = (*of)[1:]
	return answer
}

func run(phase v1alpha1.RunPhase, changes ...func(*v1alpha1.Run)) *v1alpha1.Run {
	r := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1", UID: "uid", ResourceVersion: "7"},
		Status:     v1alpha1.RunStatus{Phase: phase},
	}
	for _, change := range changes {
		change(r)
	}
	return r
}

func modified(o runtime.Object) watch.Event { return watch.Event{Type: watch.Modified, Object: o} }

func TestRun(t *testing.T) {
	away := apierrors.NewServiceUnavailable("etcd is away")
	expired := watch.Event{Type: watch.Error, Object: &metav1.Status{Status: metav1.StatusFailure, Reason: metav1.StatusReasonExpired, Code: 410}}
	another := run("Succeeded", func(r *v1alpha1.Run) { r.UID = "another" })
	kind := schema.GroupResource{Group: "kayci.dev", Resource: "runs"}
	type result struct {
		Phases []string
		Waits  []time.Duration
		Lost   int
		Err    string
	}
	for name, tt := range map[string]struct {
		answers answers
		want    result
	}{
		"one that has ended": {
			answers{gets: []any{run("Failed")}},
			result{Phases: []string{"Failed"}},
		},
		"one that ends": {
			answers{gets: []any{run("Running")}, watches: []any{[]watch.Event{modified(run("Running")), modified(run("Succeeded"))}}},
			result{Phases: []string{"Running", "Running", "Succeeded"}},
		},
		"watches that end, and one that is too old": {
			answers{
				gets:    []any{run("Queued"), run("Running"), run("Cancelled")},
				watches: []any{[]watch.Event{}, []watch.Event{modified(run("Running")), expired}},
			},
			result{Phases: []string{"Queued", "Running", "Running", "Cancelled"}, Waits: []time.Duration{time.Second, time.Second}},
		},
		"an API server that goes away and comes back": {
			answers{gets: []any{run("Running"), away, away, away, away, away, run("Running"), away, run("Failed")}, watches: []any{away, away}},
			result{
				Phases: []string{"Running", "Running", "Failed"}, Lost: 1,
				Waits: []time.Duration{1e9, 2e9, 4e9, 8e9, 10e9, 10e9, 10e9, 10e9},
			},
		},
		"deleted": {
			answers{gets: []any{run("Running")}, watches: []any{[]watch.Event{{Type: watch.Deleted, Object: run("Running")}}}},
			result{Phases: []string{"Running"}, Err: "follow Run web-1: it was deleted"},
		},
		"deleted meanwhile": {
			answers{gets: []any{run("Running"), apierrors.NewNotFound(kind, "web-1")}, watches: []any{[]watch.Event{}}},
			result{Phases: []string{"Running"}, Waits: []time.Duration{1e9}, Err: "follow Run web-1: it was deleted"},
		},
		"another of the same name": {
			answers{gets: []any{another}}, result{Err: "follow Run web-1: it was deleted"},
		},
		"a right that is missing": {
			answers{gets: []any{run("Running")}, watches: []any{apierrors.NewForbidden(kind, "", errors.New("no"))}},
			result{Phases: []string{"Running"}, Err: "follow Run web-1: runs.kayci.dev is forbidden: no"},
		},
		"a caller that fails": {
			answers{gets: []any{run("Broken")}}, result{Phases: []string{"Broken"}, Err: "follow Run web-1: that is no phase"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got result
			follower := follow.Follower{
				Client: tt.answers.client(t),
				Wait:   func(_ context.Context, d time.Duration) error { got.Waits = append(got.Waits, d); return nil },
				Lost:   func(error) { got.Lost++ },
			}
			_, err := follower.Run(t.Context(), run("Queued"), func(r *v1alpha1.Run) (bool, error) {
				got.Phases = append(got.Phases, string(r.Status.Phase))
				if r.Status.Phase == "Broken" {
					return false, errors.New("that is no phase")
				}
				return r.Status.Phase.Finished(), nil
			})
			if err != nil {
				got.Err = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRunIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := answers{gets: []any{run("Running")}, watches: []any{[]watch.Event{}}}
	follower := follow.Follower{Client: a.client(t), Wait: func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }}
	if _, err := follower.Run(ctx, run("Running"), func(*v1alpha1.Run) (bool, error) { return false, nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
