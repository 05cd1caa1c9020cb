package web_test

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/test/page"
	"github.com/kayci/kayci/web/viewer"
)

// TestLogs: a log comes as text, whatever is in it, in the lines that are asked for.
func TestLogs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	token := w.user(t, "anna", viewing()...)
	node := page.StartNode(t, w.client, w.namespace, *before(61), *before(59))
	const text = "one\n" + hostile + "\n\x1b]8;;javascript:alert(1)\x07link\xff\x00\nFAIL four\n"
	node.Print(t, "web-failed", "test", text)
	node.End(t, "web-failed", "test", 1)
	path := "/ns/" + w.namespace + "/runs/web-failed/jobs/test/log"
	for query, want := range map[string]string{
		"":                           text,
		"?from=2&to=2":               hostile + "\n",
		"?tail=1":                    "FAIL four\n",
		"?timestamps=1&tail=1":       "2026-03-01T10:59:00.000000000Z FAIL four\n",
		"?container=main&attempt=1":  text,
		"?follow=1":                  text,
		"?frames=1&from=4":           "L4 2026-03-01T10:59:00.000000000Z FAIL four\n" + `E{"lines":4,"complete":true,"exitCode":1,"reason":"Error"}` + "\n",
		"/search?q=fail":             `{"hits":[{"line":4,"text":"FAIL four"}],"searched":4,"partial":false}` + "\n",
		"/search?q=^o.e$&regexp=1":   `{"hits":[{"line":1,"text":"one"}],"searched":4,"partial":false}` + "\n",
		"/search?q=o&limit=1":        `{"hits":[{"line":1,"text":"one"}],"searched":4,"partial":true}` + "\n",
		"/search?q=nothing+like+it":  `{"hits":[],"searched":4,"partial":false}` + "\n",
		"?container=main&download=1": text,
	} {
		got := w.get(t, token, path+query)
		if got.status != http.StatusOK {
			t.Errorf("%s: %d", query, got.status)
		}
		if diff := cmp.Diff(want, got.body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
		if kind := got.header.Get("Content-Type"); !strings.HasPrefix(query, "/search") && (kind != "text/plain; charset=utf-8" || !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox")) {
			t.Errorf("%s: the type is %q, the policy %q", query, kind, got.header.Get("Content-Security-Policy"))
		}
	}
	for query, want := range map[string]int{
		"?from=x": http.StatusBadRequest, "?tail=-1": http.StatusBadRequest, "?since=x": http.StatusBadRequest,
		"?container=none": http.StatusNotFound, "?attempt=7": http.StatusNotFound,
		"/search?q=": http.StatusBadRequest, "/search?q=(&regexp=1": http.StatusBadRequest,
	} {
		if got := w.get(t, token, path+query); got.status != want {
			t.Errorf("%s: %d, want %d\n%s", query, got.status, want, got.body)
		}
	}
	if got := w.get(t, token, "/ns/"+w.namespace+"/runs/web-failed/jobs/lint/log"); got.status != http.StatusNotFound || !strings.Contains(got.body, "its pod is gone") {
		t.Errorf("a pod that is gone: %d\n%s", got.status, got.body)
	}
	w.golden(t, "job-log", steady(w.get(t, token, "/ns/"+w.namespace+"/runs/web-failed/jobs/test").body))
	w.bundled(t, token, text)
}

