// Package image checks the container image's recipe, without Docker: what a
// build would be sent, and what it makes of it.
package image

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const root = "../.."

// TestProgramBuildsFromDockersContext runs the Dockerfile's own command on the
// files that Docker sends, and on nothing else.
func TestProgramBuildsFromDockersContext(t *testing.T) {
	context := t.TempDir()
	for _, name := range contextFiles(t) {
		place(t, name, filepath.Join(context, name))
	}
	program := filepath.Join(t.TempDir(), "kayci")
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", buildCommand(t, program))
	cmd.Dir = context
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off", "VERSION=1.2.3-canary", "REVISION=0123abc")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build from the context: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), program, "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("ask the program for its version: %v\n%s", err, out)
	}
	if diff := cmp.Diff("kayci version 1.2.3-canary (0123abc)\n", string(out)); diff != "" {
		t.Errorf("version (-want +got):\n%s", diff)
	}
}

// What is built anew at each change of a test or a document costs everybody's
// build its cache.
func TestContextHoldsNoTestsAndNoDocuments(t *testing.T) {
	for _, name := range contextFiles(t) {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".md") || strings.HasPrefix(name, ".git/") {
			t.Errorf("%s is sent", name)
		}
	}
}

// contextFiles are the files of this tree that Docker sends, by .dockerignore.
func contextFiles(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(filepath.Join(root, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil || name == "." {
			return err
		}
		ignored, err := matcher.MatchesOrParentMatches(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && ignored && !matcher.Exclusions():
			return filepath.SkipDir
		case !entry.IsDir() && !ignored:
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(names, "go.mod") {
		t.Fatalf("the context has no go.mod: %q", names)
	}
	return names
}

func place(t *testing.T, name, target string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// buildCommand is the one that the Dockerfile compiles with, but for where the
// program goes.
func buildCommand(t *testing.T, program string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\s+(go build .*) -o /image/usr/local/bin/kayci (\./\S+)$`).FindStringSubmatch(string(text))
	if found == nil {
		t.Fatal("the Dockerfile has no line that builds the program")
	}
	return found[1] + " -o " + program + " " + found[2]
}
