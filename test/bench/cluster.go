package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	nodestages "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	podstages "sigs.k8s.io/kwok/kustomize/stage/pod/fast"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/process"
)

// nodeName is the simulated node that all pods run on. Nothing schedules them:
// their templates name it.
const nodeName = "bench"

// kwokSettings have pods go on as fast as this machine lets them.
const kwokSettings = `kind: KwokConfiguration
apiVersion: config.kwok.x-k8s.io/v1alpha1
options:
  manageAllNodes: true
  nodeLeaseDurationSeconds: 40
  nodeLeaseParallelism: 1
  nodePlayStageParallelism: 1
  podPlayStageParallelism: 16
`

// cluster is an API server with etcd and the controllers that Jobs take, and
// pods that end with success at once.
type cluster struct {
	client     client.Client
	config     *rest.Config
	kubeconfig string
	// logs is the folder of its processes' logs.
	logs string
	// server is the API server's process id.
	server int

	environment *envtest.Environment
	processes   []*process.Process
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme))
}

// startCluster starts a cluster whose files are in the folder. kwok is the
// program that simulates pods.
func startCluster(ctx context.Context, source, dir, kwok string) (*cluster, error) {
	c := &cluster{logs: dir, kubeconfig: filepath.Join(dir, "kubeconfig")}
	if err := errors.Join(c.startServer(source), ctx.Err()); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	if err := c.startControllers(ctx, dir, kwok); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (c *cluster) startServer(source string) error {
	c.environment = &envtest.Environment{
		CRDDirectoryPaths:        []string{filepath.Join(source, "charts", "kayci", "files", "crds")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
	}
	config, err := c.environment.Start()
	if err != nil {
		return fmt.Errorf("start an API server: %w", err)
	}
	config.QPS, config.Burst = -1, 0
	c.config = config
	if c.server, err = childNamed("kube-apiserver"); err != nil {
		return err
	}
	if err := os.WriteFile(c.kubeconfig, c.environment.KubeConfig, 0o600); err != nil {
		return err
	}
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	c.client, err = client.New(config, client.Options{Scheme: scheme})
	return err
}

func (c *cluster) startControllers(ctx context.Context, dir, kwok string) error {
	manager, err := startProcess(ctx, c.logs, "kube-controller-manager", nil,
		filepath.Join(c.assets(), "kube-controller-manager"),
		"--kubeconfig="+c.kubeconfig, "--leader-elect=false", "--secure-port=0",
		// The defaults (20 and 30) hold all Jobs of a cluster to about three a second.
		"--kube-api-qps=1000", "--kube-api-burst=1000")
	if err != nil {
		return err
	}
	c.processes = append(c.processes, manager)
	stages := filepath.Join(dir, "kwok.yaml")
	documents := []string{
		kwokSettings, nodestages.DefaultNodeInit,
		podstages.DefaultPodReady, podstages.DefaultPodComplete, podstages.DefaultPodDelete,
	}
	if err := os.WriteFile(stages, []byte(strings.Join(documents, "\n---\n")), 0o600); err != nil {
		return err
	}
	pods, err := startProcess(ctx, c.logs, "kwok", nil, kwok, "--kubeconfig="+c.kubeconfig, "--config="+stages)
	if err != nil {
		return err
	}
	c.processes = append(c.processes, pods)
	return c.awaitNode(ctx)
}

func (c *cluster) assets() string { return os.Getenv(assetsVariable) }

// awaitNode makes the node and waits until it is ready: pods of one that is not
// would be deleted after a while.
func (c *cluster) awaitNode(ctx context.Context) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName}}
	if err := c.client.Create(ctx, node); err != nil {
		return fmt.Errorf("make a node: %w", err)
	}
	return c.await(ctx, "the simulated node is ready", time.Minute, func(ctx context.Context) (bool, error) {
		if err := c.client.Get(ctx, client.ObjectKeyFromObject(node), node); err != nil {
			return false, err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				return len(node.Spec.Taints) == 0, nil
			}
		}
		return false, nil
	})
}

// await waits for something to be so, as long as the cluster's processes live.
func (c *cluster) await(ctx context.Context, what string, most time.Duration, check wait.ConditionWithContextFunc) error {
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, most, true, func(ctx context.Context) (bool, error) {
		for _, p := range c.processes {
			if err := p.Alive(); err != nil {
				return false, err
			}
		}
		return check(ctx)
	})
	if err != nil {
		return fmt.Errorf("wait until %s: %w", what, err)
	}
	return nil
}

// settle waits until the controllers, and the other processes, have nothing
// more to do: until in a second all of them take less than a twentieth of it.
func (c *cluster) settle(ctx context.Context, others ...*process.Process) error {
	var before time.Duration
	quiet := 0
	const idle, enough = 50 * time.Millisecond, 2
	err := wait.PollUntilContextTimeout(ctx, time.Second, 10*time.Minute, true, func(context.Context) (bool, error) {
		var now time.Duration
		for _, list := range [][]*process.Process{c.processes, others} {
			for _, p := range list {
				used, err := readUsage(p.PID())
				if err != nil {
					return false, errors.Join(err, p.Alive())
				}
				now += used.all()
			}
		}
		if quiet++; now-before >= idle {
			quiet = 0
		}
		before = now
		return quiet >= enough, nil
	})
	if err != nil {
		return fmt.Errorf("wait until the controllers have nothing to do: %w", err)
	}
	return nil
}

// namespace makes one.
func (c *cluster) namespace(ctx context.Context, name string) error {
	return c.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

// stopControllers ends all but the API server.
func (c *cluster) stopControllers() error {
	var errs []error
	for _, p := range c.processes {
		errs = append(errs, p.Stop())
	}
	c.processes = nil
	return errors.Join(errs...)
}

// stop ends all of its processes.
func (c *cluster) stop() error {
	errs := []error{c.stopControllers()}
	if err := c.environment.Stop(); err != nil {
		errs = append(errs, fmt.Errorf("stop the API server: %w", err))
	}
	return errors.Join(errs...)
}
