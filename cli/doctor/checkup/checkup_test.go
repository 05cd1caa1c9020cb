package checkup

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kayci/kayci/api/v1alpha1"
)

type definition = Answer[*apiextensionsv1.CustomResourceDefinition]

func noon() time.Time { return time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) }

func forbidden(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
}

// healthy is a cluster in which nothing is wrong.
func healthy(t *testing.T) *Facts {
	t.Helper()
	one := int32(1)
	crd := &apiextensionsv1.CustomResourceDefinition{Spec: apiextensionsv1.CustomResourceDefinitionSpec{
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1alpha1", Served: true}, {Name: "v0", Served: false}},
	}}
	controller := appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "kayci-system", Name: "kayci"}}
	controller.Spec.Replicas, controller.Status.ReadyReplicas = &one, 1
	controller.Spec.Template.Spec.Containers = []corev1.Container{{Image: "registry.example.com:5000/kayci:v1.2.3"}}
	webhook := admissionv1.ValidatingWebhook{Name: "runs.kayci.dev"}
	webhook.ClientConfig.CABundle = bundle(t, noon().Add(24*time.Hour), noon().Add(60*24*time.Hour))
	return &Facts{
		Now: noon(), Program: "1.2.3", Namespace: "ci",
		Server:      Answer[string]{Value: "v1.37.0"},
		Kinds:       map[string]definition{"runs.kayci.dev": {Value: crd}},
		Deployments: Answer[[]appsv1.Deployment]{Value: []appsv1.Deployment{controller}},
		Webhooks: Answer[[]admissionv1.ValidatingWebhookConfiguration]{Value: []admissionv1.ValidatingWebhookConfiguration{{
			ObjectMeta: metav1.ObjectMeta{Name: "kayci.kayci-system"}, Webhooks: []admissionv1.ValidatingWebhook{webhook},
		}}},
		Store:       Answer[string]{Value: "kayci-system/kayci-store"},
		Mine:        []Right{{To: "look at Runs", Takes: "list runs.kayci.dev", Needed: true, Allowed: Answer[bool]{Value: true}}},
		Controllers: []Right{{Who: "the account", To: "make Jobs", Takes: "create jobs.batch", Needed: true, Allowed: Answer[bool]{Value: true}}},
		ConfigRepos: Answer[[]v1alpha1.ConfigRepo]{Value: []v1alpha1.ConfigRepo{{Status: v1alpha1.ConfigRepoStatus{Conditions: ready(metav1.ConditionTrue)}}}},
	}
}

func ready(status metav1.ConditionStatus) []metav1.Condition {
	return []metav1.Condition{{Type: "Ready", Status: status, Reason: "FetchFailed", Message: "no \x1b[31msuch host"}}
}

