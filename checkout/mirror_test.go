package checkout_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout/plan"
	"github.com/kayci/kayci/test/githost"
)

// mirrorOf is a mirror of a repository as it is now, in a folder of its own.
func mirrorOf(t *testing.T, repository *githost.Repository) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mirror.git")
	gitIn(t, t.TempDir(), "clone", "--quiet", "--mirror", repository.URL, dir)
	return dir
}

// counted is a way to a host on which it is counted what the host sends.
type counted struct {
	url  string
	sent atomic.Int64
}

type countingWriter struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (w countingWriter) Write(p []byte) (int, error) {
	w.sent.Add(int64(len(p)))
	return w.ResponseWriter.Write(p)
}

func count(t *testing.T, host *githost.Host) *counted {
	t.Helper()
	c := &counted{}
	next := proxyTo(host.Address)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(countingWriter{w, &c.sent}, r) }))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// incompressible is a text of that many bytes.
func incompressible(seed uint64, size int) string {
	source := rand.NewChaCha8([32]byte{byte(seed)})
	var text strings.Builder
	for text.Len() < size {
		text.WriteByte('!' + byte(source.Uint64()%90))
	}
	return text.String()
}

// Of what a mirror has the host sends nothing, and when the mirror is gone the checkout is
// as whole as one without.
func TestMirror(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	const large = 1 << 20
	first := push(t, repository, map[string]string{"large.txt": incompressible(1, large), "a.txt": "one"})
	second := push(t, repository, map[string]string{"a.txt": "two"})
	old := mirrorOf(t, repository)
	third := push(t, repository, map[string]string{"a.txt": "three", "b/b.txt": "b"})
	c := crafter{t, filepath.Join(host.Dir, "web.git")}
	change := c.git("", "commit-tree", "-m", "x", "-p", second, c.tree(
		"100644 blob "+c.git("", "rev-parse", second+":a.txt")+"\ta.txt", "100644 blob "+c.blob("new")+"\tc.txt", "100644 blob "+c.git("", "rev-parse", second+":large.txt")+"\tlarge.txt"))
	c.git("", "update-ref", "refs/heads/change", change)
	for name, tt := range map[string]struct {
		input plan.Input
		says  string
	}{
		"a commit that it has":        {plan.Input{SHA: first, Depth: 1}, "The mirror has " + first},
		"a commit that it lacks":      {plan.Input{SHA: third, Depth: 1}, "The mirror has some of it"},
		"one that is asked for twice": {plan.Input{SHA: third, Ref: "main", Depth: 1}, "The mirror has some of it"},
		"a branch":                    {plan.Input{SHA: "main", Depth: 1}, "The mirror has some of it"},
		"a branch that it lacks":      {plan.Input{SHA: "change", Depth: 1}, "The mirror has some of it"},
		"some history":                {plan.Input{SHA: third, Depth: 2}, "The mirror has some of it"},
		"all history, and tags":       {plan.Input{SHA: third, Tags: true}, "The mirror has some of it"},
		"a merge":                     {plan.Input{SHA: change, Merge: "main", Depth: 1}, "The mirror has some of it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alone, helped := count(t, host), count(t, host)
			mirror := filepath.Join(t.TempDir(), "mirror.git")
			if err := os.CopyFS(mirror, os.DirFS(old)); err != nil {
				t.Fatal(err)
			}
			tt.input.URL = alone.url + "/web.git"
			without := trial{input: tt.input}.run(t)
			tt.input.URL, tt.input.Mirror = helped.url+"/web.git", mirror
			with := trial{input: tt.input}.run(t)
			if without.err != nil || with.err != nil {
				t.Fatalf("%v, %v\n%s", without.err, with.err, with.out)
			}
			if err := os.RemoveAll(mirror); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(with.out, tt.says) {
				t.Errorf("said %q, want %q", with.out, tt.says)
			}
			if alone.sent.Load() < large/2 || helped.sent.Load() > large/100 {
				t.Errorf("the host has sent %d bytes, and %d without a mirror", helped.sent.Load(), alone.sent.Load())
			}
			if diff := cmp.Diff(facts(t, without), facts(t, with)); diff != "" {
				t.Errorf("with a mirror the checkout differs (-without +with):\n%s", diff)
			}
			gitIn(t, with.root, "fsck", "--full", "--strict")
		})
	}
}

