package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/githost"
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
	if err := c.Install(ctx, map[string]any{"replicas": 2}); err != nil {
		return err
	}
	site, err := d.host(ctx, c)
	if err != nil {
		return err
	}
	config, commit, err := d.pushExamples(ctx, site)
	if err != nil {
		return err
	}
	token := newToken()
	if err := applyObjects(ctx, c, config.URL, site.Credentials, token); err != nil {
		return err
	}
	if err := d.awaitSync(ctx, c, commit); err != nil {
		return err
	}
	push, err := d.pushApplication(ctx, site)
	if err != nil {
		return err
	}
	delivery, err := webhook.GitHub(push, token, newToken())
	if err != nil {
		return err
	}
	build, err := d.startRun(ctx, c, "go-build", delivery)
	if err != nil {
		return err
	}
	delivery, err = webhook.Generic(nil, token)
	if err != nil {
		return err
	}
	diamond, err := d.startRun(ctx, c, "diamond", delivery)
	if err != nil {
		return err
	}
	if err := errors.Join(d.follow(ctx, c, build), d.follow(ctx, c, diamond)); err != nil {
		return err
	}
	if err := d.awaitJobs(ctx, c); err != nil {
		return err
	}
	return d.printResult(ctx, c, build, diamond)
}

// host serves the demo's repositories, in place of an earlier demo's host.
func (d *demo) host(ctx context.Context, c *cluster.Cluster) (githost.Site, error) {
	if err := d.stopHost(ctx); err != nil {
		return githost.Site{}, err
	}
	address, err := c.HostAddress(ctx)
	if err != nil {
		return githost.Site{}, err
	}
	site := githost.Site{
		Dir: filepath.Join(d.state, "git"), Address: address + ":0",
		Credentials: githost.Credentials{Username: "demo", Password: newToken()},
	}
	if err := os.MkdirAll(site.Dir, 0o700); err != nil {
		return site, fmt.Errorf("make a folder for repositories: %w", err)
	}
	if site, err = d.startHost(ctx, site); err != nil {
		return site, err
	}
	d.Progress.Say("git is served at http://%s", site.Address)
	return site, nil
}

// pushExamples pushes the examples as a config repository that can't be read
// without credentials.
func (d *demo) pushExamples(ctx context.Context, site githost.Site) (*githost.Repository, string, error) {
	config, done, err := d.checkout(ctx, site, githost.PrivatePrefix+"pipelines")
	if err != nil {
		return nil, "", err
	}
	defer done()
	if err := config.Copy(examples{os.DirFS(filepath.Join(d.Source, "examples"))}); err != nil {
		return nil, "", err
	}
	commit, err := config.Push(ctx, "Add the examples")
	if err != nil {
		return nil, "", err
	}
	d.Progress.Say("pushed the examples to %s, commit %.10s", config.URL, commit)
	return config, commit, nil
}

// pushApplication pushes the program of the example go-build.
func (d *demo) pushApplication(ctx context.Context, site githost.Site) (webhook.Push, error) {
	app, done, err := d.checkout(ctx, site, "greeting")
	if err != nil {
		return webhook.Push{}, err
	}
	defer done()
	if err := app.Copy(os.DirFS(filepath.Join(d.Source, "examples", "go-build", "app"))); err != nil {
		return webhook.Push{}, err
	}
	const message = "Greet everybody"
	commit, err := app.Push(ctx, message)
	if err != nil {
		return webhook.Push{}, err
	}
	d.Progress.Say("pushed a Go program to %s, commit %.10s", app.URL, commit)
	return webhook.Push{Repository: "demo/greeting", CloneURL: app.URL, Branch: githost.Branch, SHA: commit, Message: message}, nil
}

// checkout makes a repository with a clone that goes with done.
func (d *demo) checkout(ctx context.Context, site githost.Site, name string) (r *githost.Repository, done func(), err error) {
	clone, err := os.MkdirTemp("", "kayci-demo-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for a clone: %w", err)
	}
	done = func() { _ = os.RemoveAll(clone) } // a leftover in the temporary folder harms nobody
	if r, err = site.Create(ctx, name, clone); err != nil {
		done()
		return nil, nil, err
	}
	return r, done, nil
}

// examples leaves out the program that go-build is tried with: it has a
// repository of its own.
type examples struct{ fs.FS }

func (e examples) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(e.FS, name)
	kept := entries[:0]
	for _, entry := range entries {
		if !strings.HasSuffix(name, "go-build") || entry.Name() != "app" {
			kept = append(kept, entry)
		}
	}
	return kept, err
}