// bundled looks at all logs of the Run in one file.
func (w *world) bundled(t *testing.T, token, text string) {
	t.Helper()
	got := w.get(t, token, "/ns/"+w.namespace+"/runs/web-failed/log.tar.gz")
	packed, err := gzip.NewReader(strings.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(packed)
	files := map[string]string{}
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(content)
	}
	if !strings.Contains(files["web-failed/run.yaml"], "name: web-failed\n") {
		t.Errorf("the Run is %q", files["web-failed/run.yaml"])
	}
	delete(files, "web-failed/run.yaml")
	var stamped strings.Builder
	for line := range strings.Lines(text) {
		stamped.WriteString("2026-03-01T10:59:00.000000000Z " + line)
	}
	want := map[string]string{
		"web-failed/test/main-1.log": stamped.String(),
		"web-failed/missing.txt":     "lint: its pod is gone, and its log with it\nbuild: it never started\npublish: it never started\n",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestLogIsFollowed: a line is there as soon as it is printed, and the end is told.
func TestLogIsFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	token := w.user(t, "anna", viewing()...)
	node := page.StartNode(t, w.client, w.namespace, *before(61), *before(59))
	node.Print(t, "web-failed", "test", "one\n")
	l := w.listen(t, token, "/ns/"+w.namespace+"/runs/web-failed/jobs/test/log?follow=1&frames=1")
	expect := func(reader *bufio.Reader, want string) {
		t.Helper()
		if got, err := reader.ReadString('\n'); err != nil || got != want {
			t.Fatalf("read %q, %v, want %q", got, err, want)
		}
	}
	expect(l.lines, "L1 2026-03-01T10:59:00.000000000Z one\n")
	node.Print(t, "web-failed", "test", "two\n")
	expect(l.lines, "L2 2026-03-01T10:59:00.000000000Z two\n")
	node.End(t, "web-failed", "test", 3)
	expect(l.lines, `E{"lines":2,"complete":true,"exitCode":3,"reason":"Error"}`+"\n")
}

// TestLogEndsWithTheSession: who follows a log sees no more of it once the session is
// over, though the API server would print on.
func TestLogEndsWithTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	token := w.user(t, "anna", viewing()...)
	node := page.StartNode(t, w.client, w.namespace, *before(61), *before(59))
	node.Print(t, "web-failed", "test", "one\n")
	l := w.listen(t, token, "/ns/"+w.namespace+"/runs/web-failed/jobs/test/log?follow=1&frames=1")
	if got, err := l.lines.ReadString('\n'); err != nil || !strings.HasSuffix(got, " one\n") {
		t.Fatalf("read %q, %v", got, err)
	}
	w.clock.Step(viewer.MaxSession)
	if got, err := l.lines.ReadString('\n'); err != nil || got != `E{"lines":1,"complete":false,"missing":["Your session is over."]}`+"\n" {
		t.Errorf("then %q, %v", got, err)
	}
}

// TestFailedLog: the page of a Run has the log of the job that has failed, if there is one.
func TestFailedLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	token := w.user(t, "anna", viewing()...)
	run := "/ns/" + w.namespace + "/runs/web-failed"
	if got := w.get(t, token, run); strings.Contains(got.body, "data-log") {
		t.Errorf("a job whose pod is gone has a log:\n%s", got.body)
	}
	node := page.StartNode(t, w.client, w.namespace, *before(61), *before(59))
	node.Print(t, "web-failed", "test", "FAIL\n")
	node.End(t, "web-failed", "test", 1)
	log := `data-log="` + run + `/jobs/test/log?attempt=1&amp;container=main"`
	if got := w.get(t, token, run); !strings.Contains(got.body, log) {
		t.Errorf("there is no %s:\n%s", log, got.body)
	}
}

// TestDownloadThatIsRefused: what is answered instead of a log isn't saved as one.
func TestDownloadThatIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	node := page.StartNode(t, w.client, w.namespace, *before(61), *before(59))
	node.Print(t, "web-failed", "test", "FAIL\n")
	node.End(t, "web-failed", "test", 1)
	token := w.user(t, "anna", rule("kayci.dev", "runs", "get", "list"), rule("", "pods", "get", "list"))
	got := w.get(t, token, "/ns/"+w.namespace+"/runs/web-failed/jobs/test/log?download=1")
	if got.status != http.StatusForbidden || got.header.Get("Content-Disposition") != "" {
		t.Errorf("answered with %d, to be saved as %q", got.status, got.header.Get("Content-Disposition"))
	}
}
