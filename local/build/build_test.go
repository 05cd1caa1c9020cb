package build

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/local/progress"
)

const toy = "package main\n\nimport \"os\"\n\nfunc main() { println(os.Args[0]) }\n"

// layOut writes the source of a program.
func layOut(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range map[string]string{
		"kubernetes/go.mod": "module github.com/kayci/kayci/local/kubernetes\n\ngo 1.26.0\n", "kubernetes/go.sum": "", "kubernetes/main.go": text,
		"kubernetes/main_test.go": "package main\n",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func program() Program {
	return Program{Name: "toy", Module: "kubernetes", Package: ".", Links: []string{"one", "two"}, LDFlags: "-s -w"}
}

func ensure(t *testing.T, c Cache, source string, out *bytes.Buffer) error {
	t.Helper()
	return c.Ensure(t.Context(), progress.New(out, false, time.Now), source, []Program{program()})
}

func TestEnsure(t *testing.T) {
	c, source := Cache{Dir: filepath.Join(t.TempDir(), "cache")}, layOut(t, toy)
	var group sync.WaitGroup
	outs := make([]bytes.Buffer, 3)
	for i := range outs {
		group.Go(func() {
			if err := ensure(t, c, source, &outs[i]); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	said := outs[0].String() + outs[1].String() + outs[2].String()
	if strings.Count(said, "building toy: done") != 1 {
		t.Errorf("built not once:\n%s", said)
	}
	for _, name := range []string{"one", "two"} {
		out, err := exec.CommandContext(t.Context(), filepath.Join(c.Bin(), name)).CombinedOutput()
		if want := filepath.Join(c.Bin(), name) + "\n"; err != nil || string(out) != want {
			t.Errorf("%s: %v, %q, want %q", name, err, out, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(c.Dir, ".build-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}

func TestEnsureSaysWhy(t *testing.T) {
	c := Cache{Dir: filepath.Join(t.TempDir(), "cache")}
	var out bytes.Buffer
	err := ensure(t, c, layOut(t, "package main\n\nfunc main() { nonsense() }\n"), &out)
	if err == nil || !strings.Contains(err.Error(), "undefined: nonsense") {
		t.Errorf("got %v", err)
	}
	left, err := filepath.Glob(filepath.Join(c.Dir, "*"))
	if diff := cmp.Diff([]string{filepath.Join(c.Dir, ".toy.lock")}, left); diff != "" || err != nil {
		t.Errorf("in the cache: %v (-want +got)\n%s", err, diff)
	}
}

func TestHash(t *testing.T) {
	base, other := layOut(t, toy), layOut(t, toy+"\n")
	hash := func(source, toolchain string, p Program) string {
		t.Helper()
		got, err := p.hash(source, toolchain)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := hash(base, "go1", program())
	if err := os.WriteFile(filepath.Join(base, "kubernetes/main_test.go"), []byte("package main // changed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := hash(base, "go1", program()); got != want {
		t.Error("a test is part of the hash")
	}
	flags, tags, cgo := program(), program(), program()
	flags.LDFlags, tags.Tags, cgo.CGO = "", "toy", true
	for what, got := range map[string]string{
		"source": hash(other, "go1", program()), "toolchain": hash(base, "go2", program()), "flags": hash(base, "go1", flags),
		"tags": hash(base, "go1", tags), "use of C": hash(base, "go1", cgo),
	} {
		if got == want {
			t.Errorf("the %s is no part of the hash", what)
		}
	}
	if _, err := program().hash(t.TempDir(), "go1"); err == nil {
		t.Error("no source has a hash")
	}
}

// What a required module's program is built from is in go.mod and go.sum.
func TestHashOfARequiredProgram(t *testing.T) {
	required := program()
	required.Package = "example.com/toy/cmd/toy"
	var hashes []string
	for _, sum := range []string{"", "example.com/toy v1.0.0 h1:toy\n"} {
		source := layOut(t, toy)
		if err := os.WriteFile(filepath.Join(source, "kubernetes/go.sum"), []byte(sum), 0o600); err != nil {
			t.Fatal(err)
		}
		hash, err := required.hash(source, "go1")
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hash)
	}
	if hashes[0] == hashes[1] {
		t.Error("go.sum is no part of the hash")
	}
	if _, err := required.hash(t.TempDir(), "go1"); err == nil {
		t.Error("no module has a hash")
	}
}

func TestFindSource(t *testing.T) {
	source := layOut(t, toy)
	tree := t.TempDir()
	if err := os.Rename(source, filepath.Join(tree, "local")); err != nil {
		t.Fatal(err)
	}
	source = filepath.Join(tree, "local")
	for _, dir := range []string{source, tree, filepath.Join(tree, "charts/kayci"), filepath.Join(source, "kubernetes")} {
		if got, err := FindSource(dir); got != source || err != nil {
			t.Errorf("from %s: %s, %v", dir, got, err)
		}
	}
	if got, err := FindSource(t.TempDir(), tree); got != source || err != nil {
		t.Errorf("from the second folder: %s, %v", got, err)
	}
	if got, err := FindSource(t.TempDir()); err == nil {
		t.Errorf("found %s", got)
	}
}

func TestVersions(t *testing.T) {
	for name, required := range map[string]string{"kubernetes": "k8s.io/kubernetes " + kubernetesVersion, "gitea": giteaModule + " " + giteaVersion} {
		module, err := os.ReadFile("../" + name + "/go.mod")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.ReplaceAll(string(module), " // indirect", ""), required+"\n") {
			t.Errorf("%s/go.mod doesn't require %s", name, required)
		}
	}
	want := "-X k8s.io/client-go/pkg/version.gitVersion=v1.36.3 -X k8s.io/client-go/pkg/version.gitMajor=1 -X k8s.io/client-go/pkg/version.gitMinor=36 " +
		"-X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
	if diff := cmp.Diff(want, versionFlags("v1.36.3")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
