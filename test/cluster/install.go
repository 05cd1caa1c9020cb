package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Release is the name of the helm release, and of the Deployment and Service
// that come from it.
const Release = "kayci"

// A namespace with this label may be upgraded and removed by this package,
// because it was made by it.
const (
	createdByLabel = "app.kubernetes.io/created-by"
	createdBy      = "kayci-test"
)

// KindsOfExamples are the chart's value `triggers` that has the examples' Triggers watch
// the kinds that they name.
func KindsOfExamples() map[string]any {
	return map[string]any{"resources": []map[string]any{{"apiGroups": []string{""}, "resources": []string{"configmaps"}}}}
}

// Install builds KayCI from the source, loads its image and those that the
// pipelines of demo and tests use, installs or upgrades the helm release with
// the values, and returns when all of its replicas are the new ones.
func (c *Cluster) Install(ctx context.Context, values map[string]any) error {
	if err := c.claimNamespace(ctx, Release, c.Namespace); err != nil {
		return err
	}
	image, digest, err := c.prepareImages(ctx)
	if err != nil {
		return err
	}
	repository, tag, err := splitImage(image)
	if err != nil {
		return err
	}
	c.installed = map[string]any{
		"image": map[string]any{"repository": repository, "tag": tag},
		// A new image under the same tag starts new pods.
		"podAnnotations": map[string]any{"kayci.dev/image-digest": digest},
	}
	c.opts.Progress.Say("installing KayCI with helm: release %s in namespace %s", Release, c.Namespace)
	return c.Upgrade(ctx, values)
}

// Upgrade gives what Install has installed other values, and returns when all replicas
// have them.
func (c *Cluster) Upgrade(ctx context.Context, values map[string]any) error {
	all := maps.Clone(c.installed)
	maps.Copy(all, values)
	document, err := yaml.Marshal(all)
	if err != nil {
		return fmt.Errorf("write helm values: %w", err)
	}
	chart := filepath.Join(c.opts.Source, "charts", "kayci")
	if err := c.helm(ctx, bytes.NewReader(document), nil, "upgrade", "--install", Release, chart, "--namespace", c.Namespace, "--values", "-"); err != nil {
		return fmt.Errorf("install KayCI: %w", err)
	}
	return errors.Join(c.AwaitRollout(ctx), c.AwaitStore(ctx))
}

// AwaitRollout returns when every replica of the controller is up to date and
// ready, no other is left, and the API server reaches them.
func (c *Cluster) AwaitRollout(ctx context.Context) error {
	if err := c.AwaitReplicas(ctx); err != nil {
		return err
	}
	return c.awaitAdmission(ctx)
}

// AwaitReplicas returns when there are as many replicas as there should be, all
// of them up to date and ready.
func (c *Cluster) AwaitReplicas(ctx context.Context) error {
	return c.awaitDeployment(ctx, "KayCI's replicas", Release, c.replicas)
}

func (c *Cluster) awaitDeployment(ctx context.Context, what, name string, replicas func(context.Context) ([]corev1.Pod, error)) error {
	key := client.ObjectKey{Namespace: c.Namespace, Name: name}
	return c.opts.Progress.Wait(ctx, what, 2*time.Minute, func(ctx context.Context) (bool, string, error) {
		var d appsv1.Deployment
		if err := c.Client.Get(ctx, key, &d); err != nil {
			return false, "", Retry(err)
		}
		want, s := *d.Spec.Replicas, d.Status
		// Pods that are ending count too: one may still be the leader.
		pods, err := replicas(ctx)
		if err != nil {
			return false, "", Retry(err)
		}
		// What the status says may be of a pod that was killed a moment ago.
		done := s.ObservedGeneration == d.Generation && s.UpdatedReplicas == want && s.ReadyReplicas == want && len(pods) == int(want) && ready(pods)
		return done, fmt.Sprintf("%d of %d replicas are up to date, %d are ready, %d pods", s.UpdatedReplicas, want, s.ReadyReplicas, len(pods)), nil
	})
}

