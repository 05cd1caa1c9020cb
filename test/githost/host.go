// Package githost serves real git repositories over smart HTTP, with the git
// program's own http-backend, for tests and measurements.
//
// Pushing always takes the host's credentials, because what is pushed becomes
// programs that run in a cluster. Reading takes them for repositories below
// "private/" only.
package githost

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/kayci/kayci/test/gitclone"
)

// PrivatePrefix is how the names of repositories begin that can't be read
// without credentials.
const PrivatePrefix = "private/"

// Credentials of the host's one user.
type Credentials = gitclone.Credentials

// Host is a running server of repositories.
type Host struct {
	// Dir holds the bare repositories.
	Dir string
	// Address is the TCP address that they are served at.
	Address string
	// Credentials that a push takes.
	Credentials Credentials
	// LFS serves large files, by the same rules as repositories.
	LFS LFS

	server *http.Server
	served chan error
}

// URL of a repository, without credentials.
func (h *Host) URL(name string) string {
	return "http://" + h.Address + "/" + name + ".git"
}

// Start serves the bare repositories in the folder on a TCP address, such as
// 192.0.2.7:0 for any free port.
func Start(ctx context.Context, dir, address string, credentials Credentials) (*Host, error) {
	backend, err := backendPath(ctx)
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the folder of the repositories: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for git clients: %w", err)
	}
	h := &Host{Dir: dir, Address: listener.Addr().String(), Credentials: credentials, served: make(chan error, 1)}
	h.server = &http.Server{
		Handler: h.guard(&cgi.Handler{
			Path: backend,
			Dir:  dir,
			// Progress for most part; what goes wrong is also told to the client.
			Stderr: io.Discard,
			Env: append(gitclone.Isolated(),
				"GIT_PROJECT_ROOT="+dir,
				"GIT_HTTP_EXPORT_ALL=1"),
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() {
		defer close(h.served)
		if err := h.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			h.served <- fmt.Errorf("serve git: %w", err)
		}
	}()
	return h, nil
}

// Stop ends the server: at once for connections that are idle, and for the
// others when they are done or the context is. Stopping twice is fine.
func (h *Host) Stop(ctx context.Context) error {
	if err := h.server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stop the git host: %w", err), h.server.Close())
	}
	return <-h.served
}

func (h *Host) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if needsCredentials(r) && !h.authorized(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "credentials are needed", http.StatusUnauthorized)
			return
		}
		if asksLFS(r) {
			h.LFS.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func needsCredentials(r *http.Request) bool {
	clean := path.Clean(r.URL.Path)
	return strings.HasSuffix(clean, "/git-receive-pack") ||
		r.URL.Query().Get("service") == "git-receive-pack" ||
		strings.HasPrefix(clean, "/"+PrivatePrefix)
}

func (h *Host) authorized(r *http.Request) bool {
	username, password, _ := r.BasicAuth()
	same := subtle.ConstantTimeCompare([]byte(username), []byte(h.Credentials.Username)) &
		subtle.ConstantTimeCompare([]byte(password), []byte(h.Credentials.Password))
	return same == 1 && h.Credentials.Password != ""
}

func backendPath(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "git", "--exec-path").Output()
	if err != nil {
		return "", fmt.Errorf("find the git program: %w", err)
	}
	backend := filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		return "", fmt.Errorf("find git's http-backend: %w", err)
	}
	return backend, nil
}
