package cli

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/store/serve"
	"github.com/kayci/kayci/store/tests"
	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/stored"
)

// atStore is a console at a cluster with a store, in which the Run web/1 has left an
// artifact and a report.
func atStore(t *testing.T) *console {
	t.Helper()
	run := aRun("web-1", 1, v1alpha1.RunRunning, func(r *v1alpha1.Run) { r.Status.Jobs[0].Tests = &v1alpha1.TestSummary{Total: 1} })
	in := &bucket.Memory{}
	of := place.Artifact{Run: records.PlaceOf(run), Job: "test", Pod: "pod-1", Name: "dist"}
	stored.Artifact(t, in, of, time.Unix(1_800_000_000-60, 0), map[string]string{"a\x1b]": "\x1b[1m", "b/c": "see", "l": "-> b/c"})
	if err := records.Put(t.Context(), in, &records.Record{Run: run}); err != nil {
		t.Fatal(err)
	}
	stored.Report(t, in, of.Run, "test", "pod-1", &tests.Report{Tests: 1, Cases: []tests.Case{{Name: "TestA", State: tests.Passed}}})
	c := at(t, interceptor.Funcs{}, run, aRun("web-2", 2, v1alpha1.RunRunning), aRun("web-3", 3, v1alpha1.RunRunning, func(r *v1alpha1.Run) {
		r.UID, r.Status.Jobs[0].ReusedFrom, r.Status.Jobs[1].ReusedFrom = "uid-3", "web-1", "web-0"
	}))
	c.Cluster.kept, c.Cluster.kube = stored.Serve(t, in), fake.NewClientset()
	return c
}

func TestArtifacts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want told
	}{
		"all":                           {[]string{"web/1"}, told{Out: "ARTIFACT    FILES   SIZE   AGE\ntest/dist   4       7 B    60s\n"}},
		"names":                         {[]string{"web/1", "-o", "name"}, told{Out: "test/dist\n"}},
		"a field":                       {[]string{"web/1", "-o", "jsonpath={.items[0].pod}"}, told{Out: "pod-1"}},
		"as YAML":                       {[]string{"web/1", "-o", "yaml"}, told{Out: "items:\n- bytes: 7\n  files: 4\n  job: test\n  name: dist\n  pod: pod-1\n  stored: \"2027-01-15T07:59:00Z\"\n"}},
		"none":                          {[]string{"web/2"}, told{Err: "Run web/2 has left no artifacts.\n"}},
		"no object":                     {[]string{"web/2", "-o", "name"}, told{}},
		"files":                         {[]string{"web/1", "test/dist"}, told{Out: "FILE     SIZE   LINK\na\\x1b]   4 B\nb/\nb/c      3 B\nl               b/c\n"}},
		"of a job from an earlier Run":  {[]string{"web/3", "-o", "name"}, told{Out: "test/dist\n"}},
		"a file from an earlier Run":    {[]string{"web/3", "test/dist", "--path", "b/c"}, told{Out: "see"}},
		"of a Run that nobody has kept": {[]string{"web/3", "deploy/dist"}, told{Code: 2, Err: "kayci: Run web/3 has no artifact deploy/dist: it has left test/dist\n"}},
		"a file":                        {[]string{"web/1", "test/dist", "--path", "b/c"}, told{Out: "see"}},
		"no file": {[]string{"web/1", "test/dist", "--path", "c"}, told{
			Code: 2, Err: "kayci: read a file of artifact test/dist of Run web-1: it is not in the store: the artifact has no such file: \"c\"\n",
		}},
		"another artifact":  {[]string{"web/1", "test/x"}, told{Code: 2, Err: "kayci: Run web/1 has no artifact test/x: it has left test/dist\n"}},
		"an artifact of no": {[]string{"web/2", "test/x", "-d", "x"}, told{Code: 2, Err: "kayci: Run web/2 has no artifact test/x: it has left none\n"}},
		"no artifact":       {[]string{"web/1", "test"}, told{Code: 2, Err: "kayci: \"test\" names no artifact: it takes JOB/NAME\n"}},
		"a way out":         {[]string{"web/1", "test/.."}, told{Code: 2, Err: "kayci: \"test/..\" names no artifact: it takes JOB/NAME\n"}},
		"of a Run":          {[]string{"web/1", "-d", "x"}, told{Code: 2, Err: "kayci: --directory and --path take an artifact: name it as RUN JOB/NAME\n"}},
		"too much": {[]string{"web/1", "test/dist", "-d", "x", "-o", "json"}, told{
			Code: 2, Err: "kayci: --directory, --path and --output don't go together: give one of them\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atStore(t).gives(t, tt.want, append([]string{"artifacts"}, tt.args...)...)
		})
	}
}

