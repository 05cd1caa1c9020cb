package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// Names of the demo's objects. The examples' triggers name the Secret of webhooks.
const (
	namespace     = "kayci-demo"
	webhookSecret = "webhook"
	gitSecret     = "git"
	reportSecret  = "gitea"
	configRepo    = "examples"
	pushTrigger   = "greeting"
)

// visitor is the account, in KayCI's own namespace, that everybody looks as who opens the
// web page.
const visitor = "kayci-demo-visitor"

// branch of the demo's repositories.
const branch = "main"

// values are the chart's: what the examples need, and the page for visitors.
func values() map[string]any {
	return map[string]any{
		"replicas": 2, "triggers": cluster.KindsOfExamples(),
		// Plain HTTP can't keep who has signed in: to act, `kayci ui` serves the page to oneself.
		"store":        map[string]any{"enabled": true, "persistence": map[string]any{"size": "1Gi"}},
		"web":          map[string]any{"enabled": true, "sessions": map[string]any{"enabled": false}, "anonymous": map[string]any{"serviceAccountName": visitor}},
		"extraObjects": []any{map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": visitor}}},
	}
}

func newToken() string { return rand.Text() }

// applyObjects creates or updates what a person writes by hand: a namespace, the
// Secrets, what visitors of the page may see, and the ConfigRepo that everything else
// comes from.
func applyObjects(ctx context.Context, c *cluster.Cluster, url string, secrets map[string]map[string]string) error {
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, Namespace: namespace} }
	if err := apply(ctx, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, func() {}); err != nil {
		return err
	}
	for name, values := range secrets {
		secret := &corev1.Secret{ObjectMeta: named(name)}
		if err := apply(ctx, c, secret, func() { secret.StringData = values }); err != nil {
			return err
		}
	}
	look := &rbacv1.RoleBinding{ObjectMeta: named(visitor)}
	err := apply(ctx, c, look, func() {
		look.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}
		look.Subjects = []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: c.Namespace, Name: visitor}}
	})
	if err != nil {
		return err
	}
	repo := &v1alpha1.ConfigRepo{ObjectMeta: named(configRepo)}
	return apply(ctx, c, repo, func() {
		repo.Spec.URL = url
		repo.Spec.Ref = &v1alpha1.GitRef{Branch: branch}
		repo.Spec.SecretRef = &meta.LocalObjectReference{Name: gitSecret}
		repo.Spec.Webhook = &v1alpha1.ConfigRepoWebhook{Provider: v1alpha1.ProviderGitea, SecretRef: meta.LocalObjectReference{Name: webhookSecret}}
		// As `kubectl annotate` does it: sync now, don't wait for the interval.
		metav1.SetMetaDataAnnotation(&repo.ObjectMeta, meta.ReconcileRequestAnnotation, newToken())
	})
}

func apply(ctx context.Context, c *cluster.Cluster, object client.Object, set func()) error {
	_, err := controllerutil.CreateOrUpdate(ctx, c.Client, object, func() error { set(); return nil })
	if err != nil {
		return fmt.Errorf("apply %s: %w", object.GetName(), err)
	}
	return nil
}
