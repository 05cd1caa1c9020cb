package checkout_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout/plan"
	"github.com/kayci/kayci/test/githost"
)

// link makes a commit whose only content is a submodule, and further entries behind it.
func link(t *testing.T, host *githost.Host, repository *githost.Repository, path, url, commit string, entries ...string) string {
	t.Helper()
	c := crafter{t, filepath.Join(host.Dir, repository.Name+".git")}
	modules := "[submodule \"it\"]\n\tpath = " + path + "\n\turl = " + url + "\n"
	entry := "160000 commit " + commit + "\t"
	parts := strings.Split(path, "/")
	entry += parts[len(parts)-1]
	for i := len(parts) - 2; i >= 0; i-- {
		entry = "040000 tree " + c.tree(entry) + "\t" + parts[i]
	}
	all := append([]string{"100644 blob " + c.blob(modules) + "\t.gitmodules", entry}, entries...)
	return c.commit(c.tree(all...))
}

func TestSubmodules(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	inner, middle, outer := create(t, host, "private/inner"), create(t, host, "private/middle"), create(t, host, "private/outer")
	deepest := push(t, inner, map[string]string{"deep.txt": "deep"})
	push(t, inner, map[string]string{"deep.txt": "newer"})
	push(t, middle, map[string]string{"x": ""})
	push(t, outer, map[string]string{"x": ""})
	between := link(t, host, middle, "inner", "../inner.git", deepest)
	commit := link(t, host, outer, "third_party/middle", host.URL("private/middle"), between)
	input := plan.Input{URL: outer.URL, SHA: commit, Depth: 1, PlainHTTP: true, Submodules: true}
	secret := secretOf(t, map[string]string{"username": username, "password": password})
	got := trial{input: input, secret: secret}.run(t)
	if got.err != nil {
		t.Fatalf("%v\n%s", got.err, got.out)
	}
	found := files(t, got.root)
	if found["third_party/middle/inner/deep.txt"] != "deep" {
		t.Errorf("files %v", found)
	}
	if diff := cmp.Diff("", gitIn(t, got.root, "status", "--porcelain")); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	holdsNoCanary(t, got)

	input.Submodules = false
	got = trial{input: input, secret: secret}.run(t)
	if diff := cmp.Diff(1, len(files(t, got.root))); got.err != nil || diff != "" {
		t.Errorf("without submodules: %v %s", got.err, diff)
	}
	input.Submodules, input.Paths = true, []string{"docs"}
	got = trial{input: input, secret: secret}.run(t)
	if diff := cmp.Diff(1, len(files(t, got.root))); got.err != nil || diff != "" {
		t.Errorf("with other folders: %v %s", got.err, diff)
	}
}

// A submodule may be anywhere, and where it is may be a trap.
func TestSubmodulesThatAreTraps(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	inner := create(t, host, "inner")
	commit := push(t, inner, map[string]string{"hooks/post-checkout": "#!/bin/sh\ntouch ran\n", "a.txt": "x"})
	for name, tt := range map[string]struct {
		path, url string
		link      string
		want      string
	}{
		"git's own folder":          {path: ".git/modules", url: "../inner.git", want: "invalid path"},
		"the same in capitals":      {path: "a/.GIT", url: "../inner.git", want: "invalid path"},
		"above":                     {path: "../x", url: "../inner.git", want: "invalid path"},
		"by way of a link":          {path: "a/hooks", url: "../inner.git", link: ".git", want: `the submodule "a/hooks" lies behind "a", which is no folder`},
		"an option":                 {path: "x", url: "-u./payload", want: "the submodule x: the URL must begin with https://"},
		"a program":                 {path: "x", url: "ext::touch ran", want: "the submodule x: the URL must begin with https://"},
		"a file":                    {path: "x", url: "file:///etc", want: "the submodule x: the URL must begin with https://"},
		"another host, without key": {path: "x", url: "ssh://git@git.example.com/x", want: "the submodule x: ssh:// needs a Secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repository := create(t, host, strings.NewReplacer(" ", "-", "'", "", ",", "").Replace(name))
			push(t, repository, map[string]string{"x": ""})
			var entries []string
			if tt.link != "" {
				c := crafter{t, filepath.Join(host.Dir, repository.Name+".git")}
				entries = []string{"120000 blob " + c.blob(tt.link) + "\ta"}
			}
			outer := link(t, host, repository, tt.path, tt.url, commit, entries...)
			got := trial{input: plan.Input{URL: repository.URL, SHA: outer, Depth: 1, Submodules: true}}.run(t)
			got.mustFail(t, tt.want)
			for _, file := range []string{".git/hooks/post-checkout", ".git/hooks/hooks/post-checkout", ".git/hooks/a.txt"} {
				if match, err := filepath.Glob(filepath.Join(got.root, file)); err != nil || len(match) > 0 {
					t.Errorf("%s was written, %v", file, err)
				}
			}
		})
	}
}

// The credentials are for the host of the repository, whatever a submodule's URL is.
func TestSubmodulesOfOthersGetNoCredentials(t *testing.T) {
	t.Parallel()
	host, other := startHost(t), startHost(t)
	inner := create(t, other, "private/inner")
	commit := push(t, inner, map[string]string{"a.txt": "x"})
	outer := create(t, host, "private/outer")
	push(t, outer, map[string]string{"x": ""})
	linked := link(t, host, outer, "inner", inner.URL, commit)
	trial{
		input:  plan.Input{URL: outer.URL, SHA: linked, Depth: 1, PlainHTTP: true, Submodules: true},
		secret: secretOf(t, map[string]string{"username": username, "password": password}),
	}.run(t).mustFail(t, "the submodule inner: "+other.Address+" wants credentials")
}
