package checkout_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kayci/kayci/checkout"
	"github.com/kayci/kayci/checkout/plan"
	"github.com/kayci/kayci/sync/git"
	"github.com/kayci/kayci/test/gitclone"
	"github.com/kayci/kayci/test/githost"
)

// helperArgument has this test binary answer git, as the program does.
const helperArgument = "answer-git"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == helperArgument {
		if err := answer(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func answer(text string, args []string) error {
	var a checkout.Answering
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return err
	}
	if a.As == checkout.AsSSH {
		return checkout.SSH(context.Background(), a, args, nil, git.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	}
	return checkout.Credential(a, args[0], os.Stdin, os.Stdout)
}

// The credentials of every host.
const (
	username = "kayci"
	password = "canary-p@ss/word"
)

func startHost(t *testing.T) *githost.Host {
	t.Helper()
	host, err := githost.Start(t.Context(), t.TempDir(), "127.0.0.1:0", githost.Credentials{Username: username, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return host
}

func create(t *testing.T, host *githost.Host, name string) *githost.Repository {
	t.Helper()
	repository, err := host.Create(t.Context(), name, filepath.Join(t.TempDir(), "clone"))
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

// push commits files, by path, and returns the commit.
func push(t *testing.T, repository *githost.Repository, files map[string]string) string {
	t.Helper()
	if err := repository.Write(files); err != nil {
		t.Fatal(err)
	}
	changed := strings.Join(slices.Sorted(maps.Keys(files)), ", ")
	commit, err := repository.Push(t.Context(), "Change "+changed+"\n\nWith a body.")
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

// secretOf writes a Secret's keys as a volume has them.
func secretOf(t *testing.T, keys map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for key, value := range keys {
		if err := os.WriteFile(filepath.Join(folder, key), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// trial is a checkout into a new folder.
type trial struct {
	input  plan.Input
	dir    string
	secret string
	// root is the folder to start in. Blank: a new one.
	root string
	// environ is added to the environment.
	environ []string
	// waits gets how long was waited, instead of waiting.
	waits *[]time.Duration
	// limit is when to give up. 0: in a minute.
	limit time.Duration
	// ctx, if not nil, is the test's otherwise.
	ctx context.Context //nolint:containedctx // It is an argument.
}

// outcome is what has become of one.
type outcome struct {
	commit, root, out string
	err               error
}

func (tr trial) run(t *testing.T) outcome {
	t.Helper()
	if tr.root == "" {
		tr.root = t.TempDir()
	}
	if tr.dir == "" {
		tr.dir = "."
	}
	tr.input.Credentials = tr.secret != ""
	source, err := plan.Read(tr.input)
	if err != nil {
		return outcome{err: err, root: tr.root}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if tr.ctx == nil {
		tr.ctx = t.Context()
	}
	ctx, cancel := context.WithTimeout(tr.ctx, cmp.Or(tr.limit, time.Minute))
	defer cancel()
	var out bytes.Buffer
	commit, err := checkout.Run(ctx, checkout.Options{
		Source: source, Root: tr.root, Dir: tr.dir, Secret: tr.secret,
		Helper: func(a checkout.Answering) []string {
			text, err := json.Marshal(a) //nolint:gosec // The field is the name of a folder.
			if err != nil {
				t.Error(err)
			}
			return []string{self, helperArgument, string(text)}
		},
		Environ: append(os.Environ(), tr.environ...),
		Out:     &out,
		Wait: func(ctx context.Context, d time.Duration) error {
			if tr.input.LFS && d == time.Second {
				// For the time stamps of files.
				select {
				case <-ctx.Done():
				case <-time.After(d):
				}
				return ctx.Err()
			}
			if tr.waits != nil {
				*tr.waits = append(*tr.waits, d)
			}
			return nil
		},
	})
	return outcome{commit: commit, root: tr.root, out: out.String(), err: err}
}

// files are those below a folder but for git's own, by path.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == ".git" {
			return filepath.SkipDir
		}
		name, err := filepath.Rel(folder, path)
		if err != nil || entry.IsDir() {
			return err
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			found[name] = "-> " + target
			return err
		}
		content, err := os.ReadFile(path)
		found[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// gitIn is what git prints in a folder.
func gitIn(t *testing.T, folder string, args ...string) string {
	t.Helper()
	out, err := gitclone.Git(t.Context(), gitclone.Credentials{}, append([]string{"-C", folder}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// mustFail checks that an error says all of the words, and none of the credentials.
func (o outcome) mustFail(t *testing.T, words ...string) {
	t.Helper()
	if o.err == nil {
		t.Fatalf("checked out %s, want an error with %q", o.commit, words)
	}
	for _, word := range words {
		if !strings.Contains(o.err.Error(), word) {
			t.Errorf("error %q doesn't say %q", o.err, word)
		}
	}
	if strings.Contains(o.err.Error()+o.out, "canary") {
		t.Errorf("a credential is shown:\n%v\n%s", o.err, o.out)
	}
}
