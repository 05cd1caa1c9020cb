package render_test

import (
	"strings"
	"testing"

	"github.com/kayci/kayci/render"
)

// What ci.checkout can't do is refused where it is written, with what to write instead.
func TestCheckoutIsRefused(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]string{
		`'git@github.com:acme/web.git', 'main'`:              "ci.checkout checkout: the url must begin with https://, ssh:// or http://",
		`'--upload-pack=x', 'main'`:                          "the url must begin with https://",
		`'file:///etc', 'main'`:                              "the url must begin with https://",
		`secret='git'`:                                       "say which host they are for, as in host='git.example.com'",
		`'https://$(KAYCI_HOST)/a/b', 'main', secret='git'`:  "say which host they are for",
		`host='git.example.com'`:                             "host and http are about credentials: name their secret",
		`'ssh://git@git.example.com/a/b', 'main'`:            "ssh:// needs a secret with the keys identity and known_hosts",
		`'http://git.example.com/a/b', 'main', secret='git'`: "or allow it with http=true",
		`depth=-1`:                           "depth is how many commits",
		`depth=1.5`:                          "depth is how many commits",
		`dir='/src', name='source'`:          "ci.checkout source: dir lies below the folder",
		`mirrorPath='web.git'`:               "mirrorPath is a folder of a mirror",
		`mirror='m', mirrorPath='/web.git'`:  "mirrorPath lies in the mirror's volume",
		`mirror='m', mirrorPath='../../etc'`: "mirrorPath lies in the mirror's volume",
		`mirror='m', paths=['docs']`:         "a mirror gives all files, and with paths but some are fetched",
		`dir='a/../../b'`:                    "ci.checkout checkout-a-b: dir lies below the folder",
		`'https://git.example.com/a/b', 'main') + ci.checkout(dir='/x'`: "dir lies below",
	} {
		t.Run(arguments, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, map[string]string{"a.jsonnet": "local ci = import 'kayci.libsonnet';\n" +
				"ci.pipeline('a', params=['git_url', 'git_sha'], jobs=[ci.job('a', [ci.checkout(" + arguments + "), ci.script('busybox', 'true')])])"})
			if got := strings.Join(rendered(t, options(t, dir)), "\n"); !strings.Contains(got, want) {
				t.Errorf("rendered %s, want an error with %q", got, want)
			}
		})
	}
}

func TestCheckoutNeedsAnImage(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.jsonnet": `local ci = import 'kayci.libsonnet';
ci.pipeline('a', params=['git_url', 'git_sha'], jobs=[ci.job('a', [ci.checkout(), ci.script('busybox', 'true')])])`})
	opts := options(t, dir)
	opts.Image = "registry.example.com/kayci@sha256:0123"
	if got := strings.Join(rendered(t, opts), "\n"); !strings.Contains(got, "set gitImage of KayCI's chart, or the ConfigRepo's var kayci.gitImage") {
		t.Errorf("rendered %s, want an error that says what to set", got)
	}
}

func TestGitImage(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]string{
		"ghcr.io/kayci/kayci:0.1.0":            "ghcr.io/kayci/kayci:0.1.0-git",
		"registry.example.com:5000/kayci":      "registry.example.com:5000/kayci:git",
		"registry.example.com:5000/kayci:1":    "registry.example.com:5000/kayci:1-git",
		"ghcr.io/kayci/kayci:1@sha256:0123abc": "",
	} {
		if got := render.GitImage(image); got != want {
			t.Errorf("GitImage(%s) = %q, want %q", image, got, want)
		}
	}
}
