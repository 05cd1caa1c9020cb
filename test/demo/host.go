package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/gitclone"
	"github.com/kayci/kayci/test/gitea"
)

// host is the demo's Gitea, and the repositories there.
type host struct {
	url   string
	login gitclone.Credentials
	user  *gitea.Client
	// config is the config repository, which can't be read without credentials, and
	// program that of a Go program.
	config, program string
	// page is the web page's address, or blank.
	page string
}

// host starts Gitea with nothing in it, in place of an earlier demo's.
func (d *demo) host(ctx context.Context, c *cluster.Cluster) (*host, error) {
	if err := d.stopHost(ctx); err != nil {
		return nil, err
	}
	address, err := c.HostAddress(ctx)
	if err != nil {
		return nil, err
	}
	d.Progress.Say("building Gitea, a git host (the first time this takes minutes)")
	program, err := gitea.Build(ctx, d.Source, os.Stdout)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(d.state, "gitea")
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("remove an earlier demo's Gitea: %w", err)
	}
	h := &host{login: gitclone.Credentials{Username: "demo", Password: newToken()}, config: "demo/pipelines", program: "demo/greeting"}
	h.url, err = d.startHost(ctx, site{Options: gitea.Options{Program: program, Dir: dir, Host: address}, Login: h.login})
	if err != nil {
		return nil, err
	}
	d.Progress.Say("Gitea is at %s", h.url)
	h.user = gitea.NewClient(h.url, h.login)
	return h, errors.Join(h.user.CreateRepository(ctx, h.config, true), h.user.CreateRepository(ctx, h.program, false))
}

// pushExamples pushes the examples as a config repository, with a Trigger by which
// Gitea starts one of them.
func (d *demo) pushExamples(ctx context.Context, h *host) (commit string, err error) {
	return d.push(ctx, h, h.config, "Add the examples", func(clone *gitclone.Clone) error {
		if err := clone.Copy(examples{os.DirFS(filepath.Join(d.Source, "examples"))}); err != nil {
			return err
		}
		return clone.Write(map[string]string{"gitea.jsonnet": trigger(h)})
	})
}

// trigger is the demo's own: those of the examples don't know where Gitea and the web page
// are.
func trigger(h *host) string {
	link := "null"
	if h.page != "" {
		link = "'" + h.page + "/ns/{namespace}/runs/{run}'"
	}
	return fmt.Sprintf(`local ci = import 'kayci.libsonnet';

[
  ci.trigger.gitea('%[1]s', 'go-artifacts', secret='%[2]s', branches='main', params={
    git_url: 'event.cloneURL',
    git_sha: 'event.sha',
  }) + ci.report('%[3]s', api='%[4]s/api/v1', url=%[5]s),
]
`, pushTrigger, webhookSecret, reportSecret, h.url, link)
}

// pushApplication pushes the program of the example go-artifacts.
func (d *demo) pushApplication(ctx context.Context, h *host) (commit string, err error) {
	return d.push(ctx, h, h.program, "Greet everybody", func(clone *gitclone.Clone) error {
		return clone.Copy(os.DirFS(filepath.Join(d.Source, "examples", "go-artifacts", "app")))
	})
}

// push commits in a clone, which goes afterwards, and pushes it.
func (d *demo) push(ctx context.Context, h *host, repository, message string, change func(*gitclone.Clone) error) (commit string, err error) {
	dir, err := os.MkdirTemp("", "kayci-demo-")
	if err != nil {
		return "", fmt.Errorf("make a folder for a clone: %w", err)
	}
	defer os.RemoveAll(dir) // a leftover in the temporary folder harms nobody
	clone, err := h.user.Clone(ctx, repository, filepath.Join(dir, "clone"), branch)
	if err != nil {
		return "", err
	}
	if err := change(clone); err != nil {
		return "", err
	}
	if commit, err = clone.Push(ctx, message); err != nil {
		return "", err
	}
	d.Progress.Say("pushed to %s/%s, commit %.10s: %s", h.url, repository, commit, message)
	return commit, nil
}

// createWebhooks has Gitea tell KayCI of pushes.
func (d *demo) createWebhooks(ctx context.Context, h *host, hooks string, paths hookPaths, token string) error {
	for repository, path := range map[string]string{h.config: paths.config, h.program: paths.push} {
		_, err := h.user.CreateWebhook(ctx, repository, gitea.Webhook{URL: hooks + path, Secret: token, Events: []string{"push"}})
		if err != nil {
			return err
		}
		d.Progress.Say("Gitea tells %s%s of pushes to %s", hooks, path, repository)
	}
	return nil
}

// examples leaves out the programs that go-build and go-artifacts are tried with: they
// have repositories of their own.
type examples struct{ fs.FS }

func (e examples) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(e.FS, name)
	kept := entries[:0]
	for _, entry := range entries {
		if !strings.HasPrefix(path.Base(name), "go-") || entry.Name() != "app" {
			kept = append(kept, entry)
		}
	}
	return kept, err
}
