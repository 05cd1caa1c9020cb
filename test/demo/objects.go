package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/githost"
)

// Names of the demo's objects. The examples' triggers name the Secret.
const (
	namespace     = "kayci-demo"
	webhookSecret = "webhook"
	gitSecret     = "git"
	configRepo    = "examples"
)

func newToken() string { return rand.Text() }

// applyObjects creates or updates what a person writes by hand: a namespace, the
// Secrets, and the ConfigRepo that everything else comes from.
func applyObjects(ctx context.Context, c *cluster.Cluster, url string, git githost.Credentials, token string) error {
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, Namespace: namespace} }
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	hook := &corev1.Secret{ObjectMeta: named(webhookSecret)}
	credentials := &corev1.Secret{ObjectMeta: named(gitSecret)}
	repo := &v1alpha1.ConfigRepo{ObjectMeta: named(configRepo)}
	for _, wanted := range []struct {
		object client.Object
		set    func()
	}{
		{ns, func() {}},
		{hook, func() { hook.Data = map[string][]byte{"token": []byte(token)} }},
		{credentials, func() {
			credentials.Data = map[string][]byte{"username": []byte(git.Username), "password": []byte(git.Password)}
		}},
		{repo, func() {
			repo.Spec.URL = url
			repo.Spec.Ref = &v1alpha1.GitRef{Branch: githost.Branch}
			repo.Spec.SecretRef = &meta.LocalObjectReference{Name: gitSecret}
			// As `kubectl annotate` does it: sync now, don't wait for the interval.
			metav1.SetMetaDataAnnotation(&repo.ObjectMeta, meta.ReconcileRequestAnnotation, newToken())
		}},
	} {
		if _, err := controllerutil.CreateOrUpdate(ctx, c.Client, wanted.object, func() error { wanted.set(); return nil }); err != nil {
			return fmt.Errorf("apply %s: %w", wanted.object.GetName(), err)
		}
	}
	return nil
}
