package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout/plan"
)

func TestReadModules(t *testing.T) {
	t.Parallel()
	got, err := plan.ReadModules("submodule.a.b.path\nlib/a b\x00submodule.a.b.url\n../a.git\x00submodule.c.path\nc\x00")
	if diff := cmp.Diff([]plan.Module{{Path: "lib/a b", URL: "../a.git"}, {Path: "c"}}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	for _, path := range []string{"", ".", "..", "../x", "a/../b", "/etc", ".git", ".git/hooks", "a/.GIT/hooks", "-x", "a//b", "a/", "a\nb"} {
		if got, err := plan.ReadModules("submodule.x.path\n" + path + "\x00submodule.x.url\n../x\x00"); err == nil {
			t.Errorf("the path %q is taken: %v", path, got)
		}
	}
	var many strings.Builder
	for i := range 101 {
		fmt.Fprintf(&many, "submodule.%d.path\nm%d\x00", i, i)
	}
	if _, err := plan.ReadModules(many.String()); err == nil || !strings.Contains(err.Error(), "101 submodules, and 100 are fetched at most") {
		t.Errorf("101 submodules: %v", err)
	}
}

func TestReadLinks(t *testing.T) {
	t.Parallel()
	got := plan.ReadLinks("160000 commit " + commit + "\tlib/a b\x00100644 blob " + commit + "\tfile\x00160000 commit HEAD\tbad\x00")
	if diff := cmp.Diff(map[string]string{"lib/a b": commit}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The credentials go to the host of the repository, and to no other.
func TestSubmodule(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ url, module, want string }{
		"beside":                     {address, "../lib.git", "https://git.example.com/acme/lib.git, commit " + commit + ", host git.example.com"},
		"above all":                  {address, "../../../../lib.git", "https://git.example.com/lib.git, commit " + commit + ", host git.example.com"},
		"the same host":              {address, "https://git.example.com/x/lib", "https://git.example.com/x/lib, commit " + commit + ", host git.example.com"},
		"the same host by ssh":       {address, "ssh://git@git.example.com/x/lib", "https://git.example.com/x/lib, commit " + commit + ", host git.example.com"},
		"the same as scp has it":     {address, "git@git.example.com:x/lib.git", "https://git.example.com/x/lib.git, commit " + commit + ", host git.example.com"},
		"another host":               {address, "https://github.com/x/lib", "https://github.com/x/lib, commit " + commit},
		"another port":               {address, "https://git.example.com:8443/x/lib", "https://git.example.com:8443/x/lib, commit " + commit},
		"another host by ssh":        {address, "git@github.com:x/lib", "ssh://git@github.com/x/lib, commit " + commit},
		"of ssh, beside":             {"ssh://git@git.example.com/acme/web", "../lib", "ssh://git@git.example.com/acme/lib, commit " + commit + ", host git.example.com"},
		"of ssh, by https":           {"ssh://git@git.example.com/acme/web", "https://git.example.com/x/lib", "https://git.example.com/x/lib, commit " + commit},
		"in the clear":               {address, "http://git.example.com/x/lib", "error: the submodule lib is fetched over http://, and the repository isn't"},
		"a file":                     {address, "/etc", "error: the submodule lib: the URL must begin with https://, ssh:// or http://"},
		"an option":                  {address, "--upload-pack=touch", "error: the submodule lib: the URL must begin with https://, ssh:// or http://"},
		"a program":                  {address, "ext::sh -c touch", "error: the submodule lib: the URL must begin with https://, ssh:// or http://"},
		"a relative one with a user": {address, "../a:b@evil.example/x", "https://git.example.com/acme/a:b@evil.example/x, commit " + commit + ", host git.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, err := plan.Read(plan.Input{URL: tt.url, SHA: "main", Credentials: true})
			if err != nil {
				t.Fatal(err)
			}
			sub, err := source.Submodule(plan.Module{Path: "lib", URL: tt.module}, commit)
			got := described(sub)
			if err != nil {
				got = "error: " + err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestExplainConflict(t *testing.T) {
	t.Parallel()
	source, err := plan.Read(plan.Input{URL: address, SHA: commit, Merge: "main"})
	if err != nil {
		t.Fatal(err)
	}
	if got := source.ExplainConflict(commit, ""); got != "" {
		t.Errorf("without files it says %q", got)
	}
	want := commit + " conflicts with main in f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 and 2 more: merge main into its branch, or rebase it, and push"
	var many strings.Builder
	for i := range 12 {
		fmt.Fprintf(&many, "f%d\x00", i)
	}
	if diff := cmp.Diff(want, source.ExplainConflict(commit, many.String())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
