package gitea_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kayci/kayci/test/gitea"
)

// record is where the deliveries of TestEvents go, which are real data for tests of
// what reads them.
var record = flag.String("record", "", "a folder to write the deliveries of Gitea to")

// program is Gitea, and server the one that most tests share.
var (
	program gitea.Program
	server  *gitea.Server
)

const (
	password = "canary-password-5b1f3a"
	secret   = "canary-secret-88d0c2"
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(context.Background(), m))
}

func run(ctx context.Context, m *testing.M) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	source, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return fail(err)
	}
	if program, err = gitea.Build(ctx, source, os.Stderr); err != nil {
		return fail(err)
	}
	dir, err := os.MkdirTemp("", "kayci-gitea-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	if server, err = gitea.Start(ctx, options(dir)); err != nil {
		return fail(err)
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		return fail(err)
	}
	return code
}

func options(dir string) gitea.Options {
	return gitea.Options{Program: program, Dir: dir, Host: "127.0.0.1"}
}

// must fails the test with the error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// user makes one.
func user(t *testing.T, s *gitea.Server, name string) *gitea.Client {
	t.Helper()
	c, err := s.Admin().CreateUser(t.Context(), name, password)
	must(t, err)
	return c
}

// signature of a body, as Gitea's documentation has it.
func signature(body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// awaitStates waits until a webhook's deliveries, the first one first, are so.
func awaitStates(t *testing.T, c *gitea.Client, repository string, hook int64, want ...gitea.DeliveryState) {
	t.Helper()
	var got []gitea.DeliveryState
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		list, err := c.Deliveries(ctx, repository, hook)
		got = nil
		for _, d := range slices.Backward(list) {
			got = append(got, d.State)
		}
		return slices.Equal(got, want), err
	})
	if err != nil {
		t.Fatalf("wait for deliveries %v: %v; they are %v", want, err, got)
	}
}
