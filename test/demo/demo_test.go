package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/gitclone"
	"github.com/kayci/kayci/test/gitea"
)

// The test binary is the demo when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == serveCommand {
		if err := serve(context.Background(), os.Args[2]); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestConfigRepositoryLeavesTheApplicationOut(t *testing.T) {
	tree := examples{fstest.MapFS{
		"README.md": {}, "diamond/diamond.jsonnet": {}, "go-build/go-build.jsonnet": {},
		"go-build/app/main.go": {}, "other/app/kept.jsonnet": {},
	}}
	var got []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			got = append(got, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"README.md", "diamond/diamond.jsonnet", "go-build/go-build.jsonnet", "other/app/kept.jsonnet"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// Gitea is another process, which a later demo finds and ends; ending what has ended
// already, or is being ended by another, is fine.
func TestGiteaOutlivesTheDemo(t *testing.T) {
	source, err := sourceRoot()
	if err != nil {
		t.Fatal(err)
	}
	program, err := gitea.Build(t.Context(), source, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	d := &demo{Options: cluster.Options{Progress: cluster.NewProgress(t.Output())}, state: state}
	login := gitclone.Credentials{Username: "demo", Password: "canary-5d11a0"}
	url, err := d.startHost(t.Context(), site{Options: gitea.Options{Program: program, Dir: filepath.Join(state, "gitea"), Host: "127.0.0.1"}, Login: login})
	if err != nil {
		t.Fatal(err)
	}
	if err := gitea.NewClient(url, login).CreateRepository(t.Context(), "demo/greeting", false); err != nil {
		t.Error(err)
	}
	later := &demo{Options: d.Options, state: state}
	for range 2 {
		var both errgroup.Group
		for range 2 {
			both.Go(func() error { return later.stopHost(t.Context()) })
		}
		if err := both.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	address := strings.TrimPrefix(url, "http://")
	if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address); err == nil {
		t.Error("Gitea still listens", conn.Close())
	}
}

// Credentials are read from standard input, so nobody sees them in a list of
// processes.
func TestKeeperRefusesWhatIsNoSite(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], serveCommand, t.TempDir())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err = json.NewEncoder(stdin).Encode("no site")
	if err := errors.Join(err, stdin.Close()); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("nothing was served without complaint")
	}
}

// Without a logger controller-runtime prints a stack trace after 30 seconds.
func TestDemoHasALogger(t *testing.T) {
	if err := command(t.Context(), nil); err == nil {
		t.Error("the demo does something without being told what")
	}
	// The first logger that is set stays.
	ctrl.SetLogger(funcr.New(func(_, text string) { t.Errorf("no logger was set: %s", text) }, funcr.Options{}))
	ctrl.Log.Info("canary")
}
