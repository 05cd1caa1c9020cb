package find_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/test/copies"
)

// finder of a namespace ci that holds the objects.
func finder(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) find.Finder {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(appsv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).WithInterceptorFuncs(funcs).
		WithIndex(&v1alpha1.Run{}, v1alpha1.CompletionTimeField, func(o client.Object) []string {
			if run, is := o.(*v1alpha1.Run); is && run.Status.CompletionTime != nil {
				return []string{run.Status.CompletionTime.UTC().Format(time.RFC3339)}
			}
			return []string{""}
		}).Build()
	return find.Finder{Reader: c, Namespace: "ci"}
}

func run(pipeline, name string, number int64, second int64, changes ...func(*v1alpha1.Run)) *v1alpha1.Run {
	r := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: "uid", CreationTimestamp: metav1.Unix(second, 0),
			Labels: map[string]string{v1alpha1.PipelineLabel: pipeline},
		},
		Spec:   v1alpha1.RunSpec{Pipeline: pipeline},
		Status: v1alpha1.RunStatus{Number: number, Phase: v1alpha1.RunRunning},
	}
	for _, change := range changes {
		change(r)
	}
	return r
}

func ended(r *v1alpha1.Run) {
	r.Status.Phase, r.Status.CompletionTime = v1alpha1.RunFailed, &r.CreationTimestamp
}

func pipeline(name string) *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name}}
}

func TestParseRef(t *testing.T) {
	refused := func(text string) string {
		return fmt.Sprintf("%q names no Run: it takes a Run's name, PIPELINE/NUMBER, or a Pipeline for its newest Run", text)
	}
	for _, tt := range []struct {
		text string
		want find.Ref
		err  string
	}{
		{"", find.Ref{}, ""},
		{"web", find.Ref{Name: "web", Pipeline: "web"}, ""},
		{"12", find.Ref{Name: "12", Pipeline: "12"}, ""},
		{"web/12", find.Ref{Pipeline: "web", Number: 12}, ""},
		{"web/", find.Ref{Pipeline: "web"}, ""},
		{"run.kayci.dev/web", find.Ref{Name: "web"}, ""},
		{"run.kayci.dev/12", find.Ref{Name: "12"}, ""},
		{"run/12", find.Ref{Pipeline: "run", Number: 12}, ""},
		{"web/0", find.Ref{}, refused("web/0")},
		{"web/-1", find.Ref{}, refused("web/-1")},
		{"web/99999999999999999999", find.Ref{}, refused("web/99999999999999999999")},
		{"web/1/2", find.Ref{}, refused("web/1/2")},
		{"/12", find.Ref{}, refused("/12")},
		{"../pods", find.Ref{}, refused("../pods")},
		{"run.kayci.dev/", find.Ref{}, refused("run.kayci.dev/")},
		{"Web", find.Ref{}, refused("Web")},
		{"\x1b[2J", find.Ref{}, refused("\x1b[2J")},
	} {
		got, err := find.ParseRef(tt.text)
		var said string
		if err != nil {
			said = err.Error()
		}
		if got != tt.want || said != tt.err {
			t.Errorf("%q: %+v, %q", tt.text, got, said)
		}
	}
}

func TestRun(t *testing.T) {
	other := run("web", "elsewhere", 9, 900)
	other.Namespace = "other"
	world := []client.Object{
		pipeline("web"), pipeline("api"), pipeline("idle"),
		run("web", "web-aaaaa", 1, 100, ended), run("web", "web-bbbbb", 2, 300), run("web", "web-ccccc", 3, 200, ended),
		run("api", "api", 1, 50), run("api", "api-ddddd", 2, 400), other,
	}
	for text, want := range map[string]string{
		"":                        "api-ddddd",
		"web":                     "web-bbbbb",
		"web/":                    "web-bbbbb",
		"web/1":                   "web-aaaaa",
		"web-ccccc":               "web-ccccc",
		"run.kayci.dev/web-aaaaa": "web-aaaaa",
		// A Run that is named as a Pipeline.
		"api":               "api",
		"api/":              "api-ddddd",
		"api/1":             "api",
		"run.kayci.dev/api": "api",

		"web/4":             "there is no Run 4 of Pipeline web in the namespace ci: `kayci runs web` lists those that are kept",
		"wbe":               "there is no Run or Pipeline wbe in the namespace ci: did you mean web?",
		"wbe/1":             "there is no Pipeline wbe in the namespace ci: did you mean web?",
		"web-aaab":          "there is no Run or Pipeline web-aaab in the namespace ci: did you mean web-aaaaa?",
		"run.kayci.dev/web": "there is no Run web in the namespace ci: did you mean web-aaaaa or web-bbbbb or web-ccccc?",
		"idle":              "there is no Run of Pipeline idle in the namespace ci: `kayci start idle` starts one",
		"idle/":             "there is no Run of Pipeline idle in the namespace ci: `kayci start idle` starts one",
		"nothing-like-it/":  "there is no Pipeline nothing-like-it in the namespace ci: there are api, idle, web",
		"elsewhere":         "there is no Run or Pipeline elsewhere in the namespace ci",
	} {
		got, err := finder(t, interceptor.Funcs{}, world...).Run(t.Context(), text)
		said := ""
		switch {
		case err != nil && want != "":
			said = err.Error()
		case err == nil:
			said = got.Name
		}
		if said != want {
			t.Errorf("%q: got %q, want %q", text, said, want)
		}
	}
}

