package gitea_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kayci/kayci/test/gitea"
	"github.com/kayci/kayci/test/githost"
)

// upload has a repository keep a file of Git LFS, and returns the pointer to it.
func upload(t *testing.T, c *gitea.Client, repository, content string) (pointer string) {
	t.Helper()
	hash := sha256.Sum256([]byte(content))
	oid := hex.EncodeToString(hash[:])
	send := func(method, url, kind string, header map[string]string, body string, answer any) {
		request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		must(t, err)
		request.SetBasicAuth(c.Credentials().Username, c.Credentials().Password)
		request.Header.Set("Content-Type", kind)
		request.Header.Set("Accept", "application/vnd.git-lfs+json")
		for name, value := range header {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s", method, url, response.Status)
		}
		if answer != nil {
			must(t, json.NewDecoder(response.Body).Decode(answer))
		}
	}
	type action struct {
		Href   string            `json:"href"`
		Header map[string]string `json:"header"`
	}
	type object struct {
		OID     string            `json:"oid"`
		Size    int               `json:"size"`
		Actions map[string]action `json:"actions,omitempty"`
	}
	var batch struct {
		Operation string   `json:"operation,omitempty"`
		Objects   []object `json:"objects"`
	}
	batch.Operation, batch.Objects = "upload", []object{{OID: oid, Size: len(content)}}
	question, err := json.Marshal(batch)
	must(t, err)
	send(http.MethodPost, c.CloneURL(repository)+"/info/lfs/objects/batch", "application/vnd.git-lfs+json", nil, string(question), &batch)
	if len(batch.Objects) != 1 || batch.Objects[0].Actions["upload"].Href == "" {
		t.Fatalf("Gitea takes no upload: %+v", batch)
	}
	to := batch.Objects[0].Actions["upload"]
	send(http.MethodPut, to.Href, "application/octet-stream", to.Header, content, nil)
	return githost.Pointer(oid, len(content))
}

// The program checks out a private repository with files of Git LFS of a real host.
func TestCheckoutWithLFS(t *testing.T) {
	ctx := t.Context()
	grace := user(t, server, "lfs-grace")
	must(t, grace.CreateRepository(ctx, "lfs-grace/web", true))
	pointer := upload(t, grace, "lfs-grace/web", "large")
	c, err := grace.Clone(ctx, "lfs-grace/web", filepath.Join(t.TempDir(), "web"), "main")
	must(t, err)
	must(t, c.Write(map[string]string{".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "a.bin": pointer, "missing/b.bin": githost.Pointer(strings.Repeat("ab", 32), 5)}))
	commit, err := c.Push(ctx, "Add large files")
	must(t, err)

	binary := filepath.Join(t.TempDir(), "kayci")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/kayci")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lfs, err := githost.BuildLFS(ctx, filepath.Join("..", ".."))
	must(t, err)
	t.Setenv("PATH", filepath.Dir(lfs)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	secret := t.TempDir()
	must(t, os.WriteFile(filepath.Join(secret, "username"), []byte(grace.Credentials().Username), 0o600))
	must(t, os.WriteFile(filepath.Join(secret, "password"), []byte(password), 0o600))
	checkout := func(args ...string) (root, out string, err error) {
		root = t.TempDir()
		cmd := exec.CommandContext(ctx, binary, append([]string{"checkout", "--url=" + grace.CloneURL("lfs-grace/web"), "--sha=" + commit, "--http", "--secret=" + secret, "--lfs"}, args...)...)
		cmd.Dir = root
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		err = cmd.Run()
		return root, said.String(), err
	}
	root, out, err := checkout("--path=docs")
	text, missing := os.ReadFile(filepath.Join(root, "a.bin"))
	if err != nil || missing != nil || string(text) != "large" {
		t.Errorf("a.bin is %q, %v, %v\n%s", text, missing, err, out)
	}
	_, out, err = checkout()
	if err == nil || !strings.Contains(out, "has not all files of Git LFS that the commit names") {
		t.Errorf("a file that is missing: %v\n%s", err, out)
	}
	if strings.Contains(out, password) {
		t.Errorf("a credential is shown:\n%s", out)
	}
}
