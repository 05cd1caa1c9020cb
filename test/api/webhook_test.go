package api_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/admission"
)

// admissionWorld is a namespace whose objects go through the admission webhook.
type admissionWorld struct {
	client    client.Client
	namespace string
}

// newAdmission makes a namespace, and says what is to be admitted there with a
// certificate that the webhook itself makes.
func newAdmission(t *testing.T) *admissionWorld {
	t.Helper()
	cfg := serverConfig(t)
	w := &admissionWorld{client: newClient(t, cfg)}
	w.namespace = newNamespace(t, w.client)
	address := freeAddress(t)
	configuration := w.install(t, address)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "admission"}}
	if err := w.client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	startManager(t, cfg, w.namespace, func(mgr ctrl.Manager) error {
		return admission.SetupWithManager(mgr, admission.Options{
			Address: address, Host: "127.0.0.1", Secret: client.ObjectKeyFromObject(secret), Configuration: configuration,
		})
	})
	eventually(t, "the certificate is trusted", func(ctx context.Context) error {
		config := &admissionregistrationv1.ValidatingWebhookConfiguration{}
		if err := w.client.Get(ctx, client.ObjectKey{Name: configuration}, config); err != nil {
			return err
		}
		if len(config.Webhooks[0].ClientConfig.CABundle) == 0 {
			return errors.New("it isn't yet")
		}
		return nil
	})
	awaitAdmission(t, w.client, w.namespace)
	return w
}

// awaitAdmission waits until the API server asks the webhook about a namespace
// and trusts it.
func awaitAdmission(t *testing.T, c client.Client, namespace string) {
	t.Helper()
	eventually(t, "the webhook answers", func(ctx context.Context) error {
		probe := object(t, v1alpha1.TriggerKind, "probe", `{pipeline: web, webhook: {provider: generic, secretRef: {name: s}}, params: {Wrong: "1"}}`)
		probe.SetNamespace(namespace)
		switch err := client.NewDryRunClient(c).Create(ctx, probe); {
		case err == nil:
			return errors.New("it accepts a bad Trigger")
		case !apierrors.IsInvalid(err):
			return fmt.Errorf("about a bad Trigger: %w", err)
		}
		return nil
	})
}

// install tells the API server to ask the webhook about the namespace.
func (w *admissionWorld) install(t *testing.T, address string) string {
	t.Helper()
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	for resource, path := range map[string]string{
		"configrepos": admission.ConfigRepoPath, "pipelines": admission.PipelinePath,
		"triggers": admission.TriggerPath, "runs": admission.RunPath,
	} {
		config.Webhooks = append(config.Webhooks, admissionregistrationv1.ValidatingWebhook{
			Name:                    resource + "." + v1alpha1.Group,
			AdmissionReviewVersions: []string{"v1"},
			SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
			ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: new("https://" + address + path)},
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: w.namespace}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{v1alpha1.Group}, APIVersions: []string{"v1alpha1"}, Resources: []string{resource}},
			}},
		})
	}
	w.installConfiguration(t, config)
	runs := config.Webhooks[slices.IndexFunc(config.Webhooks, func(h admissionregistrationv1.ValidatingWebhook) bool { return h.Name == "runs.kayci.dev" })]
	w.installConfiguration(t, &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name:                    "approvals." + v1alpha1.Group,
			AdmissionReviewVersions: runs.AdmissionReviewVersions,
			SideEffects:             runs.SideEffects,
			ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: new("https://" + address + admission.StampPath)},
			NamespaceSelector:       runs.NamespaceSelector,
			Rules:                   runs.Rules,
		}},
	})
	return config.Name
}

// installConfiguration creates it until the test ends.
func (w *admissionWorld) installConfiguration(t *testing.T, config client.Object) {
	t.Helper()
	if err := w.client.Create(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.client.Delete(context.WithoutCancel(t.Context()), config); err != nil {
			t.Error(err)
		}
	})
}

// freeAddress is one that nothing listens at. Another process may take it.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func (w *admissionWorld) create(t *testing.T, kind, name, spec string) error {
	t.Helper()
	obj := object(t, kind, name, spec)
	obj.SetNamespace(w.namespace)
	return w.client.Create(t.Context(), obj)
}

