package trigger

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/copies"
)

func webhookTrigger(edits ...func(*v1alpha1.TriggerSpec)) *v1alpha1.Trigger {
	t := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-push", Generation: 3},
		Spec: v1alpha1.TriggerSpec{
			Pipeline: "web",
			Params:   map[string]string{"git_sha": "event.sha"},
			Webhook:  &v1alpha1.Webhook{Provider: v1alpha1.ProviderGitHub, SecretRef: meta.LocalObjectReference{Name: "hook"}},
		},
	}
	for _, edit := range edits {
		edit(&t.Spec)
	}
	return t
}

func webPipeline(params ...v1alpha1.Param) *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web"}, Spec: v1alpha1.PipelineSpec{Params: params}}
}

func hookSecret(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "hook"}, Data: data}
}

func named(name string, data map[string][]byte) *corev1.Secret {
	secret := hookSecret(data)
	secret.Name = name
	return secret
}

func reporting(provider string) func(*v1alpha1.TriggerSpec) {
	return func(s *v1alpha1.TriggerSpec) {
		s.Report = &v1alpha1.Report{Provider: provider, SecretRef: meta.LocalObjectReference{Name: "report"}}
	}
}

// world is a Reconciler over a fake API server that counts status writes.
type world struct {
	*Reconciler
	writes int
}

func newWorld(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	w := &world{}
	funcs.SubResourcePatch = func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
		w.writes++
		return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).
		WithStatusSubresource(&v1alpha1.Trigger{}).WithInterceptorFuncs(funcs).Build()
	w.Reconciler = &Reconciler{Client: c, APIReader: c}
	return w
}

func (w *world) reconcile(t *testing.T) ctrl.Result {
	t.Helper()
	result, err := w.Reconcile(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func request() reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "ci", Name: "web-push"}}
}

func (w *world) status(t *testing.T) v1alpha1.TriggerStatus {
	t.Helper()
	var trigger v1alpha1.Trigger
	if err := w.Client.Get(t.Context(), request().NamespacedName, &trigger); err != nil {
		t.Fatal(err)
	}
	return trigger.Status
}

func TestStatus(t *testing.T) {
	sha := v1alpha1.Param{Name: "git_sha"}
	token := hookSecret(map[string][]byte{"token": []byte("x")})
	deleting := webPipeline(sha)
	deleting.DeletionTimestamp, deleting.Finalizers = &metav1.Time{Time: time.Unix(1, 0)}, []string{"a/b"}
	generic := func(s *v1alpha1.TriggerSpec) { s.Webhook.Provider, s.Params = v1alpha1.ProviderGeneric, nil }

	type ready struct {
		Status          metav1.ConditionStatus
		Reason, Message string
		Next            time.Duration
	}
	receiving := ready{metav1.ConditionTrue, "Receiving", "Events sent to /hooks/ci/web-push start Runs of web", recheck}
	tests := map[string]struct {
		trigger *v1alpha1.Trigger
		objects []client.Object
		want    ready
	}{
		"receiving":                 {webhookTrigger(), []client.Object{webPipeline(sha), token}, receiving},
		"a default is enough":       {webhookTrigger(), []client.Object{webPipeline(sha, v1alpha1.Param{Name: "deploy", Default: new("no")}), token}, receiving},
		"generic gives by its body": {webhookTrigger(generic), []client.Object{webPipeline(sha), token}, receiving},
		"no pipeline": {webhookTrigger(), []client.Object{token}, ready{
			metav1.ConditionFalse, "PipelineNotFound", "Pipeline web does not exist in this namespace: create it, or correct spec.pipeline", recheck,
		}},
		"a pipeline being deleted": {webhookTrigger(), []client.Object{deleting, token}, ready{
			metav1.ConditionFalse, "PipelineNotFound", "Pipeline web does not exist in this namespace: create it, or correct spec.pipeline", recheck,
		}},
		"wrong params": {webhookTrigger(), []client.Object{webPipeline(v1alpha1.Param{Name: "sha"}, v1alpha1.Param{Name: "env"}), token}, ready{
			metav1.ConditionFalse, "InvalidParameters", "Pipeline web does not declare these of spec.params: git_sha; " +
				"Pipeline web requires parameters that spec.params doesn't give: sha, env", recheck,
		}},
		"no secret": {webhookTrigger(), []client.Object{webPipeline(sha)}, ready{
			metav1.ConditionFalse, "SecretNotUsable", "KayCI finds no value under the key token of a Secret hook in this namespace, so no request can be authentic", recheckMissing,
		}},
		"a secret without token": {webhookTrigger(), []client.Object{webPipeline(sha), hookSecret(map[string][]byte{"password": []byte("x")})}, ready{
			metav1.ConditionFalse, "SecretNotUsable", "KayCI finds no value under the key token of a Secret hook in this namespace, so no request can be authentic", recheckMissing,
		}},
		"a token that is a mere newline": {webhookTrigger(), []client.Object{webPipeline(sha), hookSecret(map[string][]byte{"token": []byte("\n")})}, ready{
			metav1.ConditionFalse, "SecretNotUsable", "KayCI finds no value under the key token of a Secret hook in this namespace, so no request can be authentic", recheckMissing,
		}},
		"a report without a Secret": {webhookTrigger(reporting("github")), []client.Object{webPipeline(sha), token}, ready{
			metav1.ConditionFalse, "SecretNotUsable", "KayCI finds no token of a git host in a Secret report in this namespace, so no Run is reported", recheckMissing,
		}},
		"a report without a token": {webhookTrigger(reporting("github")), []client.Object{webPipeline(sha), token, named("report", map[string][]byte{"appID": []byte("1")})}, ready{
			metav1.ConditionFalse, "SecretNotUsable", "KayCI finds no token of a git host in a Secret report in this namespace, so no Run is reported", recheckMissing,
		}},
		"a report by a token":    {webhookTrigger(reporting("github")), []client.Object{webPipeline(sha), token, named("report", map[string][]byte{"token": []byte("x")})}, receiving},
		"a report by a password": {webhookTrigger(reporting("bitbucket")), []client.Object{webPipeline(sha), token, named("report", map[string][]byte{"username": []byte("x"), "password": []byte("x")})}, receiving},
		"a report nowhere": {webhookTrigger(reporting("gitea")), []client.Object{webPipeline(sha), token}, ready{
			metav1.ConditionFalse, "InvalidSpec", "spec.report.api: Required value: the address of the host's API: gitea has one wherever it is installed", recheckMissing,
		}},
		"an expression that doesn't compile": {
			webhookTrigger(func(s *v1alpha1.TriggerSpec) { s.Webhook.If = "evnt.sha == ''" }),
			[]client.Object{webPipeline(sha), token},
			ready{metav1.ConditionFalse, "InvalidSpec", `spec.webhook.if: Invalid value: ` +
				"1:1: undeclared reference to 'evnt' (the variables are event and body; text stands in quotes)", recheck},
		},
		"suspended": {
			webhookTrigger(func(s *v1alpha1.TriggerSpec) { s.Suspend = true }),
			[]client.Object{webPipeline(sha), token},
			ready{metav1.ConditionFalse, "Suspended", "spec.suspend is true: events are answered and start nothing", recheck},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, interceptor.Funcs{}, append(tt.objects, tt.trigger)...)
			next := w.reconcile(t).RequeueAfter
			want := v1alpha1.TriggerStatus{ObservedGeneration: 3, WebhookPath: "/hooks/ci/web-push", Source: "/hooks/ci/web-push", Conditions: []metav1.Condition{{
				Type: "Ready", Status: tt.want.Status, Reason: tt.want.Reason, Message: tt.want.Message, ObservedGeneration: 3,
			}}}
			ignore := cmpopts.IgnoreFields(metav1.Condition{}, "LastTransitionTime")
			if diff := cmp.Diff(want, w.status(t), ignore); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if next != tt.want.Next {
				t.Errorf("looks again after %s, want %s", next, tt.want.Next)
			}
			w.reconcile(t)
			if w.writes != 1 {
				t.Errorf("two passes wrote %d times, want once", w.writes)
			}
		})
	}
}

