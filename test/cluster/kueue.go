package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// Names of Kueue's module, release and objects.
const (
	kueueModule      = "sigs.k8s.io/kueue"
	kueueRelease     = "kueue"
	kueueNamespace   = "kueue-system"
	kueueDeployment  = "kueue-controller-manager"
	kueueCertificate = "kueue-webhook-server-cert"
	kueueRepository  = "registry.k8s.io/kueue/kueue"
)

// kueue is the Kueue that local/kueue pins: its version and its module's folder.
type kueue struct{ Version, Dir string }

func (c *Cluster) kueue(ctx context.Context) (k kueue, err error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", kueueModule)
	cmd.Dir = filepath.Join(c.opts.Source, "local", "kueue")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := run(cmd, &stderr); err != nil {
		return kueue{}, fmt.Errorf("get Kueue's module: %w", err)
	}
	return k, json.Unmarshal(stdout.Bytes(), &k)
}

// LoadKueue sees to it that the local cluster has Kueue's image. It is built the
// first time, which takes minutes. Another cluster pulls it.
func (c *Cluster) LoadKueue(ctx context.Context) error {
	if c.opts.Current {
		return nil
	}
	k, err := c.kueue(ctx)
	if err != nil {
		return err
	}
	return c.loadImages(ctx, map[string]string{"kueue": kueueRepository + ":" + k.Version})
}

// InstallKueue installs Kueue from its own chart and returns when it can be
// used. It has to do with Jobs alone, and with no others than those of
// namespaces with these labels.
func (c *Cluster) InstallKueue(ctx context.Context, labels map[string]string) error {
	if err := c.claimNamespace(ctx, kueueRelease, kueueNamespace); err != nil {
		return err
	}
	objects, err := c.renderKueue(ctx, labels)
	if err != nil {
		return err
	}
	c.opts.Progress.Say("installing Kueue: %d objects", len(objects))
	for _, object := range objects {
		err := c.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner(createdBy), client.ForceOwnership)
		if err != nil {
			return fmt.Errorf("install Kueue's %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	if err := c.renewKueue(ctx); err != nil {
		return err
	}
	return c.awaitKueue(ctx)
}

// renderKueue returns the objects of Kueue's chart, in the order in which they
// can be created.
func (c *Cluster) renderKueue(ctx context.Context, labels map[string]string) ([]*unstructured.Unstructured, error) {
	k, err := c.kueue(ctx)
	if err != nil {
		return nil, err
	}
	values, err := kueueValues(k.Version, labels)
	if err != nil {
		return nil, err
	}
	var manifest bytes.Buffer
	chart := filepath.Join(k.Dir, "charts", "kueue")
	err = c.helm(ctx, bytes.NewReader(values), &manifest, "template", kueueRelease, chart, "--namespace", kueueNamespace, "--values", "-")
	if err != nil {
		return nil, fmt.Errorf("render Kueue's chart: %w", err)
	}
	var objects []*unstructured.Unstructured
	documents := utilyaml.NewYAMLOrJSONDecoder(&manifest, 4096)
	for {
		object := &unstructured.Unstructured{}
		err := documents.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read Kueue's chart: %w", err)
		}
		// While what is behind an APIService is not there, no namespace of the
		// cluster can be deleted.
		if len(object.Object) > 0 && object.GetKind() != "APIService" {
			objects = append(objects, object)
		}
	}
}

// kueueValues are for a small cluster with one node.
func kueueValues(version string, labels map[string]string) ([]byte, error) {
	config, err := yaml.Marshal(map[string]any{
		"apiVersion":                   "config.kueue.x-k8s.io/v1beta2",
		"kind":                         "Configuration",
		"health":                       map[string]any{"healthProbeBindAddress": ":8081"},
		"webhook":                      map[string]any{"port": 9443},
		"leaderElection":               map[string]any{"leaderElect": false},
		"managedJobsNamespaceSelector": map[string]any{"matchLabels": labels},
		"integrations":                 map[string]any{"frameworks": []string{"batch/job"}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode Kueue's configuration: %w", err)
	}
	values, err := yaml.Marshal(map[string]any{
		"managerConfig": map[string]any{"controllerManagerConfigYaml": string(config)},
		"controllerManager": map[string]any{
			"featureGates":   []map[string]any{{"name": "VisibilityOnDemand", "enabled": false}},
			"readinessProbe": map[string]any{"initialDelaySeconds": 1, "periodSeconds": 1},
			"manager": map[string]any{
				"image":     map[string]any{"repository": kueueRepository, "tag": version, "pullPolicy": "IfNotPresent"},
				"resources": map[string]any{"requests": map[string]any{"cpu": "10m", "memory": "64Mi"}},
			},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the values of Kueue's chart: %w", err)
	}
	return values, nil
}

// renewKueue gives Kueue a new pod once its certificate is there: the first pod
// makes it, and is shown it by its kubelet a minute later.
func (c *Cluster) renewKueue(ctx context.Context) error {
	key := client.ObjectKey{Namespace: kueueNamespace, Name: kueueCertificate}
	err := c.opts.Progress.Wait(ctx, "Kueue's certificate", 2*time.Minute, func(ctx context.Context) (bool, string, error) {
		var secret corev1.Secret
		if err := c.Client.Get(ctx, key, &secret); err != nil {
			return false, "", Retry(err)
		}
		return len(secret.Data[corev1.TLSCertKey]) > 0, "there is none", nil
	})
	if err != nil {
		return err
	}
	return c.Client.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(kueueNamespace), client.GracePeriodSeconds(0))
}

// awaitKueue returns when Kueue's pod is ready and the API server reaches it.
func (c *Cluster) awaitKueue(ctx context.Context) error {
	key := client.ObjectKey{Namespace: kueueNamespace, Name: kueueDeployment}
	return c.opts.Progress.Wait(ctx, "Kueue", 2*time.Minute, func(ctx context.Context) (bool, string, error) {
		var d appsv1.Deployment
		if err := c.Client.Get(ctx, key, &d); err != nil {
			return false, "", Retry(err)
		}
		if d.Status.ReadyReplicas == 0 {
			return false, "its pod isn't ready", nil
		}
		probe := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ResourceFlavor", "metadata": map[string]any{"name": "probe"},
		}}
		if err := c.Client.Create(ctx, probe, client.DryRunAll); err != nil {
			return false, "", Retry(err)
		}
		return true, "", nil
	})
}

// UninstallKueue removes Kueue. Its queues have to be gone: without it they
// never would.
func (c *Cluster) UninstallKueue(ctx context.Context, labels map[string]string) error {
	objects, err := c.renderKueue(ctx, labels)
	if err != nil {
		return err
	}
	slices.Reverse(objects)
	for _, object := range objects {
		if err := client.IgnoreNotFound(c.Client.Delete(ctx, object)); err != nil {
			return fmt.Errorf("remove Kueue's %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	err = c.opts.Progress.Wait(ctx, "Kueue to be gone", 2*time.Minute, func(ctx context.Context) (bool, string, error) {
		for len(objects) > 0 {
			object := objects[0]
			err := c.Client.Get(ctx, client.ObjectKeyFromObject(object), object)
			if !apierrors.IsNotFound(err) {
				return false, object.GetKind() + " " + object.GetName() + " is still there", nil
			}
			objects = objects[1:]
		}
		return true, "", nil
	})
	if err != nil {
		return err
	}
	return c.DeleteNamespace(ctx, kueueNamespace)
}
