package configrepo_test

import (
	"context"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/git"
)

// asked keeps the newest request.
type asked struct {
	*world
	request git.Request
}

func (a *asked) Head(ctx context.Context, req git.Request) (git.Revision, error) {
	a.request = req
	return a.world.Head(ctx, req)
}

func TestProxyOfASecret(t *testing.T) {
	tests := map[string]struct {
		data         map[string][]byte
		proxy, ready string
	}{
		"good":    {map[string][]byte{"address": []byte("http://proxy:3128"), "username": []byte("me"), "password": []byte("p@ss")}, "http://me:p%40ss@proxy:3128", "Succeeded"},
		"bad":     {map[string][]byte{"address": []byte("proxy")}, "", "InvalidSecret"},
		"missing": {nil, "", v1alpha1.ReasonSecretNotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			repo := configRepo()
			repo.Spec.AllowEmpty = true
			repo.Spec.ProxySecretRef = &meta.LocalObjectReference{Name: "proxy"}
			objects := []client.Object{repo}
			if test.data != nil {
				objects = append(objects, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "proxy"}, Data: test.data})
			}
			w := newWorld(t, objects...)
			seen := &asked{world: w}
			w.reconciler.Fetcher = seen
			w.reconcile(t)
			expect(t, "Ready", test.ready, conditions.Get(w.repo(t), meta.ReadyCondition).Reason)
			got := ""
			if seen.request.Proxy != nil {
				proxy, err := seen.request.Proxy(nil)
				if err != nil {
					t.Fatal(err)
				}
				got = proxy.String()
			}
			expect(t, "proxy", test.proxy, got)
		})
	}
}

// asking asks for a sync while its first look is under way.
type asking struct {
	*world
	asked bool
}

func (a *asking) Head(ctx context.Context, req git.Request) (git.Revision, error) {
	head, err := a.world.Head(ctx, req)
	if a.asked || err != nil {
		return head, err
	}
	a.asked = true
	repo := configRepo()
	patch := []byte(`{"metadata":{"annotations":{"` + meta.ReconcileRequestAnnotation + `":"now"}}}`)
	return head, a.Client.Patch(ctx, repo, client.RawPatch(types.MergePatchType, patch))
}

// A request that comes while a look is under way may have been made after what
// that look has seen, so it is answered by another one.
func TestARequestMeanwhileIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, configRepo())
	w.rendered = []render.Object{webPipeline("busybox:1")}
	w.reconciler.Fetcher = &asking{world: w}
	result, _, _ := w.reconcile(t)
	expect(t, "wait", ctrl.Result{RequeueAfter: time.Millisecond}, result)
	expect(t, "handled at first", "", w.repo(t).Status.LastHandledReconcileAt)
	result, _, _ = w.reconcile(t)
	expect(t, "wait of the second", ctrl.Result{RequeueAfter: 5 * time.Minute}, result)
	expect(t, "handled", "now", w.repo(t).Status.LastHandledReconcileAt)
	expect(t, "looks", 2, w.looks)
}
