package git_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/kayci/kayci/sync/git"
)

// repository is a bare repository that real git programs serve.
type repository struct {
	t    testing.TB
	base string
	path string
	// index is the file that commits are put together in.
	index string
}

func newRepository(t testing.TB) *repository {
	t.Helper()
	base := t.TempDir()
	r := &repository{t: t, base: base, path: filepath.Join(base, "acme", "config.git"), index: filepath.Join(base, "index")}
	r.git("", "init", "-q", "--bare", "--initial-branch=main", r.path)
	return r
}

// git runs a command on the repository with nothing of the user's settings.
func (r *repository) git(stdin string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	if args[0] != "init" {
		cmd.Dir = r.path
	}
	cmd.Env = append(gitEnvironment(), "GIT_INDEX_FILE="+r.index)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("git %v: %v: %s", args, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

func gitEnvironment() []string {
	return append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME=/nonexistent",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.com")
}

// commit makes a commit of the files on a branch, and returns its name. A value
// that begins with "-> " is the target of a symlink.
func (r *repository) commit(branch string, files map[string]string) string {
	r.t.Helper()
	r.git("", "read-tree", "--empty")
	var lines strings.Builder
	for name, content := range files {
		mode := "100644"
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			mode, content = "120000", target
		}
		lines.WriteString(mode + " " + r.git(content, "hash-object", "-w", "--stdin") + "\t" + name + "\n")
	}
	r.git(lines.String(), "update-index", "--add", "--index-info")
	return r.commitTree(branch, r.git("", "write-tree"))
}

func (r *repository) commitTree(branch, tree string) string {
	r.t.Helper()
	commit := r.git("", "commit-tree", "-m", "a commit", tree)
	r.git("", "update-ref", "refs/heads/"+branch, commit)
	return commit
}

// backend is git's own smart HTTP server.
func (r *repository) backend() http.Handler {
	return &cgi.Handler{
		Path: filepath.Join(r.git("", "--exec-path"), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + r.base, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		},
		Stderr: io.Discard,
	}
}

func (r *repository) serveHTTP(wrap func(http.Handler) http.Handler) string {
	r.t.Helper()
	server := httptest.NewServer(wrap(r.backend()))
	r.t.Cleanup(server.Close)
	return server.URL + "/acme/config.git"
}

func plain(h http.Handler) http.Handler { return h }

// basicAuth asks for credentials, and repeats what it got in its answer, as a
// careless server might.
func basicAuth(user, password string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			u, p, ok := req.BasicAuth()
			if !ok || u != user || p != password {
				w.Header().Set("WWW-Authenticate", "Basic")
				http.Error(w, "refused "+req.Header.Get("Authorization")+" "+u+" "+p, http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}

// listen serves each connection in a goroutine of its own until the test ends.
func listen(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// serveGit is git's daemon, one process for each connection.
func (r *repository) serveGit() string {
	address := listen(r.t, func(conn net.Conn) {
		cmd := exec.CommandContext(r.t.Context(), "git", "-c", "safe.directory=*", "daemon", "--inetd", "--export-all", "--base-path="+r.base)
		cmd.Env = gitEnvironment()
		run(cmd, conn)
	})
	return "git://" + address + "/acme/config.git"
}

// sshKeys are those of a server and its only user.
type sshKeys struct {
	host, user ssh.Signer
	// identity is the user's private key as a Secret holds it.
	identity []byte
}

func newSSHKeys(t testing.TB) sshKeys {
	t.Helper()
	var signers []ssh.Signer
	var private ed25519.PrivateKey
	for range 2 {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		signers, private = append(signers, signer), key
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return sshKeys{signers[0], signers[1], pem.EncodeToMemory(block)}
}

// secret is what a person puts into the Secret for a server at this address.
func (k sshKeys) secret(address string) map[string][]byte {
	return map[string][]byte{"identity": k.identity, "known_hosts": []byte(knownhosts.Line([]string{address}, k.host.PublicKey()) + "\n")}
}

// serveSSH runs the requested command, as sshd does.
func (r *repository) serveSSH(keys sshKeys) string {
	config := &ssh.ServerConfig{PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if meta.User() != "git" || !bytes.Equal(key.Marshal(), keys.user.PublicKey().Marshal()) {
			return nil, errors.New("no such user")
		}
		return nil, nil
	}}
	config.AddHostKey(keys.host)
	return listen(r.t, func(conn net.Conn) {
		_, channels, requests, err := ssh.NewServerConn(conn, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for offered := range channels {
			channel, requests, err := offered.Accept()
			if err != nil {
				return
			}
			for request := range requests {
				if request.Type != "exec" {
					_ = request.Reply(false, nil)
					continue
				}
				_ = request.Reply(true, nil)
				r.execute(string(request.Payload[4:]), channel)
				_ = channel.Close()
			}
		}
	})
}

func (r *repository) execute(command string, channel ssh.Channel) {
	cmd := exec.CommandContext(r.t.Context(), "sh", "-c", command)
	cmd.Dir = r.base
	cmd.Env = append(gitEnvironment(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	cmd.Stderr = channel.Stderr()
	run(cmd, channel)
}

// run connects a command with a client. It is over when the command is, even if
// the client never closes its side.
func run(cmd *exec.Cmd, client io.ReadWriter) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return
	}
	cmd.Stdout = client
	if cmd.Start() != nil {
		return
	}
	go func() {
		_, _ = io.Copy(stdin, client)
		_ = stdin.Close()
	}()
	_ = cmd.Wait()
}

func (r *repository) sshURL(address string) string { return "ssh://git@" + address + r.path }

func request(t testing.TB, url string, auth map[string][]byte) git.Request {
	t.Helper()
	return git.Request{URL: url, Auth: auth, Store: filepath.Join(t.TempDir(), "stores", "uid")}
}

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