// causes are the lines of a refusal, as kubectl prints them.
func causes(t *testing.T, err error) []string {
	t.Helper()
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) {
		t.Fatalf("the API server said %v, not that the object is invalid", err)
	}
	if !strings.Contains(err.Error(), "admission webhook") {
		t.Errorf("it isn't the webhook that refuses: %v", err)
	}
	details := status.Status().Details
	lines := []string{details.Kind + " " + details.Name}
	for _, cause := range details.Causes {
		lines = append(lines, cause.Field+": "+cause.Message)
	}
	return lines
}

// compileError is what the author of an expression is told, which begins so.
func compileError(t *testing.T, source, beginning string) string {
	t.Helper()
	env, err := expr.NewTriggerEnv()
	if err != nil {
		t.Fatal(err)
	}
	_, err = env.CompileCondition(source)
	if err == nil || !strings.HasPrefix(err.Error(), beginning) {
		t.Fatalf("the expression compiles with error %v, want one that begins with %q", err, beginning)
	}
	return err.Error()
}

// TestAdmissionWebhook shows that the rules that no schema can say hold for
// whoever writes, and with which words.
func TestAdmissionWebhook(t *testing.T) {
	w := newAdmission(t)
	job := func(fields string) string {
		return `{` + fields + `template: {spec: {template: {spec: {` + validContainer + `}}}}}`
	}
	script := func(text string) string {
		return `{jobs: [{name: a, template: {spec: {template: {spec: {containers: [{name: main, image: busybox, command: [sh, -c, '` + text + `']}]}}}}}]}`
	}
	webhook := func(fields string) string {
		return `{pipeline: web, webhook: {provider: github, secretRef: {name: s}` + fields
	}
	if err := w.create(t, v1alpha1.PipelineKind, "web", `{params: [{name: git_sha}, {name: deploy, default: "false"}], jobs: [`+validJob+`]}`); err != nil {
		t.Fatalf("a good Pipeline: %v", err)
	}
	for name, tc := range map[string]struct {
		kind, spec string
		want       []string
	}{
		"a later need, and an unknown one": {
			v1alpha1.PipelineKind, `{jobs: [` + job(`name: a, needs: [b], `) + `, ` + job(`name: b, needs: [nobody], `) + `]}`,
			[]string{
				`Pipeline x`,
				`spec.jobs[0].needs[0]: Invalid value: "b": names a later job: move that job before this one`,
				`spec.jobs[1].needs[0]: Invalid value: "nobody": the Pipeline has no job of this name`,
			},
		},
		"data as a program": {
			v1alpha1.PipelineKind, script(`echo $(KAYCI_TITLE)`),
			[]string{
				`Pipeline x`,
				`spec.jobs[0].template.spec.template.spec.containers[0].command[2]: Forbidden: Kubernetes would paste an event's data here, and some programs run what they are given: ` +
					`read "$KAYCI_TITLE", with quotes, in a script, or, if this container's program takes every argument as data, name the container in the pod's annotation kayci.dev/expand-params (ci.expandParams)`,
			},
		},
		"an expression that doesn't compile": {
			v1alpha1.TriggerKind, webhook(`, if: 'event.branch == "main" && event.brunch == "x"'}}`),
			[]string{
				`Trigger x`,
				`spec.webhook.if: Invalid value: ` + compileError(t, `event.branch == "main" && event.brunch == "x"`, "1:32: undefined field 'brunch'"),
			},
		},
		"a glob that is none": {
			v1alpha1.TriggerKind, webhook(`, branches: ['[']}}`),
			[]string{`Trigger x`, `spec.webhook.branches[0]: Invalid value: "[": is not a valid glob`},
		},
		"unknown and missing parameters": {
			v1alpha1.RunKind, `{pipeline: web, params: {sha: abc}}`,
			[]string{
				`Run x`,
				`spec.params[git_sha]: Required value: the Pipeline gives it no default`,
				`spec.params[sha]: Invalid value: the Pipeline does not declare it; it declares: git_sha, deploy`,
			},
		},
		"a Run of no Pipeline": {kind: v1alpha1.RunKind, spec: `{pipeline: nobody, params: {sha: abc}}`},
		"a good Run":           {kind: v1alpha1.RunKind, spec: `{pipeline: web, params: {git_sha: abc}}`},
		"a good Trigger":       {kind: v1alpha1.TriggerKind, spec: webhook(`, if: 'event.branch == "main"'}}`)},
		"a good ConfigRepo":    {kind: v1alpha1.ConfigRepoKind, spec: `{url: "https://git.example.com/acme/pipelines.git"}`},
		"a ConfigRepo's bad URL": {
			v1alpha1.ConfigRepoKind, `{url: "https://%zz"}`,
			[]string{`ConfigRepo x`, `spec.url: Invalid value: must begin with https://, http://, ssh:// or git:// and name a host`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dryRun := &admissionWorld{client: client.NewDryRunClient(w.client), namespace: w.namespace}
			err := dryRun.create(t, tc.kind, "x", tc.spec)
			if len(tc.want) == 0 {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if diff := cmp.Diff(tc.want, causes(t, err)); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAdmissionLeavesTheOldAlone is about objects that a newer rule would
// refuse: everything but their spec can still change.
func TestAdmissionLeavesTheOldAlone(t *testing.T) {
	cfg := serverConfig(t)
	unguarded := newClient(t, cfg)
	w := newAdmission(t)
	outside := newNamespace(t, unguarded)
	old := func(kind, spec string) client.Object {
		obj := object(t, kind, "old", spec)
		obj.SetNamespace(outside)
		obj.SetFinalizers([]string{"example.com/hold"})
		if err := unguarded.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		return obj
	}
	objects := map[string]client.Object{
		"Pipeline":   old(v1alpha1.PipelineKind, `{jobs: [{name: a, needs: [nobody], template: {spec: {template: {spec: {`+validContainer+`}}}}}]}`),
		"Trigger":    old(v1alpha1.TriggerKind, `{pipeline: web, webhook: {provider: github, secretRef: {name: s}, if: '('}}`),
		"ConfigRepo": old(v1alpha1.ConfigRepoKind, `{url: "https://%zz"}`),
		"Run":        old(v1alpha1.RunKind, `{pipeline: web, params: {WRONG: abc}}`),
	}
	w.extendTo(t, outside)
	for name, change := range map[string]struct {
		patch, want string
	}{
		"Pipeline":   {`{spec: {timeout: 1h, params: [{name: a}]}}`, `spec.jobs[0].needs[0]: Invalid value: "nobody": the Pipeline has no job of this name`},
		"Trigger":    {`{spec: {pipeline: other}}`, `spec.webhook.if: Invalid value`},
		"ConfigRepo": {`{spec: {suspend: true}}`, `spec.url: Invalid value`},
		"Run":        {`{spec: {cancelled: true}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			obj := objects[name]
			err := w.patch(t, obj, change.patch)
			if (change.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), change.want) {
				t.Errorf("a change of the spec was answered with %v, want %q", err, change.want)
			}
			if err := w.patch(t, obj, `{metadata: {labels: {a: b}}}`); err != nil {
				t.Errorf("label: %v", err)
			}
			if err := w.client.Delete(t.Context(), obj); err != nil {
				t.Errorf("delete: %v", err)
			}
			if err := w.patch(t, obj, `{metadata: {finalizers: null}}`); err != nil {
				t.Errorf("remove the finalizer: %v", err)
			}
			if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); !apierrors.IsNotFound(err) {
				t.Errorf("it is still there: %v", err)
			}
		})
	}
}

func (w *admissionWorld) patch(t *testing.T, obj client.Object, text string) error {
	t.Helper()
	patch, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return w.client.Patch(t.Context(), obj, client.RawPatch(types.MergePatchType, patch))
}

// extendTo has the webhook asked about another namespace, too.
func (w *admissionWorld) extendTo(t *testing.T, namespace string) {
	t.Helper()
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	if err := w.client.Get(t.Context(), client.ObjectKey{Name: w.namespace}, config); err != nil {
		t.Fatal(err)
	}
	for i := range config.Webhooks {
		config.Webhooks[i].NamespaceSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: []string{w.namespace, namespace},
		}}}
	}
	if err := w.client.Update(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	awaitAdmission(t, w.client, namespace)
}
