// Package cluster is what the demo and the end-to-end tests share: it starts or
// finds a Kubernetes cluster, installs KayCI of this source tree in it with
// helm, waits for conditions while it says what it waits for, and collects what
// explains a failure.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Options say which cluster and which KayCI.
type Options struct {
	// Source is the root of the source tree.
	Source string
	// Cache is a folder for what is built. It may be lost.
	Cache string
	// Current uses the cluster of the current kubeconfig; otherwise it is the local
	// one, which is started if need be.
	Current bool
	// Image is KayCI's image, for a cluster that has it already or can pull it.
	// Blank: one is built from the source and loaded.
	Image string
	// Progress is told what is being done.
	Progress *Progress
}

// Cluster is a running cluster.
type Cluster struct {
	// Kubeconfig is the path of the local cluster's; blank means the current one.
	Kubeconfig string
	// Config, Client and Clientset reach the API server without a rate limit.
	Config    *rest.Config
	Client    client.Client
	Clientset kubernetes.Interface
	// Started says that the local cluster wasn't there before.
	Started bool
	// Namespace of KayCI itself.
	Namespace string

	opts    Options
	kubectl string
	// installed are the values of the image that was installed.
	installed map[string]any
}

// Ready returns a cluster that can be used, starting the local one if need be.
func Ready(ctx context.Context, opts Options) (*Cluster, error) {
	c := &Cluster{opts: opts, Namespace: Release + "-system"}
	if !opts.Current {
		c.Started = c.local(ctx, nil, "status") != nil
		if err := c.local(ctx, nil, "up"); err != nil {
			return nil, fmt.Errorf("start the local cluster: %w", err)
		}
	}
	return c, c.connect(ctx)
}

// Find returns the cluster if it runs, and an error otherwise.
func Find(ctx context.Context, opts Options) (*Cluster, error) {
	c := &Cluster{opts: opts, Namespace: Release + "-system"}
	if !opts.Current {
		if err := c.local(ctx, nil, "status"); err != nil {
			return nil, err
		}
	}
	return c, c.connect(ctx)
}

// Down stops the local cluster and removes all of it.
func Down(ctx context.Context, opts Options) error {
	c := &Cluster{opts: opts}
	return c.local(ctx, opts.Progress.out, "down")
}

func (c *Cluster) connect(ctx context.Context) error {
	env, err := c.environment(ctx)
	if err != nil {
		return err
	}
	c.Kubeconfig = env.kubeconfig
	c.kubectl = filepath.Join(env.bin, "kubectl")
	if _, err := exec.LookPath(c.kubectl); err != nil {
		c.kubectl = "kubectl"
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Kubeconfig
	c.Config, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	c.Config.QPS, c.Config.Burst = -1, 0
	if c.Clientset, err = kubernetes.NewForConfig(c.Config); err != nil {
		return fmt.Errorf("connect to the cluster: %w", err)
	}
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	if c.Client, err = client.New(c.Config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("connect to the cluster: %w", err)
	}
	version, err := c.Clientset.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("reach the cluster at %s: %w", c.Config.Host, err)
	}
	c.opts.Progress.Say("the cluster at %s is Kubernetes %s", c.Config.Host, version.GitVersion)
	return nil
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme))
}

// Identity tells this cluster from one that is started later at the same place.
func (c *Cluster) Identity(ctx context.Context) (string, error) {
	var ns corev1.Namespace
	if err := c.Client.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, &ns); err != nil {
		return "", fmt.Errorf("get the cluster's identity: %w", err)
	}
	return string(ns.UID), nil
}

// Programs is the folder of the kubectl that fits the local cluster.
func (c *Cluster) Programs() string { return filepath.Dir(c.kubectl) }

// HostAddress is this machine's IP address as the cluster's pods reach it.
func (c *Cluster) HostAddress(ctx context.Context) (string, error) {
	var nodes corev1.NodeList
	if err := c.Client.List(ctx, &nodes); err != nil {
		return "", fmt.Errorf("list nodes: %w", err)
	}
	for _, node := range nodes.Items {
		for _, address := range node.Status.Addresses {
			if address.Type == corev1.NodeInternalIP {
				return addressTowards(ctx, address.Address)
			}
		}
	}
	return "", errors.New("no node of the cluster has an internal address")
}

// addressTowards returns the source address of packets to another. UDP sends
// none to find out.
func addressTowards(ctx context.Context, other string) (string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", net.JoinHostPort(other, "9"))
	if err != nil {
		return "", fmt.Errorf("find the way to node %s: %w", other, err)
	}
	defer conn.Close()
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	return host, err
}