// facts are what a checkout is to who uses it.
func facts(t *testing.T, got outcome) map[string]any {
	t.Helper()
	facts := map[string]any{"files": files(t, got.root)}
	for _, question := range []string{
		"rev-parse HEAD^{tree}", "rev-list --count HEAD", "for-each-ref", "status --porcelain", "config --get-regexp remote.origin.fetch|alternate|extensions|promisor", "log --all --format=%T %s",
	} {
		args := strings.SplitN(question, " ", 3)
		if args[0] == "config" {
			args = append(args[:2:2], args[2])
		}
		facts[question] = gitIn(t, got.root, args...)
	}
	for _, file := range []string{"objects/info/alternates", "FETCH_HEAD"} {
		text, err := os.ReadFile(filepath.Join(got.root, ".git", file))
		fields, _, _ := strings.Cut(string(text), "\t")
		facts[file] = []any{fields, err == nil}
	}
	return facts
}

// A mirror that can't be used is a warning, and the checkout goes on.
func TestMirrorsThatCantBeUsed(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	commit := push(t, repository, map[string]string{"a.txt": "one"})
	// damaged is a mirror after something was done to it.
	damaged := func(do func(mirror string) error) string {
		mirror := mirrorOf(t, repository)
		if err := do(mirror); err != nil {
			t.Fatal(err)
		}
		return mirror
	}
	empty := t.TempDir()
	for name, tt := range map[string]struct{ mirror, says string }{
		"missing": {filepath.Join(empty, "none"), "the mirror can't be used, and all is fetched from " + host.Address},
		"no git":  {empty, "the mirror can't be used"},
		"a file":  {damaged(func(mirror string) error { return os.Rename(filepath.Join(mirror, "HEAD"), mirror+"2") }) + "2", "the mirror can't be used"},
		"empty": {damaged(func(mirror string) error {
			if err := os.RemoveAll(mirror); err != nil {
				return err
			}
			gitIn(t, t.TempDir(), "init", "--quiet", "--bare", mirror)
			return nil
		}), "the mirror has neither"},
		"objects that are gone": {damaged(func(mirror string) error { return os.RemoveAll(filepath.Join(mirror, "objects", "pack")) }), "arning: the mirror"},
		"objects that are cut off": {damaged(func(mirror string) error {
			packs, err := filepath.Glob(filepath.Join(mirror, "objects", "pack", "*.pack"))
			if err != nil || len(packs) == 0 {
				t.Fatal(packs, err)
			}
			if err := os.Chmod(packs[0], 0o600); err != nil {
				return err
			}
			return os.Truncate(packs[0], 20)
		}), "arning: the mirror"},
		"of another hash": {damaged(func(mirror string) error {
			if err := os.RemoveAll(mirror); err != nil {
				return err
			}
			gitIn(t, t.TempDir(), "init", "--quiet", "--bare", "--object-format=sha256", mirror)
			return nil
		}), "arning: the mirror"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1, Mirror: tt.mirror}}.run(t)
			if diff := cmp.Diff(map[string]string{"a.txt": "one"}, files(t, got.root)); got.err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", got.err, diff)
			}
			if !strings.Contains(got.out, tt.says) {
				t.Errorf("said %q, want %q", got.out, tt.says)
			}
		})
	}
}

// A mirror that doesn't answer, as on a volume that hangs, leaves time for the host.
func TestMirrorThatTakesForever(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	commit := push(t, repository, map[string]string{"a.txt": "one"})
	mirror := mirrorOf(t, repository)
	if err := os.Remove(filepath.Join(mirror, "packed-refs")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(mirror, "packed-refs"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1, Mirror: mirror}, limit: 14 * time.Second}.run(t)
	if diff := cmp.Diff(map[string]string{"a.txt": "one"}, files(t, got.root)); got.err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", got.err, diff)
	}
	if !strings.Contains(got.out, "it took half of the time") {
		t.Errorf("said %q", got.out)
	}
}

