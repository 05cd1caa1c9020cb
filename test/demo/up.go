package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/webhook"
)

// startedMarker is a file with the identity of the local cluster, if the demo
// has started it.
const startedMarker = "cluster-started"

func (d *demo) up(ctx context.Context) error {
	if err := os.MkdirAll(d.state, 0o700); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	c, err := cluster.Ready(ctx, d.Options)
	if err != nil {
		return err
	}
	if c.Started {
		if err := d.noteStarted(ctx, c); err != nil {
			return err
		}
	}
	if err := d.show(ctx, c); err != nil {
		// The context may be what ended it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		c.Diagnose(ctx, os.Stdout, namespace)
		d.farewell(c)
		return err
	}
	d.farewell(c)
	return nil
}

func (d *demo) noteStarted(ctx context.Context, c *cluster.Cluster) error {
	identity, err := c.Identity(ctx)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.state, startedMarker), []byte(identity), 0o600); err != nil {
		return fmt.Errorf("note that the cluster is the demo's: %w", err)
	}
	return nil
}

func (d *demo) show(ctx context.Context, c *cluster.Cluster) error {
	if err := c.Install(ctx, values()); err != nil {
		return err
	}
	hooks, stop, err := c.WebhookURL(ctx)
	if err != nil {
		return err
	}
	defer stop()
	h, err := d.host(ctx, c)
	if err != nil {
		return err
	}
	if h.page, err = c.PageURL(ctx); err != nil {
		return err
	}
	token := newToken()
	if err := d.prepare(ctx, c, h, hooks, token); err != nil {
		return err
	}
	commit, err := d.pushApplication(ctx, h)
	if err != nil {
		return err
	}
	build, err := d.awaitRun(ctx, c, commit)
	if err != nil {
		return err
	}
	delivery, err := webhook.Generic(nil, token)
	if err != nil {
		return err
	}
	diamond, err := d.startRun(ctx, c, hooks, "diamond", delivery)
	if err != nil {
		return err
	}
	if err := errors.Join(d.follow(ctx, c, build), d.follow(ctx, c, diamond)); err != nil {
		return err
	}
	if err := d.awaitJobs(ctx, c); err != nil {
		return err
	}
	if err := d.printResult(ctx, c, build, diamond); err != nil {
		return err
	}
	status, err := d.printStatuses(ctx, h, commit)
	if err != nil {
		return err
	}
	return d.printPage(ctx, h, status, build)
}

// prepare has KayCI follow the config repository, and Gitea tell KayCI of pushes.
func (d *demo) prepare(ctx context.Context, c *cluster.Cluster, h *host, hooks, token string) error {
	commit, err := d.pushExamples(ctx, h)
	if err != nil {
		return err
	}
	report, err := h.user.CreateToken(ctx, "kayci", "write:repository")
	if err != nil {
		return err
	}
	err = applyObjects(ctx, c, h.user.CloneURL(h.config), map[string]map[string]string{
		webhookSecret: {"token": token},
		gitSecret:     {"username": h.login.Username, "password": h.login.Password},
		reportSecret:  {"token": report},
	})
	if err != nil {
		return err
	}
	paths, err := d.awaitSync(ctx, c, commit, token)
	if err != nil {
		return err
	}
	return d.createWebhooks(ctx, h, hooks, paths, token)
}
