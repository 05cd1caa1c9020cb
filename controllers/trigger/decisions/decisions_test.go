package decisions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
)

var (
	began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	push  = client.ObjectKey{Namespace: "ci", Name: "web-push"}
)

func at(second int, delivery string) v1alpha1.Decision {
	return v1alpha1.Decision{
		Time: metav1.NewTime(began.Add(time.Duration(second) * time.Second)), Outcome: v1alpha1.DecisionCreated, Delivery: delivery,
	}
}

func deliveries(list []v1alpha1.Decision) string {
	texts := make([]string, 0, len(list))
	for _, d := range list {
		texts = append(texts, fmt.Sprintf("%s+%d", d.Delivery, d.Omitted))
	}
	return strings.Join(texts, " ")
}

func TestMerge(t *testing.T) {
	many := func(from, to int) []v1alpha1.Decision {
		var list []v1alpha1.Decision
		for i := from; i < to; i++ {
			list = append(list, at(i, fmt.Sprint(i)))
		}
		return list
	}
	tests := map[string]struct {
		taken, recent []v1alpha1.Decision
		want          string
	}{
		"the first":                  {taken: many(0, 2), want: "1+0 0+0"},
		"before those that were":     {taken: many(5, 6), recent: []v1alpha1.Decision{at(4, "d"), at(2, "b")}, want: "5+0 d+0 b+0"},
		"among another replica's":    {taken: []v1alpha1.Decision{at(1, "a"), at(3, "c")}, recent: []v1alpha1.Decision{at(4, "d"), at(2, "b")}, want: "d+0 c+0 b+0 a+0"},
		"of one second: newer first": {taken: []v1alpha1.Decision{at(1, "b"), at(1, "c")}, recent: []v1alpha1.Decision{at(1, "a")}, want: "c+0 b+0 a+0"},
		"no more than 20": {
			taken: many(10, 12), recent: func() []v1alpha1.Decision { b := batch{many(0, 20)}; return b.merge(nil) }(),
			want: "19+0 18+0 17+0 16+0 15+0 14+0 13+0 12+0 11+0 11+0 10+0 10+0 9+0 8+0 7+0 6+0 5+0 4+0 3+0 2+0",
		},
		"those left out are counted": {
			taken: many(0, 23),
			want:  "22+0 21+0 20+0 19+0 18+0 17+0 16+0 15+0 14+0 13+0 12+0 11+0 10+0 9+0 8+0 7+0 6+0 5+0 4+0 3+3",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var b batch
			for _, d := range tt.taken {
				b.add(d)
			}
			if diff := cmp.Diff(tt.want, deliveries(b.merge(tt.recent))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// fixture is a Recorder whose writes are counted and fail as told.
type fixture struct {
	*Recorder
	clock  *clocktesting.FakeClock
	writes int
	fail   error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	f := &fixture{clock: clocktesting.NewFakeClock(began)}
	trigger := &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Namespace: push.Namespace, Name: push.Name}}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(trigger).WithStatusSubresource(trigger).WithInterceptorFuncs(interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			f.writes++
			if f.fail != nil {
				return f.fail
			}
			return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
		},
	}).Build()
	f.Recorder = NewRecorder(c, f.clock, testr.New(t))
	return f
}

func (f *fixture) stored(t *testing.T) []v1alpha1.Decision {
	t.Helper()
	var trigger v1alpha1.Trigger
	if err := f.client.Get(t.Context(), push, &trigger); err != nil {
		t.Fatal(err)
	}
	return trigger.Status.Recent
}

func TestDecisionsAreWrittenTogetherAndOnce(t *testing.T) {
	f := newFixture(t)
	f.Add(push, v1alpha1.Decision{Outcome: v1alpha1.DecisionCreated, Delivery: "1", Run: "web-push-a", Reason: "a push of\nmain"})
	f.clock.Step(time.Second)
	f.Add(push, v1alpha1.Decision{Outcome: v1alpha1.DecisionNotMatched, Delivery: "2", Reason: strings.Repeat("é", 500)})
	f.flush(t.Context())
	f.flush(t.Context())
	want := []v1alpha1.Decision{
		{Time: metav1.NewTime(began.Add(time.Second)), Outcome: v1alpha1.DecisionNotMatched, Delivery: "2", Reason: strings.Repeat("é", 399) + "…"},
		{Time: metav1.NewTime(began), Outcome: v1alpha1.DecisionCreated, Delivery: "1", Run: "web-push-a", Reason: `a push of\x0amain`},
	}
	if diff := cmp.Diff(want, f.stored(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if f.writes != 1 {
		t.Errorf("%d writes, want 1", f.writes)
	}
}

func TestDecisionsThatCannotBeWrittenAreKept(t *testing.T) {
	for _, problem := range []error{
		errors.New("the API server is away"),
		apierrors.NewConflict(schema.GroupResource{Resource: "triggers"}, push.Name, errors.New("changed")),
	} {
		f := newFixture(t)
		f.fail = problem
		f.Add(push, v1alpha1.Decision{Delivery: "1"})
		f.flush(t.Context())
		f.clock.Step(pause)
		f.Add(push, v1alpha1.Decision{Delivery: "2"})
		f.fail = nil
		f.flush(t.Context())
		if got := deliveries(f.stored(t)); got != "2+0 1+0" {
			t.Errorf("after %v: %s", problem, got)
		}
	}
}

func TestDecisionsOfADeletedTriggerAreDropped(t *testing.T) {
	f := newFixture(t)
	f.Add(client.ObjectKey{Namespace: "ci", Name: "gone"}, v1alpha1.Decision{Delivery: "1"})
	f.flush(t.Context())
	if f.writes != 0 || len(f.batches) != 0 {
		t.Errorf("%d writes, %d Triggers left", f.writes, len(f.batches))
	}
}

// What was noted right before a replica ends is written, too.
func TestDecisionsAreWrittenAtTheEnd(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.Add(push, v1alpha1.Decision{Delivery: "1"})
	cancel()
	if err := f.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if got := deliveries(f.stored(t)); got != "1+0" {
		t.Errorf("stored: %s", got)
	}
}
