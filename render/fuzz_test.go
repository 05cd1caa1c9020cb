package render

import (
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzCandidates: whatever is imported, from wherever, the paths that are tried
// stay below the root.
func FuzzCandidates(f *testing.F) {
	for _, from := range []string{"", "a.jsonnet", "ci/deep/a.jsonnet", "<kayci.libsonnet>", "vendor/x/../y", "/a.jsonnet"} {
		for _, path := range []string{"x", "../x", "../../x", "/etc/passwd", "http://x", "a/./b", "..", ".", "a\x00", `..\x`, "a/../../b"} {
			f.Add(from, path)
		}
	}
	f.Fuzz(func(t *testing.T, from, path string) {
		j := &jail{vendor: vendorFolders("ci/deep")}
		if diff := cmp.Diff([]string{"ci/deep/vendor", "ci/vendor", "vendor"}, j.vendor); diff != "" {
			t.Fatal(diff)
		}
		candidates, err := j.candidates(from, path)
		if (err == nil) != (len(candidates) > 0) {
			t.Fatalf("%q and %v", candidates, err)
		}
		for _, c := range candidates {
			if !fs.ValidPath(c) {
				t.Fatalf("%q", c)
			}
		}
	})
}

// FuzzDecode: whatever an entry yields, the result is objects of the namespace or
// errors that name the file.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`null`, `[]`, `{"a":[{"b":1}]}`, `{"kind":1}`, `{"apiVersion":"kayci.dev/v1alpha1","kind":"Trigger","metadata":[]}`,
		`{"apiVersion":"kayci.dev/v1alpha1","kind":"Pipeline","metadata":{"name":"x"},"spec":{"jobs":[{"timeout":1}]}}`,
		`{"apiVersion":"kayci.dev/v1alpha1","kind":"Pipeline","metadata":{"name":"x"},"spec":{"jobs":[{"name":"a","template":{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"b"}]}}}}}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDecoder("ci", Limits{}.withDefaults())
		if !json.Valid(data) {
			return
		}
		if err := d.take(t.Context(), answer{File: "a.json", Value: data}); err != nil {
			return // the child would not have said that
		}
		for _, err := range d.errs {
			if err.Message == "" {
				t.Errorf("an error without a message: %#v", err)
			}
		}
		if len(d.errs) > 0 {
			return
		}
		for _, o := range d.objects {
			if o.Object.GetNamespace() != "ci" || o.Object.GetName() == "" || o.File != "a.json" {
				t.Errorf("%#v", o)
			}
		}
	})
}

// FuzzYAML: no document of a file is lost, and what comes out is JSON that reads
// as the same value with the same lines.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{
		"", "a: 1", "--- a\n--- b\n...\nc", "%YAML 1.1\n---\na", "a: |\n  ---\n", "---\n---\n", "&a [*a]", "a: &a {b: 1}\nc: {<<: *a, b: 2}",
		"a: !!binary aGk=", "? [a]\n: b", "a:\r---\rb", "- yes\n- 0x1f\n- 1e3\n- .inf\n- 2026-01-01\n- !x y",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{}.withDefaults()
		text, err := plainText(data)
		if err != nil {
			return
		}
		n, err := (&grower{room: limits.Values}).growYAML(text)
		if err != nil {
			return
		}
		again, err := (&grower{room: limits.Values}).growJSON(n.encode())
		if err != nil {
			t.Fatalf("%q became %s: %v", data, n.encode(), err)
		}
		again.setLines(n.lines())
		if diff := cmp.Diff(n, again, cmp.AllowUnexported(node{})); diff != "" {
			t.Errorf("%q (-sent +read):\n%s", data, diff)
		}
	})
}