// Nothing that a mirror says has git run a program, or connect to a host.
func TestNothingOfAMirrorRuns(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	push(t, repository, map[string]string{"a.txt": "one", "b.txt": "b"})
	gitIn(t, filepath.Join(host.Dir, "web.git"), "config", "uploadpack.allowFilter", "true")
	hostile := mirrorOf(t, repository)
	commit := push(t, repository, map[string]string{"a.txt": "two"})
	thief := &recorder{next: http.NotFoundHandler()}
	elsewhere := httptest.NewServer(thief)
	t.Cleanup(elsewhere.Close)
	ran := filepath.Join(t.TempDir(), "ran")
	makeHostile(t, hostile, "touch "+ran, elsewhere.URL)
	for name, tt := range map[string]struct{ mirror, says string }{
		"its configuration and hooks": {hostile, "The mirror has some of it"},
		"its remote, a program":       {lacking(t, repository, "ext::sh -c 'touch "+ran+"'", "touch "+ran), "the mirror can't be used"},
		"its remote, by ssh":          {lacking(t, repository, "ssh://git@git.example.com/web.git", "touch "+ran), "the mirror can't be used"},
		"its remote, a host":          {lacking(t, repository, elsewhere.URL, "touch "+ran), "the mirror can't be used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := trial{
				input:  plan.Input{URL: repository.URL, SHA: commit, Depth: 1, Mirror: tt.mirror, PlainHTTP: true},
				secret: basicSecret(t),
			}.run(t)
			if diff := cmp.Diff(map[string]string{"a.txt": "two", "b.txt": "b"}, files(t, got.root)); got.err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", got.err, diff)
			}
			if !strings.Contains(got.out, tt.says) {
				t.Errorf("said %q, want %q", got.out, tt.says)
			}
			if _, err := os.Lstat(ran); err == nil {
				t.Error("something has run")
			}
			if thief.calls > 0 {
				t.Error("a host was asked")
			}
		})
	}
}

// makeHostile has everything in a mirror run a program that may name one, or lead to a host.
func makeHostile(t *testing.T, mirror, program, host string) {
	t.Helper()
	put := func(name, text string) {
		path := filepath.Join(mirror, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, hook := range []string{"post-checkout", "reference-transaction", "pre-receive", "post-upload-pack", "fsmonitor-watchman", "post-index-change"} {
		put("hooks/"+hook, "#!/bin/sh\n"+program+"\n")
	}
	put("info/attributes", "* filter=evil\n")
	for _, setting := range []string{
		"uploadpack.packObjectsHook=" + program, "core.fsmonitor=" + program, "core.sshCommand=" + program, "core.gitProxy=" + program,
		"core.alternateRefsCommand=" + program, "core.pager=" + program, "credential.helper=!" + program, "filter.evil.smudge=" + program,
		"remote.origin.uploadpack=" + program, "uploadpack.advertiseBundleURIs=true", "bundle.version=1", "bundle.mode=all", "bundle.x.uri=" + host,
		"uploadpack.blobPackfileUri=" + strings.Repeat("0", 40) + " " + strings.Repeat("0", 40) + " " + host,
	} {
		name, value, _ := strings.Cut(setting, "=")
		gitIn(t, mirror, "config", name, value)
	}
}

// lacking is a mirror that lacks its files' content, which it would fetch from a remote.
func lacking(t *testing.T, repository *githost.Repository, remote, program string) string {
	t.Helper()
	mirror := filepath.Join(t.TempDir(), "lacking.git")
	gitIn(t, t.TempDir(), "clone", "--quiet", "--mirror", "--filter=blob:none", repository.URL, mirror)
	for name, value := range map[string]string{
		"remote.origin.url": remote, "remote.origin.uploadpack": program, "protocol.ext.allow": "always", "protocol.allow": "always", "core.sshCommand": program,
	} {
		gitIn(t, mirror, "config", name, value)
	}
	return mirror
}

// What a mirror holds under a hash is what has the hash, whoever writes to it.
func TestMirrorThatLies(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	commit := push(t, repository, map[string]string{"a.txt": "one", "b.txt": "b"})
	mirror := mirrorOf(t, repository)
	c := crafter{t, mirror}
	honest, lie := c.git("", "rev-parse", "main:a.txt"), c.blob("lie")
	packs, err := filepath.Glob(filepath.Join(mirror, "objects", "pack", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var pack string
	for _, path := range packs {
		if strings.HasSuffix(path, ".pack") {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			pack = string(text)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	c.git(pack, "unpack-objects", "-q")
	object := func(hash string) string { return filepath.Join(mirror, "objects", hash[:2], hash[2:]) }
	if err := os.Rename(object(lie), object(honest)); err != nil {
		t.Fatal(err)
	}
	got := trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1, Mirror: mirror}}.run(t)
	if diff := cmp.Diff(map[string]string{"a.txt": "one", "b.txt": "b"}, files(t, got.root)); got.err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s\n%s", got.err, diff, got.out)
	}
	if !strings.Contains(got.out, "the mirror can't be used") {
		t.Errorf("said %q", got.out)
	}
	gitIn(t, got.root, "fsck", "--full")
}