func TestNothingIsThere(t *testing.T) {
	for text, want := range map[string]string{
		"":     "there is no Run in the namespace ci: `kayci start PIPELINE` starts one",
		"web":  "there is no Run or Pipeline web in the namespace ci: there is no Pipeline at all; is --namespace the right one?",
		"web/": "there is no Pipeline web in the namespace ci: there is no Pipeline at all; is --namespace the right one?",
	} {
		if _, err := finder(t, interceptor.Funcs{}).Run(t.Context(), text); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What went wrong is said, and nothing that went wrong for its explanation.
func TestErrors(t *testing.T) {
	broken := interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return apierrors.NewServiceUnavailable("etcd is away")
		},
	}
	f := finder(t, broken)
	if _, err := f.Run(t.Context(), "web"); err == nil || err.Error() != "list Runs: etcd is away" {
		t.Error(err)
	}
	if _, err := f.Run(t.Context(), "run.kayci.dev/web"); err == nil || err.Error() != "there is no Run web in the namespace ci" {
		t.Error(err)
	}
	unserved := interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return apierrors.NewGenericServerResponse(404, "get", v1alpha1.GroupVersion().WithResource("runs").GroupResource(), "web", "404 page not found", 0, true)
	}}
	if _, err := finder(t, unserved).Run(t.Context(), "web"); !apierrors.IsNotFound(err) {
		t.Errorf("a kind that isn't served: %v", err)
	}
}

func TestRuns(t *testing.T) {
	var world []client.Object
	for i := range int64(1300) {
		r := run([]string{"web", "api"}[i%2], fmt.Sprintf("run-%04d", (i*701)%1300), i, i)
		if i%3 > 0 {
			ended(r)
		}
		world = append(world, r)
	}
	type result struct {
		Numbers []int64
		Matched int
	}
	for name, tt := range map[string]struct {
		query find.Query
		want  result
	}{
		"the newest":            {find.Query{Limit: 3}, result{[]int64{1299, 1298, 1297}, 1300}},
		"of one Pipeline":       {find.Query{Pipeline: "web", Limit: 2}, result{[]int64{1298, 1296}, 650}},
		"that have not ended":   {find.Query{Active: true, Limit: 2}, result{[]int64{1299, 1296}, 434}},
		"that a caller chooses": {find.Query{Keep: func(r *v1alpha1.Run) bool { return r.Status.Number < 4 }}, result{[]int64{3, 2, 1, 0}, 4}},
		"of none":               {find.Query{Pipeline: "nothing"}, result{nil, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := finder(t, interceptor.Funcs{List: paged(t)}, world...).Runs(t.Context(), tt.query)
			if err != nil {
				t.Fatal(err)
			}
			got := result{Matched: found.Matched}
			for i := range found.Runs {
				got.Numbers = append(got.Numbers, found.Runs[i].Status.Number)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// paged answers as an API server does, with so many objects as are asked for.
func paged(t *testing.T) func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
	t.Helper()
	return func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		var options client.ListOptions
		options.ApplyOptions(opts)
		if err := c.List(ctx, list, opts...); err != nil {
			return err
		}
		runs, is := list.(*v1alpha1.RunList)
		if !is || options.Limit == 0 {
			t.Fatalf("lists %T, %d at a time", list, options.Limit)
		}
		from := 0
		if options.Continue != "" {
			if _, err := fmt.Sscan(options.Continue, &from); err != nil {
				t.Fatal(err)
			}
		}
		to := min(from+int(options.Limit), len(runs.Items))
		if to < len(runs.Items) {
			runs.Continue = fmt.Sprint(to)
		}
		runs.Items = slices.Clone(runs.Items[from:to])
		return nil
	}
}

func TestNear(t *testing.T) {
	names := []string{"web", "web-push", "api", "web-pull", "deploy-production", "web", "wob"}
	for name, want := range map[string][]string{
		"wbe": {"web"}, "we": {"web", "web-pull", "web-push"}, "web-pus": {"web-push", "web-pull"},
		"deploy-prdouction": {"deploy-production"}, "x": nil, "": {"api", "deploy-production", "web"},
	} {
		if diff := cmp.Diff(want, find.Near(name, names)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}
