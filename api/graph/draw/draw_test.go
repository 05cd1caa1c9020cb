package draw_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/graph/draw"
	"github.com/kayci/kayci/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// pipeline has a bit of all: a matrix, a long edge, an approval, a finally job.
func pipeline() []v1alpha1.Job {
	all := jobs(
		"lint", "unit-1", "unit-2", "unit-3", "unit-4", "unit-5", "unit-6", "build<lint", "e2e<build", "docs",
		"publish<e2e,docs,unit-1,unit-2,unit-3,unit-4,unit-5,unit-6", "report!", "clean!<report",
	)
	all[10].Approval = &v1alpha1.JobApproval{}
	all[8].If = "always()"
	return all
}

// marked are what a Run would look like.
func marked(box *graph.Box) draw.Mark {
	switch {
	case box.Folded():
		return draw.Mark{Symbol: "●", Word: "Running", Class: "running", Note: "4/6", Link: "?open=" + box.Jobs[0]}
	case box.Name == "lint" || box.Name == "docs":
		return draw.Mark{Symbol: "✓", Word: "Succeeded", Class: "succeeded", Link: "/ns/ci/runs/web/jobs/" + box.Name}
	}
	return draw.Mark{Symbol: "◌", Word: "Waiting", Class: "waiting", Link: "#" + box.Name}
}

func TestPictures(t *testing.T) {
	t.Parallel()
	all := pipeline()
	l := graph.Arrange(all)
	svg, err := draw.SVG(l, marked, "web #12")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := draw.SVG(l, draw.Spec(all, false), "web")
	if err != nil {
		t.Fatal(err)
	}
	paint := func(class, text string) string { return "<" + class + ">" + text + "</>" }
	for name, got := range map[string]string{
		"run.svg": string(svg), "spec.svg": string(plain),
		"run.mmd": draw.Mermaid(l, marked), "spec.mmd": draw.Mermaid(l, nil),
		"run.dot": draw.Dot(l, marked, "web #12"), "spec.dot": draw.Dot(l, draw.Spec(all, false), "web"),
		"run.txt": draw.Text(l, marked, draw.Style{}), "painted.txt": draw.Text(l, marked, draw.Style{Paint: paint}),
		"spec-ascii.txt": draw.Text(l, draw.Spec(all, true), draw.Style{ASCII: true}),
		"narrow.txt":     draw.Text(l, marked, draw.Style{Width: 40}),
		"open.txt":       draw.Text(graph.Arrange(all, "unit-3"), nil, draw.Style{}),
	} {
		golden(t, name, got)
	}
}

// TestHostileNames: names are an object's, and objects may be older than the rules that
// they have to keep.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	const evil = "a\"]:::x;\\\n</title><script>alert(1)</script>\x1b[2J`#quot;"
	all := []v1alpha1.Job{{Name: evil}, {Name: "b", Needs: []string{evil}}}
	l := graph.Arrange(all)
	marks := func(*graph.Box) draw.Mark {
		return draw.Mark{Symbol: "<", Word: `"><b>`, Class: `x" onclick="y`, Note: "&", Link: "javascript:alert(1)"}
	}
	svg, err := draw.SVG(l, marks, evil)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "hostile.svg", string(svg))
	golden(t, "hostile.mmd", draw.Mermaid(l, marks))
	golden(t, "hostile.dot", draw.Dot(l, marks, evil))
	golden(t, "hostile.txt", draw.Text(l, marks, draw.Style{}))
	for decoder := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
		if start, is := token.(xml.StartElement); is && (start.Name.Local == "script" || start.Name.Local == "b" || start.Name.Local == "a") {
			t.Errorf("the SVG has an element %s", start.Name.Local)
		}
	}
}

// TestLinks: a box leads to where it is said to, but never away.
func TestLinks(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]bool{
		"/ns/ci/runs/web": true, "?open=a": true, "#a": true, "": false,
		"https://evil.example.com": false, "//evil.example.com": false, `/\evil.example.com`: false, "data:text/html,x": false,
	} {
		svg, err := draw.SVG(graph.Arrange(jobs("a")), func(*graph.Box) draw.Mark { return draw.Mark{Link: link} }, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(svg), "<a "); got != want {
			t.Errorf("%q is a link: %t, want %t", link, got, want)
		}
	}
}
