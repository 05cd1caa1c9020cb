package checkout_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout/plan"
)

func TestCommits(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	first := push(t, repository, map[string]string{"a.txt": "one"})
	if err := repository.PushRef(t.Context(), "refs/tags/v1"); err != nil {
		t.Fatal(err)
	}
	second := push(t, repository, map[string]string{"a.txt": "two", "docs/b.txt": "b"})
	if err := repository.PushRef(t.Context(), "refs/pull/7/head"); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		input        plan.Input
		commit       string
		files        map[string]string
		history, tag string
	}{
		"a commit":             {plan.Input{SHA: second, Depth: 1}, second, map[string]string{"a.txt": "two", "docs/b.txt": "b"}, "1", ""},
		"an older commit":      {plan.Input{SHA: strings.ToUpper(first), Depth: 1}, first, map[string]string{"a.txt": "one"}, "1", ""},
		"a branch":             {plan.Input{SHA: "main", Depth: 1}, second, map[string]string{"a.txt": "two", "docs/b.txt": "b"}, "1", ""},
		"a tag":                {plan.Input{SHA: "v1", Depth: 1}, first, map[string]string{"a.txt": "one"}, "1", ""},
		"a whole ref":          {plan.Input{SHA: "refs/pull/7/head", Depth: 1}, second, map[string]string{"a.txt": "two", "docs/b.txt": "b"}, "1", ""},
		"its history and tags": {plan.Input{SHA: second, Tags: true}, second, map[string]string{"a.txt": "two", "docs/b.txt": "b"}, "2", "v1"},
		"some history":         {plan.Input{SHA: "main", Depth: 2}, second, map[string]string{"a.txt": "two", "docs/b.txt": "b"}, "2", ""},
		"a folder":             {plan.Input{SHA: second, Depth: 1, Paths: []string{"docs"}}, second, map[string]string{"a.txt": "two", "docs/b.txt": "b"}, "1", ""},
		"another folder":       {plan.Input{SHA: second, Depth: 1, Paths: []string{"src"}}, second, map[string]string{"a.txt": "two"}, "1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.input.URL = repository.URL
			got := trial{input: tt.input, dir: "web"}.run(t)
			if got.err != nil {
				t.Fatalf("%v\n%s", got.err, got.out)
			}
			dir := filepath.Join(got.root, "web")
			if got.commit != tt.commit || !strings.Contains(got.out, "Checked out "+tt.commit+" of "+repository.URL+": Change a.txt") {
				t.Errorf("checked out %s, and said %q, want %s", got.commit, got.out, tt.commit)
			}
			if diff := cmp.Diff(tt.files, files(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			facts := []string{gitIn(t, dir, "rev-parse", "HEAD"), gitIn(t, dir, "rev-list", "--count", "HEAD"), gitIn(t, dir, "tag"), gitIn(t, dir, "status", "--porcelain")}
			if diff := cmp.Diff([]string{tt.commit, tt.history, tt.tag, ""}, facts); diff != "" {
				t.Errorf("head, commits, tags, changes (-want +got):\n%s", diff)
			}
		})
	}
}

// A host that lets nobody fetch a commit by its hash, as old ones do.
func TestHostThatServesRefsAlone(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	first := push(t, repository, map[string]string{"a.txt": "one"})
	push(t, repository, map[string]string{"a.txt": "two"})
	target := strings.TrimPrefix(old(t, host.Address), "http://")
	url := "http://" + target + "/web.git"
	t.Run("finds it in all branches", func(t *testing.T) {
		t.Parallel()
		got := trial{input: plan.Input{URL: url, SHA: first, Depth: 1}}.run(t)
		if got.err != nil || got.commit != first || !strings.Contains(got.out, "lets nobody fetch a commit by its hash") {
			t.Errorf("%s, %v\n%s", got.commit, got.err, got.out)
		}
	})
	t.Run("finds it in a branch", func(t *testing.T) {
		t.Parallel()
		got := trial{input: plan.Input{URL: url, SHA: first, Ref: "main", Depth: 1}}.run(t)
		if diff := cmp.Diff(map[string]string{"a.txt": "one"}, files(t, got.root)); got.err != nil || diff != "" {
			t.Errorf("%v (-want +got)\n%s", got.err, diff)
		}
	})
	t.Run("and doesn't find it", func(t *testing.T) {
		t.Parallel()
		const missing = "0123456789012345678901234567890123456789"
		trial{input: plan.Input{URL: url, SHA: missing, Ref: "main", Depth: 1}}.run(t).mustFail(t, missing+" is gone from ", "start a Run of the newest commit")
		trial{input: plan.Input{URL: url, SHA: missing, Ref: "gone", Depth: 1}}.run(t).mustFail(t, missing+" is gone from ")
		trial{input: plan.Input{URL: url, SHA: missing}}.run(t).mustFail(t, missing+" is gone from ")
	})
}

