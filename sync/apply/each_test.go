package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/apply"
)

// server is an API server that takes a second for each request that it doesn't
// refuse, and a record of what it was asked.
type server struct {
	client.Client

	mu stdsync.Mutex
	// inFlight are the requests that are being answered, and most is how many of a
	// sort there were at once.
	inFlight map[string]int
	most     map[string]int
	// said has the sort of each request, once for many in a row.
	said []string
	// answer is what the server says to a request, such as "try p-00", and slow are
	// those that take it ten seconds whatever it says. At panics the client does.
	answer map[string]error
	slow   map[string]bool
	panics string
}

func newServer(t *testing.T) *server {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	s := &server{inFlight: map[string]int{}, most: map[string]int{}, answer: map[string]error{}, slow: map[string]bool{}}
	s.Client = fake.NewClientBuilder().WithScheme(scheme).
		WithIndex(&v1alpha1.Run{}, v1alpha1.CompletionTimeField, func(client.Object) []string { return nil }).
		WithInterceptorFuncs(interceptor.Funcs{Apply: s.apply}).Build()
	return s
}

func (s *server) apply(ctx context.Context, c client.WithWatch, config runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	var options client.ApplyOptions
	options.ApplyOptions(opts)
	object, ok := config.(interface{ GetName() string })
	if !ok {
		return fmt.Errorf("apply of a %T", config)
	}
	verb := "apply"
	if len(options.DryRun) > 0 {
		verb = "try"
	}
	request := verb + " " + object.GetName()
	if request == s.panics {
		panic("a trap")
	}
	err := s.answer[request]
	if err == nil || s.slow[request] {
		leave := s.enter(verb, object.GetName())
		defer leave()
	}
	if err != nil || verb == "try" {
		return err
	}
	return c.Apply(ctx, config, opts...)
}

// enter counts a request and waits as long as it takes.
func (s *server) enter(verb, name string) (leave func()) {
	sort := verb + " " + name[:1]
	s.mu.Lock()
	s.inFlight[sort]++
	s.most[sort] = max(s.most[sort], s.inFlight[sort])
	if len(s.said) == 0 || s.said[len(s.said)-1] != sort {
		s.said = append(s.said, sort)
	}
	s.mu.Unlock()
	takes := time.Second
	if s.slow[verb+" "+name] {
		takes *= 10
	}
	<-time.After(takes)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inFlight[sort]--
	}
}

// sync applies many Pipelines, p-00 and so on, and Triggers, t-00 and so on.
func (s *server) sync(t *testing.T, pipelines, triggers int) (apply.Result, error) {
	t.Helper()
	in := apply.Input{Namespace: "ci", Repo: "mine", Prune: true}
	for i := range pipelines {
		in.Desired = append(in.Desired, named(v1alpha1.PipelineKind, fmt.Sprintf("p-%02d", i)))
	}
	for i := range triggers {
		in.Desired = append(in.Desired, named(v1alpha1.TriggerKind, fmt.Sprintf("t-%02d", i)))
	}
	applier := apply.Applier{Client: s.Client, Live: s.Client, Try: func(_ context.Context, object *unstructured.Unstructured) ([]string, error) {
		s.enter("sample", object.GetName())()
		return nil, nil
	}}
	return applier.Sync(t.Context(), in, func(context.Context, *v1alpha1.Inventory) error {
		s.said = append(s.said, "store the inventory")
		return nil
	})
}

func named(kind, name string) apply.Desired {
	d := desired(apply.Key{Kind: kind, Name: name})
	d.File = name + ".yaml"
	d.Config.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(kind))
	d.Config.SetNamespace("ci")
	d.Config.SetName(name)
	return d
}

func expect(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// applied are the objects that the inventory has as applied.
func applied(inventory *v1alpha1.Inventory) (names []string) {
	for _, e := range inventory.Entries {
		if e.Digest != "" {
			names = append(names, e.Name)
		}
	}
	return names
}

// Many objects are tried and applied at once, and no more than the bound: all of
// them are tried, then the inventory is stored, and Triggers are applied after all
// Pipelines.
func TestObjectsAreAppliedSeveralAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		start := time.Now()
		result, err := s.sync(t, 40, 20)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "most at once", map[string]int{"try p": 8, "sample p": 8, "try t": 8, "sample t": 8, "apply p": 8, "apply t": 8}, s.most)
		stored := slices.Index(s.said, "store the inventory")
		expect(t, "after the inventory was stored", []string{"store the inventory", "apply p", "apply t"}, s.said[stored:])
		expect(t, "created", 60, result.Created)
		expect(t, "applied", 60, len(applied(result.Inventory)))
		// 60 tries of 2 s, and 40 and 20 applies of 1 s, by 8.
		expect(t, "time", 16*time.Second+5*time.Second+3*time.Second, time.Since(start))
	})
}

// What is reported doesn't depend on which answer comes first.
func TestFaultsOfManyAreInOrder(t *testing.T) {
	invalid, down := apierrors.NewBadRequest("wrong"), errors.New("the server is down")
	tests := map[string]struct {
		answer  map[string]error
		slow    string
		want    string
		refused bool
		// applied are the objects that are on record.
		applied []string
	}{
		"refused": {
			answer: map[string]error{"try p-00": invalid, "try p-09": invalid, "try t-01": invalid}, slow: "try p-00", refused: true,
			want: "p-00.yaml: Pipeline/p-00: wrong\np-09.yaml: Pipeline/p-09: wrong\nt-01.yaml: Trigger/t-01: wrong",
		},
		"a try fails": {
			answer: map[string]error{"try p-03": down, "try p-05": down}, slow: "try p-03",
			want: "try to apply Pipeline/p-03: the server is down",
		},
		"an apply fails": {
			answer: map[string]error{"apply p-03": down, "apply p-05": down}, slow: "apply p-03",
			want:    "apply Pipeline/p-03: the server is down",
			applied: []string{"p-00", "p-01", "p-02", "p-04", "p-06", "p-07"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.answer = test.answer
				s.slow[test.slow] = true
				result, err := s.sync(t, 20, 2)
				if err == nil {
					t.Fatal("no error")
				}
				expect(t, "error", test.want, err.Error())
				_, refused := errors.AsType[*apply.RefusedError](err)
				expect(t, "refused", test.refused, refused)
				var got []string
				if result.Inventory != nil {
					got = applied(result.Inventory)
				}
				expect(t, "applied", test.applied, got)
			})
		})
	}
}

// A panic is the caller's, after the others have ended.
func TestPanicOfOneOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.panics = "apply p-02"
		defer func() {
			text, ok := recover().(string)
			if !ok || !strings.HasPrefix(text, "a trap\ngoroutine") {
				t.Errorf("recovered %q", text)
			}
			expect(t, "in flight", 0, s.inFlight["apply p"])
		}()
		_, err := s.sync(t, 20, 2)
		t.Errorf("no panic, but %v", err)
	})
}
