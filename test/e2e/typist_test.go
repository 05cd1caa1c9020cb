package e2e

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/test/docs"
)

// typist types commands in a shell whose cluster is the tests' one.
type typist struct {
	environment []string
	replaced    []string
	pages, seen []string
}

func newTypist(t *testing.T) *typist {
	t.Helper()
	if err := shared.Client.Get(t.Context(), client.ObjectKey{Name: "ci"}, &corev1.Namespace{}); !apierrors.IsNotFound(err) {
		t.Fatalf("the documents' namespace is there already; delete it, if it's nobody's: kubectl delete namespace ci (%v)", err)
	}
	folder := t.TempDir()
	p := &typist{}
	p.useCluster(t, folder)
	p.replaced = append(p.replaced, hosts(t, folder)...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
		defer cancel()
		if t.Failed() {
			shared.Diagnose(ctx, t.Output(), "ci")
		}
		if err := shared.DeleteNamespace(ctx, "ci"); err != nil {
			t.Error(err)
		}
	})
	return p
}

// useCluster has kubectl find the cluster without any hint, as a person's does.
func (p *typist) useCluster(t *testing.T, folder string) {
	t.Helper()
	config, err := shared.Kubectl(t.Context(), "config", "view", "--raw", "--minify", "--flatten")
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(folder, "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p.environment = append(os.Environ(), "KUBECONFIG="+kubeconfig, "PATH="+shared.Programs()+":"+os.Getenv("PATH"))
}

// typePage types a page's blocks in one shell, and then what it says in passing.
func (p *typist) typePage(t *testing.T, d document, page docs.Page) {
	t.Helper()
	words := strings.NewReplacer(slices.Concat(d.replaced, p.replaced)...)
	out := p.bash(t, d.before+words.Replace(page.Script(untyped())))
	for _, said := range d.says {
		if !strings.Contains(out, said) {
			t.Errorf("the commands don't print %q:\n%s", said, out)
		}
	}
	for _, command := range printed(out) {
		p.bash(t, command)
	}
	for _, command := range page.Inline {
		names := strings.NewReplacer("configrepo NAME", "configrepo pipelines", "NAME", "web-3f9k2c")
		p.bash(t, "kubectl config set-context --current --namespace=ci >/dev/null\n"+names.Replace(words.Replace(command)))
	}
}

// printed are the commands that the chart tells to type next, but for one that
// goes on until it is ended, and which the tutorial has.
func printed(out string) []string {
	var commands []string
	for line := range strings.Lines(out) {
		command, indented := strings.CutPrefix(line, "     kubectl ")
		if indented && !strings.Contains(command, "port-forward") {
			commands = append(commands, "kubectl "+command)
		}
	}
	return commands
}

// bash runs a script as an interactive shell would, but for ending at the first
// command that fails. What it leaves running is ended.
func (p *typist) bash(t *testing.T, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"+script)
	cmd.Dir, cmd.Env = "../..", p.environment
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\nstandard output:\n%s\nstandard error:\n%s", err, script, stdout.String(), stderr.String())
	}
	return stdout.String()
}

func (p *typist) note(page docs.Page) {
	p.pages = append(p.pages, page.Name)
	for _, block := range page.Blocks {
		p.seen = append(p.seen, block.First())
	}
}

// checkNothingIsLeftOut fails if a page has commands and isn't on the list, or
// if the tables speak of a block that isn't there.
func (p *typist) checkNothingIsLeftOut(t *testing.T) {
	t.Helper()
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" || slices.Contains(p.pages, path) {
			return err
		}
		page := readPage(t, path)
		p.note(page)
		if script := page.Script(untyped()); script != "" {
			t.Errorf("%s is on no list:\n%s", path, script)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for block := range untyped() {
		if !slices.Contains(p.seen, block) {
			t.Errorf("no page has a block that begins with %q", block)
		}
	}
}

func readPage(t *testing.T, path string) docs.Page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	page, err := docs.Read(path, string(text))
	if err != nil {
		t.Fatal(err)
	}
	return page
}
