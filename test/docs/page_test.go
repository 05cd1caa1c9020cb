package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/test/docs"
)

func TestRead(t *testing.T) {
	markdown := strings.Join([]string{
		"Type `kubectl get runs`, or `make`, or use `kubectl create`:", "", "```sh", "A=1", "", "    kubectl get `x`", "```", "", "```console", "$ kubectl get a", "none",
		"$ echo $A", "```", "```yaml", "a: b", "```", "| `kubectl describe run` | |",
	}, "\n")
	got, err := docs.Read("a.md", markdown)
	if err != nil {
		t.Fatal(err)
	}
	want := docs.Page{
		Name: "a.md",
		Blocks: []docs.Block{
			{Line: 4, Language: "sh", Text: "A=1\n\n    kubectl get `x`\n"},
			{Line: 10, Language: "console", Text: "$ kubectl get a\nnone\n$ echo $A\n"},
			{Line: 15, Language: "yaml", Text: "a: b\n"},
		},
		Inline: []string{"kubectl get runs", "kubectl describe run"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	script := "echo '== a.md:10' | tee /dev/stderr\nkubectl get a\necho $A\n"
	if diff := cmp.Diff(script, got.Script(map[string]string{"A=1": "why"})); diff != "" {
		t.Errorf("script (-want +got):\n%s", diff)
	}
}

func TestReadRefusesBlocksThatNobodyWouldRun(t *testing.T) {
	_, err := docs.Read("a.md", "Type:\n\n    kubectl get runs\n\n```\nkubectl get jobs\n```\n\n```sh\nend")
	want := "a.md:3: a block without a fence\na.md:5: a block that doesn't say its language\na.md:9: a block that doesn't end"
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

// TestPagesCanBeRead is about all documents of this repository.
func TestPagesCanBeRead(t *testing.T) {
	count := 0
	err := fs.WalkDir(os.DirFS("../.."), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".md" {
			return err
		}
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			return err
		}
		count++
		page, err := docs.Read(name, string(text))
		if err != nil {
			t.Error(err)
		}
		for _, command := range append(page.Inline, page.Script(nil)) {
			checkLogs(t, name, command)
		}
		return nil
	})
	if err != nil || count == 0 {
		t.Fatalf("read %d pages: %v", count, err)
	}
}

// checkLogs: kubectl ends at the first container that has never started unless
// it is told to go on, and leaves out logs that are there.
func checkLogs(t *testing.T, name, commands string) {
	t.Helper()
	for line := range strings.Lines(commands) {
		if !strings.Contains(line, "kubectl") || !strings.Contains(line, " logs ") {
			continue
		}
		for _, flag := range []string{"--all-containers", "--prefix", "--tail=-1", "--ignore-errors"} {
			if !strings.Contains(line, flag) {
				t.Errorf("%s: %s has no %s", name, strings.TrimSpace(line), flag)
			}
		}
	}
}

// TestTheVersionOfKueue: the page names the one that the tests install.
func TestTheVersionOfKueue(t *testing.T) {
	module, err := os.ReadFile("../../local/kueue/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(module), "sigs.k8s.io/kueue v")
	version, _, found := strings.Cut(rest, " ")
	page, err := os.ReadFile("../../docs/pipelines.md")
	if err != nil {
		t.Fatal(err)
	}
	if !found || !strings.Contains(string(page), "Kueue v"+version+".\n") {
		t.Errorf("docs/pipelines.md doesn't name Kueue v%s", version)
	}
}