// ready reports whether all of the pods are.
func ready(pods []corev1.Pod) bool {
	return !slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
		return pod.DeletionTimestamp != nil || !slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
	})
}

// awaitAdmission returns when the API server can ask KayCI about KayCI's kinds:
// the network of a Service follows its pods' readiness a moment later.
func (c *Cluster) awaitAdmission(ctx context.Context) error {
	return c.opts.Progress.Wait(ctx, "KayCI's admission webhook", time.Minute, func(ctx context.Context) (bool, string, error) {
		probe := &v1alpha1.ConfigRepo{
			ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, GenerateName: "probe-"},
			Spec:       v1alpha1.ConfigRepoSpec{URL: "https://git.example.com/probe.git"},
		}
		err := c.Client.Create(ctx, probe, client.DryRunAll)
		if apierrors.IsInternalError(err) {
			return false, err.Error(), nil
		}
		return err == nil, "", err
	})
}

// claimNamespace creates a namespace for what is about to be installed, and
// refuses a cluster in which somebody else has installed the same.
func (c *Cluster) claimNamespace(ctx context.Context, app, namespace string) error {
	var others appsv1.DeploymentList
	if err := c.Client.List(ctx, &others, client.MatchingLabels{"app.kubernetes.io/name": app}); err != nil {
		return fmt.Errorf("look for another %s: %w", app, err)
	}
	for i := range others.Items {
		if ns := others.Items[i].Namespace; ns != namespace {
			return fmt.Errorf("this cluster has a %s of its own, in namespace %s: two would do everything twice", app, ns)
		}
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{createdByLabel: createdBy}}}
	err := c.Client.Create(ctx, ns)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	return c.checkClaim(ctx, namespace)
}

func (c *Cluster) checkClaim(ctx context.Context, namespace string) error {
	var ns corev1.Namespace
	if err := c.Client.Get(ctx, client.ObjectKey{Name: namespace}, &ns); err != nil {
		return fmt.Errorf("get namespace %s: %w", namespace, err)
	}
	if ns.Labels[createdByLabel] != createdBy {
		return fmt.Errorf("namespace %s was not made by this program: it stays as it is", namespace)
	}
	return nil
}

// Uninstall removes the release and, unlike helm, the custom resource
// definitions, and with them every Pipeline and Run of the cluster.
func (c *Cluster) Uninstall(ctx context.Context) error {
	err := c.checkClaim(ctx, c.Namespace)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	c.opts.Progress.Say("uninstalling KayCI")
	if err := c.helm(ctx, nil, nil, "uninstall", Release, "--namespace", c.Namespace, "--ignore-not-found", "--wait"); err != nil {
		return fmt.Errorf("uninstall KayCI: %w", err)
	}
	kinds := []string{"configrepos", "pipelines", "triggers", "runs"}
	for _, kind := range kinds {
		if _, err := c.Kubectl(ctx, "delete", "crd", "--ignore-not-found", kind+".kayci.dev"); err != nil {
			return fmt.Errorf("delete the kind %s: %w", kind, err)
		}
	}
	return c.DeleteNamespace(ctx, c.Namespace)
}

// DeleteNamespace deletes a namespace and returns when it is gone.
func (c *Cluster) DeleteNamespace(ctx context.Context, name string) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := c.Client.Delete(ctx, ns); err != nil {
		return client.IgnoreNotFound(err)
	}
	return c.opts.Progress.Wait(ctx, "namespace "+name+" to be gone", 2*time.Minute, func(ctx context.Context) (bool, string, error) {
		err := c.Client.Get(ctx, client.ObjectKeyFromObject(ns), ns)
		if apierrors.IsNotFound(err) {
			return true, "", nil
		}
		if err != nil {
			return false, "", Retry(err)
		}
		return false, "its objects are being deleted", nil
	})
}

func splitImage(image string) (repository, tag string, err error) {
	colon := strings.LastIndex(image, ":")
	if colon < 0 || strings.Contains(image[colon:], "/") {
		return "", "", errors.New("the image " + image + " needs a tag")
	}
	return image[:colon], image[colon+1:], nil
}
