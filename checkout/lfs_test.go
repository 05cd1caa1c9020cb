package checkout_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout/plan"
	"github.com/kayci/kayci/test/githost"
)

// withLFS has Git LFS be among the programs.
var withLFS = sync.OnceValue(func() error {
	path, err := githost.BuildLFS(context.Background(), "..")
	if err != nil {
		return err
	}
	return os.Setenv("PATH", filepath.Dir(path)+string(filepath.ListSeparator)+os.Getenv("PATH"))
})

// largeFiles are kept by Git LFS.
const largeFiles = "*.bin filter=lfs diff=lfs merge=lfs -text\n"

// lfsHost is a host for a test of Git LFS.
func lfsHost(t *testing.T) *githost.Host {
	t.Helper()
	if err := withLFS(); err != nil {
		t.Fatal(err)
	}
	return startHost(t)
}

func basicSecret(t *testing.T) string {
	t.Helper()
	return secretOf(t, map[string]string{"username": username, "password": password})
}

// hashOf is the hash that a pointer names.
func hashOf(pointer string) string {
	_, rest, _ := strings.Cut(pointer, "sha256:")
	hash, _, _ := strings.Cut(rest, "\n")
	return hash
}

// Files of Git LFS are what they stand for, and to git, which may have no Git LFS in the
// step behind, they are unchanged.
func TestLFS(t *testing.T) {
	t.Parallel()
	host := lfsHost(t)
	repository, inner := create(t, host, "private/web"), create(t, host, "private/inner")
	one, two, deep := host.LFS.Add("one"), host.LFS.Add("two"), host.LFS.Add("deep")
	innermost := push(t, inner, map[string]string{".gitattributes": largeFiles, "deep.bin": deep})
	push(t, repository, map[string]string{
		".gitattributes": largeFiles, "plain.txt": "text", "small.bin": "no pointer",
		"a/one.bin": one, "b/two.bin": two, "b/once more.bin": one,
	})
	c := crafter{t, filepath.Join(host.Dir, repository.Name+".git")}
	entries := strings.Split(c.git("", "ls-tree", "HEAD"), "\n")
	modules := c.blob("[submodule \"it\"]\n\tpath = inner\n\turl = ../inner.git\n")
	entries = append(entries, "100644 blob "+modules+"\t.gitmodules", "160000 commit "+innermost+"\tinner")
	slices.SortFunc(entries, func(a, b string) int {
		_, a, _ = strings.Cut(a, "\t")
		_, b, _ = strings.Cut(b, "\t")
		return strings.Compare(a, b)
	})
	commit := c.commit(c.tree(entries...))
	for name, tt := range map[string]struct {
		input plan.Input
		want  map[string]string
	}{
		"all": {plan.Input{LFS: true, Submodules: true}, map[string]string{
			"plain.txt": "text", "small.bin": "no pointer", "a/one.bin": "one", "b/two.bin": "two", "b/once more.bin": "one", "inner/deep.bin": "deep",
		}},
		"a folder": {plan.Input{LFS: true, Paths: []string{"a"}}, map[string]string{"plain.txt": "text", "small.bin": "no pointer", "a/one.bin": "one"}},
		"none":     {plan.Input{Paths: []string{"a"}}, map[string]string{"plain.txt": "text", "small.bin": "no pointer", "a/one.bin": one}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.input.URL, tt.input.SHA, tt.input.Depth, tt.input.PlainHTTP = repository.URL, commit, 1, true
			got := trial{input: tt.input, secret: basicSecret(t)}.run(t)
			found := files(t, got.root)
			for _, beside := range []string{".gitattributes", ".gitmodules", "inner/.gitattributes"} {
				delete(found, beside)
			}
			if diff := cmp.Diff(tt.want, found); got.err != nil || diff != "" {
				t.Fatalf("%v (-want +got)\n%s", got.err, diff)
			}
			if diff := cmp.Diff("", gitIn(t, got.root, "status", "--porcelain")); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			holdsNoCanary(t, got)
			if _, err := os.Lstat(filepath.Join(got.root, ".git", plan.LFSClient)); err == nil {
				t.Error("what Git LFS worked in is left")
			}
		})
	}
}

// Of a folder only the files there are fetched.
func TestLFSFetchesWhatIsWritten(t *testing.T) {
	t.Parallel()
	host := lfsHost(t)
	repository := create(t, host, "web")
	one, two := host.LFS.Add("one"), host.LFS.Add("two")
	commit := push(t, repository, map[string]string{".gitattributes": largeFiles, "a/one.bin": one, "b/two.bin": two})
	got := trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1, LFS: true, Paths: []string{"b"}}}.run(t)
	if diff := cmp.Diff([]string{hashOf(two)}, host.LFS.Served()); got.err != nil || diff != "" {
		t.Errorf("%v; files that were fetched (-want +got):\n%s", got.err, diff)
	}
}

func TestLFSMerge(t *testing.T) {
	t.Parallel()
	host := lfsHost(t)
	repository := create(t, host, "web")
	first := host.LFS.Add("first")
	base := push(t, repository, map[string]string{".gitattributes": largeFiles, "a.bin": first, "b.bin": first})
	push(t, repository, map[string]string{"a.bin": host.LFS.Add("theirs")})
	c := crafter{t, filepath.Join(host.Dir, repository.Name+".git")}
	tree := c.tree("100644 blob "+c.blob(largeFiles)+"\t.gitattributes", "100644 blob "+c.blob(first)+"\ta.bin", "100644 blob "+c.blob(host.LFS.Add("ours"))+"\tb.bin")
	commit := c.git("", "commit-tree", "-m", "x", "-p", base, tree)
	c.git("", "update-ref", "refs/heads/change", commit)
	got := trial{input: plan.Input{URL: repository.URL, SHA: commit, Merge: "main", Depth: 1, LFS: true}}.run(t)
	want := map[string]string{".gitattributes": largeFiles, "a.bin": "theirs", "b.bin": "ours"}
	if diff := cmp.Diff(want, files(t, got.root)); got.err != nil || diff != "" {
		t.Fatalf("%v (-want +got)\n%s", got.err, diff)
	}
	if diff := cmp.Diff("", gitIn(t, got.root, "status", "--porcelain")); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestLFSBySSH(t *testing.T) {
	t.Parallel()
	host := lfsHost(t)
	repository := create(t, host, "private/web")
	commit := push(t, repository, map[string]string{".gitattributes": largeFiles, "a.bin": host.LFS.Add("large")})
	server := startSSH(t, host)
	got := trial{
		input:  plan.Input{URL: server.URL("private/web"), SHA: commit, Depth: 1, LFS: true},
		secret: secretOf(t, map[string]string{"identity": server.Identity, "known_hosts": server.KnownHosts}),
	}.run(t)
	if diff := cmp.Diff(map[string]string{".gitattributes": largeFiles, "a.bin": "large"}, files(t, got.root)); got.err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", got.err, diff)
	}
}

func TestImageWithoutLFS(t *testing.T) {
	if err := withLFS(); err != nil {
		t.Fatal(err)
	}
	host := startHost(t)
	repository := create(t, host, "web")
	commit := push(t, repository, map[string]string{"a.txt": "one"})
	programs := t.TempDir()
	for _, name := range []string{"git", "sh"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", programs)
	trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1, LFS: true}}.run(t).mustFail(t, "the image has no git-lfs", "use KayCI's image with git")
}