// old serves a host as one does that knows git's first protocol alone.
func old(t *testing.T, address string) string {
	t.Helper()
	proxy := proxyTo(address)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Git-Protocol")
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Each failure says what has failed and what to do next.
func TestFailures(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	push(t, repository, map[string]string{"a.txt": "one"})
	private := create(t, host, "private/web")
	push(t, private, map[string]string{"a.txt": "one"})
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(broken.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	right := secretOf(t, map[string]string{"username": username, "password": password + "\n"})
	wrong := secretOf(t, map[string]string{"username": username, "password": "canary-wrong"})
	const missing = "0123456789012345678901234567890123456789"
	for name, tt := range map[string]struct {
		trial trial
		want  []string
		tries int
	}{
		"a commit that is gone":      {trial{input: plan.Input{URL: repository.URL, SHA: missing, Depth: 1}}, []string{missing + " is gone from ", "pushed by force", "start a Run of the newest commit"}, 1},
		"a branch that is gone":      {trial{input: plan.Input{URL: repository.URL, SHA: "gone", Depth: 1}}, []string{"has no branch or tag gone", "the whole hash has to be given"}, 1},
		"part of a hash":             {trial{input: plan.Input{URL: repository.URL, SHA: "0123abc", Depth: 1}}, []string{"has no branch or tag 0123abc"}, 1},
		"no such repository":         {trial{input: plan.Input{URL: host.URL("none"), SHA: "main", Depth: 1}}, []string{"knows no repository http://"}, 1},
		"no credentials":             {trial{input: plan.Input{URL: private.URL, SHA: "main", Depth: 1}}, []string{"wants credentials", "name a Secret"}, 1},
		"wrong credentials":          {trial{input: plan.Input{URL: private.URL, SHA: "main", Depth: 1, PlainHTTP: true}, secret: wrong}, []string{"refused the credentials", "put others into the Secret"}, 1},
		"plain http":                 {trial{input: plan.Input{URL: private.URL, SHA: "main", Depth: 1}, secret: right}, []string{"credentials are not sent over http://"}, 1},
		"a host that can't serve":    {trial{input: plan.Input{URL: broken.URL + "/web.git", SHA: "main", Depth: 1}}, []string{"can't be reached, or broke off", "502"}, 3},
		"a host that isn't there":    {trial{input: plan.Input{URL: gone.URL + "/web.git", SHA: "main", Depth: 1}}, []string{"can't be reached, or broke off"}, 3},
		"an empty Secret":            {trial{input: plan.Input{URL: private.URL, SHA: "main", Depth: 1, PlainHTTP: true}, secret: secretOf(t, nil)}, []string{"http:// needs a Secret with the keys username and password"}, 1},
		"ssh without a Secret":       {trial{input: plan.Input{URL: "ssh://git@git.example.com/web.git", SHA: "main", Depth: 1}}, []string{"ssh:// needs a Secret"}, 1},
		"a folder that isn't below":  {trial{input: plan.Input{URL: repository.URL, SHA: "main", Depth: 1}, dir: "../web"}, []string{"it must lie below the folder"}, 1},
		"a folder that isn't empty":  {trial{input: plan.Input{URL: repository.URL, SHA: "main", Depth: 1}, root: filled(t, "kept.txt")}, []string{`it holds "kept.txt"`, "check out into an empty folder"}, 1},
		"a repository that is there": {trial{input: plan.Input{URL: repository.URL, SHA: "main", Depth: 1}, root: filled(t, ".git/config")}, []string{`it holds ".git"`}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var waits []time.Duration
			tt.trial.waits = &waits
			tt.trial.run(t).mustFail(t, tt.want...)
			if len(waits)+1 != tt.tries {
				t.Errorf("waited %v, want %d tries", waits, tt.tries)
			}
		})
	}
}

func filled(t *testing.T, file string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(root, file)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, file), []byte("[core]\n\tsshCommand = false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// A node that restarts runs the steps of a pod again, in the same volume.
func TestAgain(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	commit := push(t, repository, map[string]string{"a.txt": "one"})
	root := filled(t, "lost+found/kept")
	first := trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1}, root: root}.run(t)
	if first.err != nil {
		t.Fatal(first.err)
	}
	if err := os.WriteFile(filepath.Join(root, "left.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/", filepath.Join(root, "outside")); err != nil {
		t.Fatal(err)
	}
	again := trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1}, root: root}.run(t)
	if again.err != nil {
		t.Fatal(again.err)
	}
	found := files(t, root)
	delete(found, "lost+found/kept")
	if diff := cmp.Diff(map[string]string{"a.txt": "one"}, found); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func proxyTo(address string) http.Handler {
	return httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
}
