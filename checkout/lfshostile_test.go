package checkout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout/plan"
	"github.com/kayci/kayci/test/githost"
)

// What a repository says about Git LFS leads to no other server and has no program run,
// nor does what others have set in the environment.
func TestLFSConfigOfTheRepository(t *testing.T) {
	t.Parallel()
	host := lfsHost(t)
	thief := &recorder{next: http.NotFoundHandler()}
	elsewhere := httptest.NewServer(thief)
	t.Cleanup(elsewhere.Close)
	ran := filepath.Join(t.TempDir(), "ran")
	own := "lfs." + host.URL("private/web") + "/info/lfs"
	for name, config := range map[string][]string{
		"another server":          {"lfs.url=" + elsewhere.URL},
		"another to push to":      {"lfs.pushurl=" + elsewhere.URL},
		"another of the remote":   {"remote.origin.lfsurl=" + elsewhere.URL, "remote.origin.lfspushurl=" + elsewhere.URL},
		"a server by ssh":         {"lfs.url=ssh://git@" + elsewhere.Listener.Addr().String() + "/x"},
		"a folder":                {"lfs.url=file:///etc", "remote.origin.lfsurl=file:///etc"},
		"a standalone agent":      {"lfs.standalonetransferagent=evil", own + ".standalonetransferagent=evil", "lfs.customtransfer.evil.path=touch", "lfs.customtransfer.evil.args=" + ran},
		"a custom transfer":       {"lfs.customtransfer.basic.path=touch", "lfs.customtransfer.basic.args=" + ran, "lfs.customtransfer.basic.direction=both"},
		"an extension":            {"lfs.extension.evil.smudge=touch " + ran, "lfs.extension.evil.clean=touch " + ran, "lfs.extension.evil.priority=0"},
		"a way to prove oneself":  {own + ".access=negotiate", "lfs.access=none", own + ".locksverify=true"},
		"files that are left out": {"lfs.fetchexclude=*", "lfs.fetchinclude=nothing"},
		"failures that are none":  {"lfs.skipdownloaderrors=true"},
		"a helper":                {"credential.helper=!touch " + ran, "core.sshCommand=touch " + ran, "core.askPass=touch " + ran},
		"a rewritten url":         {"url." + elsewhere.URL + "/.insteadOf=" + host.URL("")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repository := create(t, host, "private/web-"+strings.NewReplacer(" ", "-").Replace(name))
			var text strings.Builder
			for _, setting := range config {
				key, value, _ := strings.Cut(strings.ReplaceAll(setting, "private/web", repository.Name), "=")
				dot, last := strings.Index(key, "."), strings.LastIndex(key, ".")
				section := "[" + key[:dot] + "]"
				if last > dot {
					section = fmt.Sprintf("[%s %q]", key[:dot], key[dot+1:last])
				}
				fmt.Fprintf(&text, "%s\n\t%s = %q\n", section, key[last+1:], value)
			}
			commit := push(t, repository, map[string]string{
				".gitattributes": largeFiles, ".lfsconfig": text.String(), ".gitconfig": text.String(), "a.bin": host.LFS.Add("large"),
				"missing.bin": host.LFS.Add("missing, below"),
			})
			home := t.TempDir()
			if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			got := trial{
				input:  plan.Input{URL: repository.URL, SHA: commit, Depth: 1, LFS: true, PlainHTTP: true},
				secret: basicSecret(t),
				environ: []string{
					"HOME=" + home, "XDG_CONFIG_HOME=" + home, "GIT_CONFIG_GLOBAL=" + filepath.Join(home, ".gitconfig"), "GIT_LFS_SKIP_SMUDGE=1", "GIT_LFS_SKIP_DOWNLOAD_ERRORS=1",
					"GIT_LFS_FORCE_PROGRESS=1", "GIT_CURL_VERBOSE=1", "GIT_TRACE=" + ran, "GIT_TRANSFER_TRACE=1",
				},
			}.run(t)
			found := files(t, got.root)
			want := map[string]string{"a.bin": "large", "missing.bin": "missing, below"}
			if diff := cmp.Diff(want, map[string]string{"a.bin": found["a.bin"], "missing.bin": found["missing.bin"]}); got.err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", got.err, diff)
			}
			if thief.calls > 0 {
				t.Errorf("the other server was asked %d times, and got %q", thief.calls, thief.heard)
			}
			if _, err := os.Lstat(ran); err == nil {
				t.Error("something has run")
			}
			holdsNoCanary(t, got)
		})
	}
}

