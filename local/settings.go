package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/kayci/kayci/local/build"
	"github.com/kayci/kayci/local/node"
	"github.com/kayci/kayci/local/progress"
)

// settings are what the environment says. This is the only place that reads it.
type settings struct {
	state string
	cache build.Cache
	// current is true if the cluster of the current kubeconfig is to be used.
	current bool
	source  string
	out     *progress.Printer
}

func newSettings() (*settings, error) {
	s := &settings{state: "/var/lib/kayci-local"}
	if state := os.Getenv("KAYCI_LOCAL_STATE"); state != "" {
		s.state = state
	}
	cache := os.Getenv("KAYCI_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("find the cache folder, or set KAYCI_CACHE: %w", err)
		}
		cache = filepath.Join(user, "kayci")
	}
	cache, err := filepath.Abs(cache)
	if err != nil {
		return nil, err
	}
	s.cache = build.Cache{Dir: filepath.Join(cache, "local")}
	switch value := os.Getenv("KAYCI_CLUSTER"); value {
	case "", "local":
	case "current":
		s.current = true
	default:
		return nil, fmt.Errorf("KAYCI_CLUSTER may be local (the default) or current, not %q", value)
	}
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	s.out = progress.New(os.Stderr, terminal, time.Now)
	return s, nil
}

// sourceDir returns the folder with the source of the cluster's programs.
func (s *settings) sourceDir() (string, error) {
	if s.source != "" {
		return build.FindSource(s.source)
	}
	dirs := []string{}
	if dir, err := os.Getwd(); err == nil {
		dirs = append(dirs, dir)
	}
	if path, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	return build.FindSource(dirs...)
}

func (s *settings) node() (*node.Node, error) { return node.New(s.state, s.cache.Bin(), s.out) }

// checkMachine says what a local cluster needs, if this machine isn't it.
func (s *settings) checkMachine() error {
	if runtime.GOOS == "linux" && os.Geteuid() == 0 {
		return nil
	}
	return errors.New("a local cluster needs root on Linux; to use a cluster that you have (kind's, for one), " +
		"point KUBECONFIG at it and set KAYCI_CLUSTER=current")
}
