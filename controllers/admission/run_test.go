package admission

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/test/copies"
)

func reader(t *testing.T, objects ...client.Object) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).Build()
}

func declaring(params ...string) *v1alpha1.Pipeline {
	p := &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web", UID: "1"}}
	for _, name := range params {
		p.Spec.Params = append(p.Spec.Params, v1alpha1.Param{Name: name})
	}
	p.Spec.Jobs = []v1alpha1.Job{{Name: "a"}}
	p.Spec.Jobs[0].Template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main"}}
	return p
}

// A cache that is behind refuses nothing, and a Run pinned to a revision is
// measured by that.
func TestRunIsMeasuredByWhatItNames(t *testing.T) {
	old, current := declaring("old"), declaring("new")
	rev := revision.New(old, 1)
	other := revision.New(old, 1)
	other.Labels[v1alpha1.PipelineLabel] = "other"
	for name, tc := range map[string]struct {
		cached, live []client.Object
		param, pin   string
		want         string
	}{
		"as cached":              {[]client.Object{current}, nil, "new", "", ""},
		"cache behind":           {[]client.Object{old}, []client.Object{current}, "new", "", ""},
		"not cached":             {nil, []client.Object{current}, "new", "", ""},
		"wrong for both":         {[]client.Object{old}, []client.Object{current}, "third", "", "it declares: new"},
		"wrong, not cached":      {nil, []client.Object{current}, "third", "", "it declares: new"},
		"no such Pipeline":       {nil, nil, "third", "", ""},
		"pinned":                 {[]client.Object{current, rev}, nil, "old", rev.Name, ""},
		"pinned, wrong":          {[]client.Object{current, rev}, []client.Object{current, rev}, "new", rev.Name, "it declares: old"},
		"pinned to nothing":      {[]client.Object{current}, []client.Object{current}, "old", rev.Name, ""},
		"pinned to another's":    {[]client.Object{other}, []client.Object{other}, "new", other.Name, ""},
		"gone, cache behind":     {[]client.Object{old}, nil, "new", "", ""},
		"what no Pipeline takes": {nil, nil, "NEW", "", "must be lower-case letters"},
	} {
		t.Run(name, func(t *testing.T) {
			v := runs{cached: reader(t, tc.cached...), live: reader(t, tc.live...)}
			_, err := v.ValidateCreate(t.Context(), &v1alpha1.Run{
				ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1"},
				Spec:       v1alpha1.RunSpec{Pipeline: "web", Revision: tc.pin, Params: map[string]string{tc.param: "x"}},
			})
			if (tc.want == "") != (err == nil) || err != nil && (!apierrors.IsInvalid(err) || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got error %v, want %q", err, tc.want)
			}
		})
	}
}

// What a retry leaves out comes from the Run that it retries; what it gives is
// measured.
func TestRetryIsMeasuredByWhatItGives(t *testing.T) {
	old, current := declaring("old"), declaring("new")
	rev := revision.New(old, 1)
	objs := []client.Object{current, rev}
	given := map[string]string{"old": "x"}
	for name, tc := range map[string]struct {
		retryOf, pin string
		params       map[string]string
		want         string
	}{
		"no retry":               {want: "params[new]: Required value"},
		"all left out":           {retryOf: "first"},
		"revision given":         {retryOf: "first", pin: rev.Name},
		"params given":           {retryOf: "first", params: given},
		"both given":             {retryOf: "first", pin: rev.Name, params: given},
		"both given, wrong":      {retryOf: "first", pin: rev.Name, params: map[string]string{"new": "x"}, want: "it declares: old"},
		"what no Pipeline takes": {retryOf: "first", params: map[string]string{"NEW": "x"}, want: "must be lower-case letters"},
	} {
		v := runs{cached: reader(t, objs...), live: reader(t, objs...)}
		_, err := v.ValidateCreate(t.Context(), &v1alpha1.Run{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1"},
			Spec:       v1alpha1.RunSpec{Pipeline: "web", RetryOf: tc.retryOf, Revision: tc.pin, Params: tc.params},
		})
		if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got error %v, want %q", name, err, tc.want)
		}
	}
}

// What can't be looked up is neither good nor bad.
func TestFailedReadIsNoVerdict(t *testing.T) {
	down := interceptor.NewClient(reader(t), interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return errors.New("no route to host")
		},
	})
	run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1"}, Spec: v1alpha1.RunSpec{Pipeline: "web"}}
	if _, err := (runs{cached: down, live: reader(t)}).ValidateCreate(t.Context(), run); err != nil {
		t.Errorf("with the cache alone down: %v", err)
	}
	_, err := (runs{cached: down, live: down}).ValidateCreate(t.Context(), run)
	if !apierrors.IsInternalError(err) || !strings.Contains(err.Error(), "get pipeline web: no route to host") {
		t.Errorf("got error %v, want an internal one that says what failed", err)
	}
}