// A commit has no failure passed over, also where it says to.
func TestLFSFailuresArePassedOverByNobody(t *testing.T) {
	t.Parallel()
	host := lfsHost(t)
	repository := create(t, host, "web")
	commit := push(t, repository, map[string]string{
		".gitattributes": largeFiles, ".lfsconfig": "[lfs]\n\tskipdownloaderrors = true\n\tfetchexclude = *\n", "a.bin": githost.Pointer(absent, 5),
	})
	trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1, LFS: true}}.run(t).mustFail(t, "has not all files of Git LFS")
}

// absent is the hash of no file.
const absent = "abababababababababababababababababababababababababababababababab"

// The host says where a file is, and may not have the client's credentials sent there.
func TestLFSCredentialsAreForOneHost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		keys  map[string]string
		wants string
	}{
		"password": {map[string]string{"username": username, "password": password}, "Basic a2F5Y2k6Y2FuYXJ5LXBAc3Mvd29yZA=="},
		"token":    {map[string]string{"bearerToken": "canary-token"}, "Bearer canary-token"},
	} {
		for _, way := range []string{"file", "file that wants credentials", "redirect", "redirect of a file"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				testOtherHostOfLFS(t, tt.keys, tt.wants, way)
			})
		}
	}
}

func testOtherHostOfLFS(t *testing.T, keys map[string]string, wants, way string) {
	t.Helper()
	host := lfsHost(t)
	repository := create(t, host, "web")
	pointer := host.LFS.Add("large")
	commit := push(t, repository, map[string]string{".gitattributes": largeFiles, "a.bin": pointer})
	thief := &recorder{next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "large") })}
	if way == "file that wants credentials" {
		thief.wants = "nothing that anybody has"
	}
	elsewhere := httptest.NewServer(thief)
	t.Cleanup(elsewhere.Close)
	hosts := proxyTo(host.Address)
	trusted := &recorder{wants: wants, next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		batch := strings.HasSuffix(r.URL.Path, "/info/lfs/objects/batch")
		switch {
		case batch && way == "redirect", r.URL.Path == "/moved":
			http.Redirect(w, r, elsewhere.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		case batch:
			href := elsewhere.URL + "/large"
			if way == "redirect of a file" {
				href = "http://" + r.Host + "/moved"
			}
			w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
			_ = json.NewEncoder(w).Encode(map[string]any{"objects": []any{map[string]any{
				"oid": hashOf(pointer), "size": 5, "actions": map[string]any{"download": map[string]any{"href": href, "header": map[string]string{"X-Own": "signed"}}},
			}}})
		default:
			r.Header.Del("Authorization")
			hosts.ServeHTTP(w, r)
		}
	})}
	server := httptest.NewServer(trusted)
	t.Cleanup(server.Close)
	got := trial{
		input:  plan.Input{URL: server.URL + "/web.git", SHA: commit, Depth: 1, LFS: true, PlainHTTP: true},
		secret: secretOf(t, keys),
	}.run(t)
	// Where it has to prove itself, Git LFS asks for a password before it goes elsewhere.
	stays := keys["password"] != "" && strings.HasPrefix(way, "redirect")
	if len(trusted.heard) == 0 || thief.calls == 0 != stays {
		t.Errorf("the host itself got %d credentials, and the other was asked %d times", len(trusted.heard), thief.calls)
	}
	if len(thief.heard) > 0 {
		t.Errorf("the other host got %q", thief.heard)
	}
	if way == "file" && (got.err != nil || files(t, got.root)["a.bin"] != "large") {
		t.Errorf("%v, %v", got.err, files(t, got.root))
	}
	if strings.Contains(fmt.Sprint(got.err)+got.out, "canary") {
		t.Errorf("a credential is shown:\n%v\n%s", got.err, got.out)
	}
	holdsNoCanary(t, got)
}

