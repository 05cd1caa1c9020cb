package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kayci/kayci/test/cluster"
)

// down removes the demo: the local cluster too, if the demo has started it.
func (d *demo) down(ctx context.Context) error {
	err := errors.Join(d.stopHost(ctx), d.leaveCluster(ctx))
	if err != nil {
		return err
	}
	if err := os.RemoveAll(d.state); err != nil {
		return fmt.Errorf("remove the demo's folder: %w", err)
	}
	d.Progress.Say("nothing of the demo is left")
	return nil
}

func (d *demo) leaveCluster(ctx context.Context) error {
	started, err := os.ReadFile(filepath.Join(d.state, startedMarker))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read whose the cluster is: %w", err)
	}
	own := err == nil && !d.Current
	c, err := cluster.Find(ctx, d.Options)
	switch {
	case err != nil && own:
		return cluster.Down(ctx, d.Options) // what is left of it
	case err != nil && !d.Current:
		d.Progress.Say("the local cluster doesn't run: there is nothing to remove from it")
		return nil
	case err != nil:
		return err
	}
	identity, err := c.Identity(ctx)
	if err != nil {
		return err
	}
	if own && identity == string(started) {
		return cluster.Down(ctx, d.Options)
	}
	// The controller lets Runs go in order, so it goes last.
	if err := c.DeleteNamespace(ctx, namespace); err != nil {
		return fmt.Errorf("delete namespace %s: %w", namespace, err)
	}
	return c.Uninstall(ctx)
}