func TestStatusFollowsTheSecret(t *testing.T) {
	w := newWorld(t, interceptor.Funcs{}, webhookTrigger(), webPipeline(v1alpha1.Param{Name: "git_sha"}))
	w.reconcile(t)
	if err := w.Client.Create(t.Context(), hookSecret(map[string][]byte{"token": []byte("x")})); err != nil {
		t.Fatal(err)
	}
	w.reconcile(t)
	if got := w.status(t).Conditions[0]; got.Status != metav1.ConditionTrue {
		t.Errorf("with the Secret made, Ready is %+v", got)
	}
}

func TestForbiddenSecretIsTheUsersToSolve(t *testing.T) {
	funcs := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		if _, ok := obj.(*corev1.Secret); ok {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, nil)
		}
		return c.Get(ctx, key, obj, opts...)
	}}
	w := newWorld(t, funcs, webhookTrigger(), webPipeline(v1alpha1.Param{Name: "git_sha"}))
	w.reconcile(t)
	want := "KayCI may not get Secret hook: grant its service account get on Secrets in this namespace"
	if got := w.status(t).Conditions[0]; got.Reason != v1alpha1.ReasonSecretNotUsable || got.Message != want {
		t.Errorf("Ready is %+v", got)
	}
}

func TestErrorsOfTheWorldAreReturned(t *testing.T) {
	for name, is := range map[string]func(client.Object) bool{
		"trigger":  func(o client.Object) bool { _, ok := o.(*v1alpha1.Trigger); return ok },
		"pipeline": func(o client.Object) bool { _, ok := o.(*v1alpha1.Pipeline); return ok },
		"secret":   func(o client.Object) bool { _, ok := o.(*corev1.Secret); return ok },
	} {
		t.Run(name, func(t *testing.T) {
			funcs := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				if is(obj) {
					return apierrors.NewTimeoutError("etcd is away", 1)
				}
				return c.Get(ctx, key, obj, opts...)
			}}
			w := newWorld(t, funcs, webhookTrigger(), webPipeline())
			if _, err := w.Reconcile(t.Context(), request()); !apierrors.IsTimeout(err) {
				t.Errorf("the error is %v", err)
			}
			if w.writes != 0 {
				t.Errorf("wrote %d times", w.writes)
			}
		})
	}
}

func TestGoneTriggerIsNoError(t *testing.T) {
	w := newWorld(t, interceptor.Funcs{})
	if result := w.reconcile(t); result != (ctrl.Result{}) {
		t.Errorf("the result is %+v", result)
	}
}
