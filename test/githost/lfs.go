package githost

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// BuildLFS builds Git LFS from what local/ pins, unless that is done, and returns the path
// of its program. source is this tree's root.
func BuildLFS(ctx context.Context, source string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "run", "-C", filepath.Join(source, "local"), ".", "git-lfs")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("build Git LFS: %w\n%s", err, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// lfsType is what servers of Git LFS speak.
const lfsType = "application/vnd.git-lfs+json"

// LFS is the host's server of Git LFS, which has the same files for each repository: its
// batch API and basic transfers, for who reads.
type LFS struct {
	mu      sync.Mutex
	content map[string]string
	served  []string
}

// Add has the server serve a file, and returns the pointer that stands for it in a
// repository.
func (l *LFS) Add(content string) (pointer string) {
	hash := sha256.Sum256([]byte(content))
	oid := hex.EncodeToString(hash[:])
	l.Put(oid, content)
	return Pointer(oid, len(content))
}

// Put has the server serve a file under a hash that may not be its own.
func (l *LFS) Put(oid, content string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.content == nil {
		l.content = map[string]string{}
	}
	l.content[oid] = content
}

// Served returns the hashes of the files that were fetched, in their order.
func (l *LFS) Served() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.served...)
}

// Pointer is what stands in a repository for a file of that hash and size.
func Pointer(oid string, size int) string {
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, size)
}

// lfsObject is one that is asked for, and the answer about it.
type lfsObject struct {
	OID     string               `json:"oid"`
	Size    int64                `json:"size"`
	Actions map[string]lfsAction `json:"actions,omitempty"`
	Error   *lfsError            `json:"error,omitempty"`
}

type lfsAction struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header,omitempty"`
}

type lfsError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// asksLFS reports whether a request is for the server of Git LFS.
func asksLFS(r *http.Request) bool { return strings.Contains(path.Clean(r.URL.Path), ".git/info/lfs/") }

// ServeHTTP answers Git LFS.
func (l *LFS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	base, rest, _ := strings.Cut(path.Clean(r.URL.Path), "/info/lfs/")
	if oid, is := strings.CutPrefix(rest, "objects/"); is && r.Method == http.MethodGet {
		l.download(w, r, oid)
		return
	}
	var asked struct {
		Operation string      `json:"operation"`
		Objects   []lfsObject `json:"objects"`
	}
	if rest != "objects/batch" || json.NewDecoder(r.Body).Decode(&asked) != nil || asked.Operation != "download" {
		http.NotFound(w, r)
		return
	}
	// As Gitea does, it has the client come as it has come.
	header := map[string]string{}
	if proof := r.Header.Get("Authorization"); proof != "" {
		header["Authorization"] = proof
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, object := range asked.Objects {
		if _, there := l.content[object.OID]; there {
			asked.Objects[i].Actions = map[string]lfsAction{"download": {"http://" + r.Host + base + "/info/lfs/objects/" + object.OID, header}}
		} else {
			asked.Objects[i].Error = &lfsError{http.StatusNotFound, "Object does not exist"}
		}
	}
	w.Header().Set("Content-Type", lfsType)
	_ = json.NewEncoder(w).Encode(map[string]any{"transfer": "basic", "objects": asked.Objects})
}

func (l *LFS) download(w http.ResponseWriter, r *http.Request, oid string) {
	l.mu.Lock()
	content, there := l.content[oid]
	if there {
		l.served = append(l.served, oid)
	}
	l.mu.Unlock()
	if !there {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
}