func TestLines(t *testing.T) {
	t.Parallel()
	named := metav1.ObjectMeta{Namespace: "ci", Name: "web"}
	tests := map[string]struct {
		edit func(*Facts)
		// want are the lines that differ from those of a healthy cluster.
		want    []Line
		healthy bool
	}{
		"nothing is wrong": {edit: func(*Facts) {}, healthy: true},
		"old": {
			edit: func(f *Facts) { f.Server.Value = "v1.30.9+k3s1" },
			want: []Line{{Wrong, "Kubernetes", "v1.30.9+k3s1 is older than 1.31, the oldest that KayCI works with", "upgrade the cluster"}},
		},
		"nothing is installed": {
			edit: func(f *Facts) {
				f.Kinds["runs.kayci.dev"] = definition{Err: apierrors.NewNotFound(schema.GroupResource{}, "x")}
				f.Deployments.Value, f.Webhooks.Value = nil, nil
			},
			want: []Line{
				{Wrong, "CRD runs.kayci.dev", "it isn't there", "install KayCI's chart, with crds.install"},
				{Wrong, "controller", "there is none: no Deployment has the labels of KayCI's chart", "install KayCI's chart"},
				{Note, "admission", "no webhook refuses invalid objects: they are stored, and say so in their status", "set admission.enabled of the chart for a refusal at once"},
			},
		},
		"nothing may be read": {
			edit: func(f *Facts) {
				f.Kinds["runs.kayci.dev"] = definition{Err: forbidden("crds")}
				f.Deployments.Err, f.Webhooks.Err, f.ConfigRepos.Err = forbidden("x"), forbidden("x"), forbidden("x")
				f.Controllers[0].Allowed.Err = forbidden("x")
			},
			want: []Line{
				{Unknown, "CRD runs.kayci.dev", "you may not read CustomResourceDefinitions", "whoever administers the cluster can call this command"},
				{Unknown, "controller", "you may not read Deployments of all namespaces", "whoever administers the cluster can call this command"},
				{Unknown, "admission", "you may not read ValidatingWebhookConfigurations", "whoever administers the cluster can call this command"},
				{Unknown, "controller's rights", "you may not read what the account may do", "whoever administers the cluster can call this command"},
				{Unknown, "ConfigRepos", "you may not read ConfigRepos", "whoever administers the cluster can call this command"},
			},
			healthy: true,
		},
		"no store": {
			edit: func(f *Facts) { f.Store.Value = "" },
			want: []Line{{
				Note, "store", "none is known: without one logs go with their pods, and a node keeps the newest 10 MiB of what a container prints, unless its kubelet is told otherwise",
				"set store.enabled and store.readers of the chart, or name the store (--store); or collect logs, and raise containerLogMaxSize of the kubelets where jobs print more",
			}},
			healthy: true,
		},
		"a store that is away": {
			edit: func(f *Facts) { f.Store.Err = errors.New("no endpoints") },
			want: []Line{{
				Wrong, "store kayci-system/kayci-store", "it doesn't answer: no endpoints",
				"see `kubectl describe deployment,pods -n kayci-system -l app.kubernetes.io/component=store` and its log",
			}},
		},
		"a store for others": {
			edit:    func(f *Facts) { f.Store.Err = forbidden("services") },
			want:    []Line{{Unknown, "store kayci-system/kayci-store", "you may not ask it", "whoever administers the cluster can name you in store.readers of the chart"}},
			healthy: true,
		},
		"a store that nobody finds": {
			edit:    func(f *Facts) { f.Store = Answer[string]{Err: errors.New("timeout")} },
			want:    []Line{{Unknown, "store", "where the store is can't be read: timeout", ""}},
			healthy: true,
		},
		"a controller of another version that isn't ready": {
			edit: func(f *Facts) {
				d := &f.Deployments.Value[0]
				d.Status.ReadyReplicas, d.Spec.Template.Spec.Containers[0].Image = 0, "registry.example.com:5000/kayci:1.3.0"
			},
			want: []Line{
				{Wrong, "controller kayci-system/kayci", "version 1.3.0, 0 of 1 replicas are ready", "see `kubectl describe deployment,pods -n kayci-system` and `kubectl logs -n kayci-system deployment/kayci`"},
				{Note, "controller kayci-system/kayci", "it is of version 1.3.0 and this program of 1.2.3: they may differ in what they know", ""},
			},
		},
		"a certificate that is to end": {
			edit:    func(f *Facts) { f.Now = noon().Add(50 * 24 * time.Hour) },
			want:    []Line{{Note, "admission kayci.kayci-system", "the certificate that it trusts is valid until 2027-01-26", "it should have been renewed by now: see the controller's log"}},
			healthy: true,
		},
		"a certificate that has ended": {
			edit: func(f *Facts) { f.Now = noon().Add(60 * 24 * time.Hour) },
			want: []Line{{Wrong, "admission kayci.kayci-system", "the certificate that it trusts has expired on 2027-01-26", "restart the controller, which renews its own, or see cert-manager's Certificate"}},
		},
		"no certificate": {
			edit: func(f *Facts) { f.Webhooks.Value[0].Webhooks[0].ClientConfig.CABundle = nil },
			want: []Line{{Wrong, "admission kayci.kayci-system", "the API server trusts no certificate of webhook runs.kayci.dev: its caBundle is blank", "the controller writes it when it leads: see its log; with cert-manager, see its Certificate"}},
		},
		"rights that are missing": {
			edit: func(f *Facts) {
				f.Mine = append(f.Mine, Right{To: "approve jobs", Takes: "approve runs.kayci.dev"}, Right{To: "read logs", Takes: "get pods/log"})
				f.Controllers[0].Allowed.Value = false
			},
			want: []Line{
				{Wrong, "controller's rights", "the account may not make Jobs", "that takes create jobs.batch: see that the chart has made its roles (rbac.create), and that watchNamespaces has the namespace"},
				{Note, "your rights", "you may not approve jobs, read logs", "that takes approve runs.kayci.dev, get pods/log: whoever administers the namespace can give them"},
			},
		},
		"objects that aren't ready": {
			edit: func(f *Facts) {
				f.ConfigRepos.Value = append(f.ConfigRepos.Value, v1alpha1.ConfigRepo{ObjectMeta: named, Status: v1alpha1.ConfigRepoStatus{Conditions: ready(metav1.ConditionFalse)}})
				f.Triggers.Value = []v1alpha1.Trigger{{ObjectMeta: named}, {ObjectMeta: named, Spec: v1alpha1.TriggerSpec{Suspend: true}}}
			},
			want: []Line{
				{Wrong, "ConfigRepo ci/web", "FetchFailed: no \\x1b[31msuch host", "see `kubectl describe configrepo web -n ci`, and docs/reasons.md"},
				{Note, "Trigger ci/web", "no controller has looked at it yet", "see `kubectl describe trigger web -n ci`, and docs/reasons.md"},
				{Note, "Trigger ci/web", "it is suspended", "see `kubectl describe trigger web -n ci`, and docs/reasons.md"},
			},
		},
		"Runs that wait": {
			edit: func(f *Facts) {
				f.Runs.Value = []v1alpha1.Run{{ObjectMeta: named}, {ObjectMeta: named, Status: v1alpha1.RunStatus{Phase: v1alpha1.RunFailed}}}
			},
			want:    []Line{{Note, "Run ci/web", "no controller has looked at it yet", ""}},
			healthy: true,
		},
	}
	usual := map[Line]bool{}
	for _, line := range Lines(healthy(t)) {
		usual[line] = true
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := healthy(t)
			test.edit(facts)
			lines := Lines(facts)
			var got []Line
			for _, line := range lines {
				if !usual[line] {
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if Healthy(lines) != test.healthy {
				t.Errorf("healthy is %v", !test.healthy)
			}
		})
	}
}

// Hundreds of objects that aren't ready are not hundreds of lines.
func TestLinesAreBounded(t *testing.T) {
	t.Parallel()
	facts := healthy(t)
	for range 200 {
		facts.Triggers.Value = append(facts.Triggers.Value, v1alpha1.Trigger{Status: v1alpha1.TriggerStatus{Conditions: ready(metav1.ConditionFalse)}})
		facts.Runs.Value = append(facts.Runs.Value, v1alpha1.Run{})
	}
	lines := Lines(facts)
	if len(lines) > 40 || Healthy(lines) {
		t.Errorf("%d lines", len(lines))
	}
	want := []Line{{Wrong, "Triggers", "190 more are not ready", ""}, {Note, "Runs", "190 more wait", ""}}
	var got []Line
	for _, line := range lines {
		if line == want[0] || line == want[1] {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