func TestArtifactsWithoutStore(t *testing.T) {
	t.Parallel()
	at(t, interceptor.Funcs{}, aRun("web-1", 1, v1alpha1.RunRunning)).gives(t, told{
		Code: 2, Err: "kayci: artifacts are in the store, and none is asked: --store names one\n",
	}, "artifacts", "web/1")
}

// A file isn't shown to a terminal, which would obey it.
func TestArtifactAtATerminal(t *testing.T) {
	t.Parallel()
	c := atStore(t)
	c.Terminal.Out = true
	c.gives(t, told{
		Code: 2, Err: "kayci: --path prints a file as it is, and a terminal would obey it: send it elsewhere, as by > FILE\n",
	}, "artifacts", "web/1", "test/dist", "--path", "b/c")
}

// An artifact comes into a new folder, and into none that is there.
func TestArtifactIsUnpacked(t *testing.T) {
	t.Parallel()
	c := atStore(t)
	to := filepath.Join(t.TempDir(), "to")
	c.gives(t, told{Out: to + "\n"}, "artifacts", "web/1", "test/dist", "-d", to)
	c.gives(t, told{Code: 2, Err: "kayci: create the folder: mkdir " + to + ": file exists\n"}, "artifacts", "web/1", "test/dist", "-d", to)
	text, err := os.ReadFile(filepath.Join(to, "l"))
	if err != nil || string(text) != "see" {
		t.Errorf("%q, %v", text, err)
	}
}

// A download has the list of artifacts, and the reports.
func TestDownloadOfWhatWasLeft(t *testing.T) {
	t.Parallel()
	c := atStore(t)
	to := filepath.Join(t.TempDir(), "to")
	if code := c.give(t, "download", "web/1", "-d", to); code != 0 {
		t.Fatalf("%d, %s", code, c.err)
	}
	got := map[string]string{}
	for _, name := range []string{"artifacts.yaml", "tests/test.json"} {
		text, err := os.ReadFile(filepath.Join(to, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = string(text)
	}
	want := map[string]string{
		"artifacts.yaml":  "- bytes: 7\n  files: 4\n  job: test\n  name: dist\n  pod: pod-1\n  stored: \"2027-01-15T07:59:00Z\"\n",
		"tests/test.json": `{"tests":1,"failed":0,"skipped":0,"flaky":0,"seconds":0,"cases":[{"name":"TestA","state":"Passed"}]}` + "\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPartOfAnArtifact: a tar that breaks off between two files isn't taken for a whole
// one, and neither is one with more than the artifact has.
func TestPartOfAnArtifact(t *testing.T) {
	t.Parallel()
	for has, want := range map[serve.Artifact]string{
		{Files: 1, Bytes: 1}: "",
		{Files: 2, Bytes: 1}: "1 files of 1 bytes came, and the artifact has 2 of 1: try again",
		{Files: 1, Bytes: 2}: "1 files of 1 bytes came, and the artifact has 1 of 2: try again",
		{Files: 1, Bytes: 0}: "the tar's files have more than 0 bytes",
		{Files: 0, Bytes: 1}: "the tar has more than 0 files, folders and links",
	} {
		var text bytes.Buffer
		w := tar.NewWriter(&text)
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: 1, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("a")); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := errors.Join(w.Close(), untar(t.Context(), t.TempDir(), &text, &has)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%+v: %q, want %q", has, got, want)
		}
	}
}
