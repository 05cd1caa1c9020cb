package checkout_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout/plan"
	"github.com/kayci/kayci/test/githost"
)

// Nothing of what a repository holds, or of what others have set in the environment,
// has git run a program.
func TestNothingOfTheRepositoryRuns(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	ran := filepath.Join(t.TempDir(), "ran")
	touch := "touch " + ran
	files := map[string]string{
		".gitattributes":           "* filter=evil diff=evil merge=evil\n",
		".gitconfig":               "[filter \"evil\"]\n\tsmudge = " + touch + "\n",
		".gitmodules":              "[submodule \"x\"]\n\tpath = x\n\turl = --upload-pack=" + touch + "\n\tupdate = !" + touch + "\n",
		"hooks/post-checkout":      "#!/bin/sh\n" + touch + "\n",
		".githooks/post-checkout":  "#!/bin/sh\n" + touch + "\n",
		".lfsconfig":               "[lfs]\n\turl = http://127.0.0.1:1/\n",
		"sub/.gitattributes":       "* filter=evil\n",
		"sub/text.txt":             "text",
		".husky/post-checkout":     "#!/bin/sh\n" + touch + "\n",
		".git-template/hooks/any":  touch,
		"hooks/reference-exchange": touch,
	}
	commit := push(t, repository, files)
	evil := t.TempDir()
	hook := filepath.Join(evil, "post-checkout")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\n"+touch+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(evil, "hooks"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(evil, "hooks", "post-checkout"), []byte("#!/bin/sh\n"+touch+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(evil, ".gitconfig"), []byte("[core]\n\thooksPath = "+evil+"\n[filter \"evil\"]\n\tsmudge = "+touch+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := trial{
		input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1},
		environ: []string{
			"HOME=" + evil, "XDG_CONFIG_HOME=" + evil, "GIT_CONFIG_GLOBAL=" + filepath.Join(evil, ".gitconfig"), "GIT_TEMPLATE_DIR=" + evil,
			"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=core.hooksPath", "GIT_CONFIG_VALUE_0=" + evil,
			"GIT_CONFIG_KEY_1=filter.evil.smudge", "GIT_CONFIG_VALUE_1=" + touch,
			"GIT_CONFIG_PARAMETERS='core.hooksPath'='" + evil + "'", "GIT_SSH_COMMAND=" + touch, "GIT_ASKPASS=" + hook, "GIT_EXEC_PATH=" + evil,
			"GIT_EXTERNAL_DIFF=" + touch, "GIT_PROXY_COMMAND=" + touch, "GIT_DIR=" + evil, "GIT_TRACE=" + ran, "PAGER=" + touch,
		},
	}.run(t)
	if got.err != nil {
		t.Fatal(got.err)
	}
	if _, err := os.Lstat(ran); err == nil {
		t.Error("something has run")
	}
	if text, err := os.ReadFile(filepath.Join(got.root, "sub", "text.txt")); err != nil || string(text) != "text" {
		t.Errorf("sub/text.txt is %q, %v", text, err)
	}
}

// A tree may hold a link and, below the same name, files: they aren't written to where
// the link leads. Nor is what would become git's own.
func TestTreesThatLeaveTheFolder(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	outside := t.TempDir()
	for name, build := range map[string]func(c crafter) string{
		"a link and a folder of one name": func(c crafter) string {
			return c.tree("120000 blob "+c.blob(outside)+"\ta", "040000 tree "+c.tree("100644 blob "+c.blob("x")+"\tb")+"\ta")
		},
		"a file in git's folder": func(c crafter) string {
			return c.tree("040000 tree " + c.tree("100755 blob "+c.blob("#!/bin/sh\n")+"\tpost-checkout") + "\t.git")
		},
		"a file above": func(c crafter) string {
			return c.tree("040000 tree " + c.tree("100644 blob "+c.blob("x")+"\tb") + "\t..")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repository := create(t, host, strings.ReplaceAll(name, " ", "-")[:6]+fmt.Sprint(len(name)))
			push(t, repository, map[string]string{"first": ""})
			c := crafter{t, filepath.Join(host.Dir, repository.Name+".git")}
			commit := c.commit(build(c))
			got := trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1}, dir: "web/src"}.run(t)
			t.Log(got.err)
			if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
				t.Errorf("written outside: %v, %v", left, err)
			}
			above, err := os.ReadDir(filepath.Join(got.root, "web"))
			if err != nil || len(above) != 1 {
				t.Errorf("written above: %v, %v", above, err)
			}
			if _, err := os.Lstat(filepath.Join(got.root, "web", "src", ".git", "post-checkout")); err == nil {
				t.Error("written into git's own folder")
			}
		})
	}
}

// crafter makes objects that git itself wouldn't.
type crafter struct {
	t    *testing.T
	bare string
}

func (c crafter) git(stdin string, args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "git", append([]string{"-C", c.bare, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("git %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

func (c crafter) blob(text string) string {
	return c.git(text, "hash-object", "-w", "--stdin")
}

// tree is one of the entries, in their order.
func (c crafter) tree(entries ...string) string {
	c.t.Helper()
	var raw strings.Builder
	for _, entry := range entries {
		fields, name, _ := strings.Cut(entry, "\t")
		mode, rest, _ := strings.Cut(strings.TrimPrefix(fields, "0"), " ")
		_, hash, _ := strings.Cut(rest, " ")
		raw.WriteString(mode + " " + name + "\x00")
		for i := 0; i < len(hash); i += 2 {
			var b byte
			if _, err := fmt.Sscanf(hash[i:i+2], "%02x", &b); err != nil {
				c.t.Fatal(err)
			}
			raw.WriteByte(b)
		}
	}
	return c.git(raw.String(), "hash-object", "-t", "tree", "-w", "--stdin", "--literally")
}

func (c crafter) commit(tree string) string {
	commit := c.git("", "commit-tree", "-m", "x", tree)
	c.git("", "update-ref", "refs/heads/"+githost.Branch, commit)
	return commit
}

// A step before may have left a link in the folder that the steps share.
func TestFolderThatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	commit := push(t, repository, map[string]string{"a.txt": "one"})
	root, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(root, "src")); err != nil {
		t.Fatal(err)
	}
	trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1}, root: root, dir: "src/web"}.run(t).mustFail(t, "make the folder src/web ready")
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written outside: %v, %v", left, err)
	}
}

// What a host says may hold sequences that a terminal obeys.
func TestMessagesAreText(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	push(t, repository, map[string]string{"a.txt": "one"})
	c := crafter{t, filepath.Join(host.Dir, "web.git")}
	commit := c.git("", "commit-tree", "-m", "\x1b]0;title\x07red \x1b[31m\u202eline", c.tree("100644 blob "+c.blob("x")+"\ta"))
	c.git("", "update-ref", "refs/heads/main", commit)
	got := trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1}}.run(t)
	if diff := cmp.Diff("Checked out "+commit+" of "+repository.URL+": red line\n", got.out); got.err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", got.err, diff)
	}
}
