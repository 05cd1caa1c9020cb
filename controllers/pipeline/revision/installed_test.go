package revision_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/names"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run/job/defaults"
)

// installation is a cluster's ConfigMap with defaults for jobs.
type installation struct {
	*revision.Installed
	live client.Client
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	live := fake.NewClientBuilder().WithScheme(scheme).Build()
	return &installation{
		Installed: &revision.Installed{Reader: live, Key: client.ObjectKey{Namespace: "kayci", Name: "job-defaults"}}, live: live,
	}
}

// say writes the ConfigMap.
func (i *installation) say(t *testing.T, template string) {
	t.Helper()
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: i.Key.Namespace, Name: i.Key.Name}}
	err := i.live.Get(t.Context(), i.Key, configMap)
	configMap.Data = map[string]string{"jobTemplate": template}
	if apierrors.IsNotFound(err) {
		err = i.live.Create(t.Context(), configMap)
	} else if err == nil {
		err = i.live.Update(t.Context(), configMap)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func label(value string) string {
	return "spec: {template: {metadata: {labels: {cost-centre: " + value + "}}}}"
}

// A copy holds the defaults of its time. Others make another copy, and the same
// ones again the same.
func TestEnsureMergesTheInstallationsDefaults(t *testing.T) {
	t.Parallel()
	i, p := newInstallation(t), pipeline("web", "u1", "golang:1.26")
	c := newClient(t, interceptor.Funcs{})
	ensure := func(template string) string {
		t.Helper()
		i.say(t, template)
		name, err := revision.Ensure(t.Context(), c, i.Installed, p)
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	plain, first, second := ensure(""), ensure(label("ci")), ensure(label("other"))
	if plain != revision.Name(p) {
		t.Errorf("defaults that say nothing give %s, without any it is %s", plain, revision.Name(p))
	}
	if again := ensure("# the same\n" + label(`"ci"`)); again != first {
		t.Errorf("the same defaults give %s, before it was %s", again, first)
	}
	got := map[string]string{}
	var list appsv1.ControllerRevisionList
	if err := c.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	for _, rev := range list.Items {
		spec, err := revision.Spec(&rev)
		if err != nil {
			t.Fatal(err)
		}
		got[rev.Name] = spec.Jobs[0].Template.Spec.Template.Labels["cost-centre"]
	}
	if diff := cmp.Diff(map[string]string{plain: "", first: "ci", second: "other"}, got); diff != "" {
		t.Errorf("copies (-want +got):\n%s", diff)
	}
}

// Another version of the merge makes another copy, although the Pipeline and the
// defaults are the same. Without defaults nothing is merged.
func TestNameHasTheVersionOfTheMerge(t *testing.T) {
	t.Parallel()
	i, p := newInstallation(t), pipeline("web", "u1", "golang:1.26")
	i.say(t, label("ci"))
	name, err := revision.Ensure(t.Context(), newClient(t, interceptor.Funcs{}), i.Installed, p)
	if err != nil {
		t.Fatal(err)
	}
	current, err := i.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spec, err := json.Marshal(p.Spec)
	if err != nil {
		t.Fatal(err)
	}
	hash := func(version int) string {
		return names.Hashed("web", names.MaxLabel, "u1", string(spec), strconv.Itoa(version), string(current.Canonical()))
	}
	if want, other := hash(defaults.Version), hash(defaults.Version+1); name != want || name == other {
		t.Errorf("the name is %s, want %s, and with another version %s", name, want, other)
	}
}

// Without whole defaults there is no copy at all.
func TestEnsureWithFaultyDefaults(t *testing.T) {
	t.Parallel()
	i, p := newInstallation(t), pipeline("web", "u1", "golang:1.26")
	p.Spec.Jobs[0].Template.Spec.Template.Spec.Containers[0].Args = []string{"$(A)"}
	c := newClient(t, interceptor.Funcs{})
	check := func(want string) {
		t.Helper()
		_, err := revision.Ensure(t.Context(), c, i.Installed, p)
		found, _ := fault.Of(err)
		if diff := cmp.Diff(&fault.Error{Reason: v1alpha1.ReasonInvalidJobDefaults, Message: want}, found); diff != "" {
			t.Errorf("got %v (-want +got):\n%s", err, diff)
		}
		var list appsv1.ControllerRevisionList
		if err := c.List(t.Context(), &list); err != nil || len(list.Items) > 0 {
			t.Errorf("there are %d copies, %v", len(list.Items), err)
		}
	}
	check("there is no ConfigMap kayci/job-defaults")
	i.say(t, "spec: {suspend: true}")
	check("ConfigMap kayci/job-defaults: jobTemplate.spec.suspend: Forbidden: of a Job's spec, defaults hold the pod's template alone: remove it")
	if i.Valid() != 0 {
		t.Error("the defaults are said to be valid")
	}
	i.say(t, `spec: {template: {spec: {containers: [{name: "*", env: [{name: A, value: $(KAYCI_TITLE)}]}]}}}`)
	if i.Valid() != 1 {
		t.Error("the defaults are said to be invalid")
	}
	_, err := revision.Ensure(t.Context(), c, i.Installed, p)
	if !fault.Is(err) || !errors.Is(err, revision.ErrTogether) {
		t.Errorf("got %v", err)
	}
}
