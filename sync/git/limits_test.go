package git_test

import (
	"encoding/hex"
	"encoding/pem"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/sync/git"
)

func certificate(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// noise doesn't compress.
func noise(size int) string {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	return string(data)
}

// relay connects to the real server, and stops passing on what it says, without
// hanging up, once remaining bytes went through.
func relay(t testing.TB, client net.Conn, address string, mu *sync.Mutex, remaining *int64) {
	t.Helper()
	server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, client) }()
	buf := make([]byte, 16<<10)
	for {
		n, err := server.Read(buf)
		mu.Lock()
		*remaining -= int64(n)
		silent := *remaining < 0
		mu.Unlock()
		if silent {
			_, _ = io.Copy(io.Discard, client)
			return
		}
		if _, writeErr := client.Write(buf[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("main", map[string]string{"a": noise(100 << 10), "b/c/d/e": "x", "f": strings.Repeat("y", 200<<10)})
	url := r.serveHTTP(plain)
	tests := map[string]struct {
		limits git.Limits
		want   string
	}{
		"pack":        {git.Limits{PackBytes: 50 << 10}, "the server sent more than is allowed"},
		"files":       {git.Limits{Files: 3}, "the commit has more than 3 files and folders"},
		"file":        {git.Limits{FileBytes: 150 << 10}, "the commit has a file of more than 153600 bytes, and the server can't leave it out"},
		"tree":        {git.Limits{TreeBytes: 250 << 10}, "the commit's files are more than 256000 bytes together"},
		"packed tree": {git.Limits{TreeBytes: 90 << 10}, "the commit's files are more than 92160 bytes together"},
		"depth":       {git.Limits{Depth: 2}, "b/c/d: folders are nested deeper than 2"},
		"none":        {git.Limits{}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			req := request(t, url, nil)
			req.Limits = test.limits
			_, _, err := headAndCheckout(testContext(t), t, req)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v", err)
			case test.want != "" && (git.ReasonOf(err) != git.ReasonTooLarge || !strings.HasSuffix(err.Error(), test.want)):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestOutsideOfThePath: what lies outside of the path breaks nothing, and is there
// to be imported as far as the limits go.
func TestOutsideOfThePath(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.git("", "config", "uploadpack.allowFilter", "true")
	all := map[string]string{
		"ci/a.jsonnet": "1", "ci/deep/b.jsonnet": "2", "vendor/lib.libsonnet": "3",
		"other/large": noise(300 << 10), "other/a\\b": "an odd name", "d/e/f/g/h": "too deep", "docs/x": "4",
	}
	r.commit("main", all)
	kept := func(names ...string) map[string]string {
		files := map[string]string{}
		for _, name := range names {
			files[name] = all[name]
		}
		return files
	}
	limits := git.Limits{FileBytes: 200 << 10, Depth: 3}
	tests := map[string]struct {
		path   string
		ignore []string
		limits git.Limits
		want   map[string]string
		left   int
		fault  string
	}{
		"a path":      {path: "ci/", limits: limits, want: kept("ci/a.jsonnet", "ci/deep/b.jsonnet", "vendor/lib.libsonnet", "docs/x"), left: 3},
		"few files":   {path: "ci", limits: git.Limits{Files: 4, Depth: 3}, want: kept("ci/a.jsonnet", "ci/deep/b.jsonnet"), left: 4},
		"ignored":     {path: "ci", ignore: []string{"other", "d/", "docs/**", "**/b.jsonnet"}, limits: limits, want: kept("ci/a.jsonnet", "vendor/lib.libsonnet")},
		"a large one": {path: "other/large", limits: limits, fault: "other/large is larger than 204800 bytes"},
		"an odd name": {path: "other", ignore: []string{"other/large"}, limits: limits, fault: `/"other/a\\b": the name is refused`},
		"the whole":   {ignore: []string{"other"}, limits: limits, fault: "d/e/f/g: folders are nested deeper than 3"},
		"all ignored": {ignore: []string{"other", "d"}, limits: limits, want: kept("ci/a.jsonnet", "ci/deep/b.jsonnet", "vendor/lib.libsonnet", "docs/x")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(t, r.serveGit(), nil)
			req.Path, req.Ignore, req.Limits = test.path, test.ignore, test.limits
			rev := head(t, req)
			dir := t.TempDir()
			if err := git.Fetch(testContext(t), req, rev); err != nil {
				t.Fatal(err)
			}
			left, err := git.Checkout(testContext(t), req, rev, dir)
			if test.fault != "" {
				if err == nil || !strings.HasSuffix(err.Error(), test.fault) {
					t.Errorf("got %v, want %s", err, test.fault)
				}
				return
			}
			if diff := cmp.Diff(test.want, files(t, dir)); err != nil || left != test.left || diff != "" {
				t.Errorf("%d left out, %v (-want +got):\n%s", left, err, diff)
			}
			// With room for it, what the server has left out is fetched.
			req.Path, req.Ignore, req.Limits = "other/large", nil, git.Limits{FileBytes: 400 << 10}
			if got := checkout(t, req, rev)["other/large"]; got != all["other/large"] {
				t.Errorf("the large file has %d bytes", len(got))
			}
		})
	}
}

// TestInvalidTrees has commits that git's own tools would refuse to make.
func TestInvalidTrees(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	blob := r.git("content", "hash-object", "-w", "--stdin")
	link := r.git("..", "hash-object", "-w", "--stdin")
	raw := func(entries ...string) string {
		var tree strings.Builder
		for _, entry := range entries {
			modeAndName, hash, _ := strings.Cut(entry, "\x00")
			bytes, err := hex.DecodeString(hash)
			if err != nil {
				t.Fatal(err)
			}
			tree.WriteString(modeAndName + "\x00" + string(bytes))
		}
		return r.git(tree.String(), "hash-object", "-w", "-t", "tree", "--literally", "--stdin")
	}
	inner := raw("100644 escaped\x00" + blob)
	many := make([]string, 26)
	for i := range many {
		many[i] = "40000 " + string(rune('a'+i)) + "\x00" + inner
	}
	bomb := raw(many...)
	for range 8 {
		for i := range many {
			many[i] = "40000 " + string(rune('a'+i)) + "\x00" + bomb
		}
		bomb = raw(many...)
	}
	tests := map[string]struct {
		tree   string
		reason git.Reason
	}{
		"dots":              {raw("100644 ..\x00" + blob), git.ReasonInvalidTree},
		"a folder of dots":  {raw("40000 ..\x00" + inner), git.ReasonInvalidTree},
		"slash":             {raw("100644 ../x\x00" + blob), git.ReasonInvalidTree},
		"absolute":          {raw("100644 /tmp/x\x00" + blob), git.ReasonInvalidTree},
		"git folder":        {raw("40000 .GIT\x00" + inner), git.ReasonInvalidTree},
		"line break":        {raw("100644 a\nb\x00" + blob), git.ReasonInvalidTree},
		"twice":             {raw("100644 a\x00"+blob, "100644 a\x00"+blob), git.ReasonInvalidTree},
		"through a link":    {raw("120000 a\x00"+link, "40000 a\x00"+inner), git.ReasonInvalidTree},
		"a bomb of folders": {bomb, git.ReasonTooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r.commitTree("main", test.tree)
			_, _, err := headAndCheckout(testContext(t), t, request(t, r.serveGit(), nil))
			if git.ReasonOf(err) != test.reason {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("a tag of a tree", func(t *testing.T) {
		r.git("", "update-ref", "refs/heads/main", r.commitTree("other", inner))
		r.git("", "tag", "-f", "-a", "-m", "x", "tree", inner)
		req := request(t, r.serveGit(), nil)
		rev := git.Revision{Ref: "tree", Commit: inner}
		if err := fetchAndCheckout(testContext(t), req, rev, t.TempDir()); git.ReasonOf(err) != git.ReasonInvalidTree {
			t.Errorf("got %v", err)
		}
	})
}
