package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/githost"
)

// environment is what all tests share.
type environment struct {
	*cluster.Cluster

	skip string
	// address of this machine as pods reach it.
	address string
	host    *githost.Host
	gitea   sharedGitea
	gates   *gates
	hooks   string
	// values are those of the chart that KayCI was installed with.
	values map[string]any
}

// gitPassword and hookToken must not appear in any text.
const (
	gitPassword = "canary-git-f71c55"
	hookToken   = "canary-hook-93be20"
)

var shared environment

func TestMain(m *testing.M) {
	// Its absence would be told by a stack trace after 30 seconds.
	ctrl.SetLogger(logr.Discard())
	flag.Parse()
	// The tests wait most of the time.
	if err := flag.Set("test.parallel", "4"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(run(context.Background(), m))
}

func run(ctx context.Context, m *testing.M) int {
	current := os.Getenv("KAYCI_CLUSTER") == "current"
	if !current && (runtime.GOOS != "linux" || os.Geteuid() != 0) {
		shared.skip = "the local cluster needs root on Linux; to use another, point KUBECONFIG at it and set KAYCI_CLUSTER=current"
		if os.Getenv("CI") == "true" {
			fmt.Fprintln(os.Stderr, "e2e:", shared.skip)
			return 1
		}
		return m.Run()
	}
	stop, err := start(ctx, current)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	code := m.Run()
	if err := errors.Join(program.remove(), stop()); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return code
}

// start gets a cluster with KayCI, and the servers on this machine that pods
// and the controller talk to.
func start(ctx context.Context, current bool) (stop func() error, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("find the cache folder: %w", err)
	}
	source, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	shared.Cluster, err = cluster.Ready(ctx, cluster.Options{
		Source: source, Cache: filepath.Join(cache, "kayci", "images"), Current: current,
		Image: os.Getenv("KAYCI_IMAGE"), Progress: cluster.NewProgress(os.Stderr),
	})
	if err != nil {
		return nil, err
	}
	// Before the tests: building it would leave them little of the machine.
	if err := shared.LoadKueue(ctx); err != nil {
		return nil, err
	}
	if shared.address, err = shared.HostAddress(ctx); err != nil {
		return nil, err
	}
	repositories, err := os.MkdirTemp("", "kayci-e2e-")
	if err != nil {
		return nil, err
	}
	credentials := githost.Credentials{Username: "e2e", Password: gitPassword}
	if shared.host, err = githost.Start(ctx, repositories, net.JoinHostPort(shared.address, "0"), credentials); err != nil {
		return nil, err
	}
	if shared.gates, err = newGates(ctx, shared.address); err != nil {
		return nil, err
	}
	if err := install(ctx); err != nil {
		shared.Diagnose(ctx, os.Stderr, shared.Namespace)
		return nil, err
	}
	url, stopReach, err := shared.WebhookURL(ctx)
	if err != nil {
		return nil, err
	}
	shared.hooks = url
	return func() error {
		stopReach()
		return errors.Join(shared.gates.stop(), shared.gitea.stop(), shared.host.Stop(ctx), os.RemoveAll(repositories))
	}, nil
}

// chartRepo is a ConfigRepo that comes with the chart's values.
const chartRepo = "from-chart"

// install installs KayCI as a person would: with two replicas, and with the
// first config repository named in the values.
func install(ctx context.Context) error {
	clone, err := os.MkdirTemp("", "kayci-e2e-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(clone)
	repository, err := shared.host.Create(ctx, chartRepo, clone)
	if err != nil {
		return err
	}
	if err := repository.Write(map[string]string{"one.jsonnet": jsonnetPipeline(chartRepo, "hello")}); err != nil {
		return err
	}
	if _, err := repository.Push(ctx, "Say hello"); err != nil {
		return err
	}
	shared.values = map[string]any{
		"replicas":    2,
		"controller":  map[string]any{"webhookMaxBody": "1Mi"},
		"jobDefaults": installedDefaults(),
		"triggers":    cluster.KindsOfExamples(),
		"web":         map[string]any{"enabled": true, "replicas": 2, "trustForwardedToken": true},
		"store":       map[string]any{"enabled": true, "persistence": map[string]any{"size": "1Gi"}},
		"configRepos": []map[string]any{{"name": chartRepo, "spec": map[string]any{"url": repository.URL}}},
	}
	return shared.Install(ctx, shared.values)
}