// Each failure says what has failed and what to do next.
func TestLFSFailures(t *testing.T) {
	t.Parallel()
	host := lfsHost(t)
	repository := create(t, host, "web")
	pointer := host.LFS.Add("large")
	pointed := func(pointer string) string {
		return push(t, repository, map[string]string{".gitattributes": largeFiles, "a.bin": pointer})
	}
	other, longer := strings.Repeat("cd", 32), strings.Repeat("ef", 32)
	host.LFS.Put(other, "other")
	host.LFS.Put(longer, "longer than was said")
	good := pointed(pointer)
	answers := func(status int, contentType, body string) string {
		hosts := proxyTo(host.Address)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/info/lfs/") {
				hosts.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL + "/web.git"
	}
	const lfs = "application/vnd.git-lfs+json"
	for name, tt := range map[string]struct {
		url, sha string
		want     string
		tries    int
	}{
		"a file that is missing":   {repository.URL, pointed(githost.Pointer(absent, 5)), "has not all files of Git LFS that the commit names: push them", 1},
		"another file":             {repository.URL, pointed(githost.Pointer(other, 5)), "has sent another file than the commit names", 1},
		"a file that is longer":    {repository.URL, pointed(githost.Pointer(longer, 5)), "has sent another file than the commit names", 1},
		"a pointer to a program":   {repository.URL, pointed(strings.Replace(pointer, "oid ", "ext-0-evil sha256:"+absent+"\noid ", 1)), "a file of Git LFS wants an extension, a program", 1},
		"no server":                {answers(404, "text/html", ""), good, "has no server of Git LFS for http://", 1},
		"a server of other things": {answers(200, "text/html", "<html>"), good, "has no server of Git LFS for http://", 1},
		"a server that is off":     {answers(501, "text/html", ""), good, "has no server of Git LFS for http://", 1},
		"no credentials":           {answers(401, "text/html", ""), good, "wants credentials for", 1},
		"no right":                 {answers(403, "text/html", ""), good, "wants credentials for", 1},
		"a budget":                 {answers(403, lfs, `{"message":"This repository exceeded its LFS budget."}`), good, "sends no more files of Git LFS: raise the limit", 1},
		"a quota":                  {answers(509, "text/html", ""), good, "sends no more files of Git LFS: raise the limit", 1},
		"a server that is ill":     {answers(503, "text/html", ""), good, "can't be reached, or broke off", 3},
		"an answer that breaks":    {answers(502, lfs, "{"), good, "can't be reached, or broke off", 3},
		"an answer that isn't one": {answers(200, lfs, "no JSON"), good, "not all files of Git LFS came from", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var waits []time.Duration
			got := trial{input: plan.Input{URL: tt.url, SHA: tt.sha, Depth: 1, LFS: true}, waits: &waits}.run(t)
			got.mustFail(t, tt.want)
			if len(waits)+1 != tt.tries {
				t.Errorf("waited %v, want %d tries: %v", waits, tt.tries, got.err)
			}
			if _, err := os.Lstat(filepath.Join(got.root, "a.bin")); err == nil {
				t.Error("a file was written")
			}
		})
	}
}

// The log that Git LFS writes of a failure holds its environment.
func TestLFSFailureLeavesNoCredential(t *testing.T) {
	t.Parallel()
	host := lfsHost(t)
	repository := create(t, host, "web")
	commit := push(t, repository, map[string]string{".gitattributes": largeFiles, "a.bin": githost.Pointer(absent, 5)})
	guarded := &recorder{next: proxyTo(host.Address), wants: "Bearer canary-token"}
	server := httptest.NewServer(guarded)
	t.Cleanup(server.Close)
	got := trial{
		input:  plan.Input{URL: server.URL + "/web.git", SHA: commit, Depth: 1, PlainHTTP: true, LFS: true},
		secret: secretOf(t, map[string]string{"bearerToken": "canary-token"}),
	}.run(t)
	got.mustFail(t, "has not all files of Git LFS")
	holdsNoCanary(t, got)
}

// A server that never ends what it sends doesn't keep the checkout past its time.
func TestLFSThatTakesForever(t *testing.T) {
	t.Parallel()
	host := lfsHost(t)
	repository := create(t, host, "web")
	commit := push(t, repository, map[string]string{".gitattributes": largeFiles, "a.bin": host.LFS.Add("large")})
	hosts := proxyTo(host.Address)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/info/lfs/") {
			hosts.ServeHTTP(w, r)
			return
		}
		cancel()
		<-stopped
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(stopped) })
	got := trial{input: plan.Input{URL: server.URL + "/web.git", SHA: commit, Depth: 1, LFS: true}, ctx: ctx}.run(t)
	got.mustFail(t, "stopped before it was done")
}
