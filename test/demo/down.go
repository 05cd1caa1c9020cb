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
// What can't be removed doesn't keep the rest.
func (d *demo) down(ctx context.Context) error {
	hostErr := d.stopHost(ctx)
	_, err := os.Stat(filepath.Join(d.state, startedMarker))
	own := err == nil && !d.Current
	if own {
		err = cluster.Down(ctx, d.Options)
	} else {
		err = d.removeObjects(ctx)
	}
	if err := errors.Join(hostErr, err); err != nil {
		return err
	}
	if err := os.RemoveAll(d.state); err != nil {
		return fmt.Errorf("remove the demo's folder: %w", err)
	}
	d.Progress.Say("nothing of the demo is left")
	return nil
}

func (d *demo) removeObjects(ctx context.Context) error {
	c, err := cluster.Find(ctx, d.Options)
	if err != nil && !d.Current {
		d.Progress.Say("the local cluster doesn't run: there is nothing to remove from it")
		return nil
	}
	if err != nil {
		return err
	}
	// The controller lets Runs go in order, so it goes last.
	if err := c.DeleteNamespace(ctx, namespace); err != nil {
		return fmt.Errorf("delete namespace %s: %w", namespace, err)
	}
	return c.Uninstall(ctx)
}
