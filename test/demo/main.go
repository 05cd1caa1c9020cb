// Command demo shows all of KayCI at work on a real cluster and with a real git host,
// Gitea: a commit of jsonnet becomes Pipelines and Triggers, a push becomes a Run, the
// Run's Jobs clone, build and test the program, and Gitea shows how that ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/test/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	// Its absence would be told by a stack trace after 30 seconds.
	ctrl.SetLogger(logr.Discard())
	if len(args) == 2 && args[0] == serveCommand {
		return serve(ctx, args[1])
	}
	if len(args) != 1 || args[0] != "up" && args[0] != "down" {
		return errors.New("usage: demo up|down")
	}
	d, err := newDemo()
	if err != nil {
		return err
	}
	if args[0] == "down" {
		return d.down(ctx)
	}
	return d.up(ctx)
}

// demo is where everything of it is.
type demo struct {
	cluster.Options

	// state is a folder for all that must be known to take the demo down.
	state string
}

func newDemo() (*demo, error) {
	source, err := sourceRoot()
	if err != nil {
		return nil, err
	}
	cache := os.Getenv("KAYCI_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("find the cache folder, or set KAYCI_CACHE: %w", err)
		}
		cache = filepath.Join(user, "kayci")
	}
	current := os.Getenv("KAYCI_CLUSTER") == "current"
	if !current && (runtime.GOOS != "linux" || os.Geteuid() != 0) {
		return nil, errors.New("the local cluster needs root on Linux; to use a cluster that you have (kind's, for one), " +
			"point KUBECONFIG at it and set KAYCI_CLUSTER=current")
	}
	return &demo{
		Options: cluster.Options{
			Source: source, Cache: filepath.Join(cache, "images"), Current: current,
			Image: os.Getenv("KAYCI_IMAGE"), Progress: cluster.NewProgress(os.Stdout),
		},
		state: filepath.Join(cache, "demo"),
	}, nil
}

// sourceRoot is the folder with this module's go.mod: the working directory or
// one above it.
func sourceRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "charts", "kayci", "Chart.yaml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("run this inside KayCI's source tree")
		}
		dir = filepath.Dir(dir)
	}
}
