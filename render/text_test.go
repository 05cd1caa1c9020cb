package render_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

// inUTF16 is what PowerShell's > writes.
func inUTF16(text string, order binary.AppendByteOrder) string {
	data := order.AppendUint16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(text)) {
		data = order.AppendUint16(data, unit)
	}
	return string(data)
}

// A file means the same with either line end and in each encoding that says what
// it is: the scripts of a pipeline are the same to the byte.
func TestTextFiles(t *testing.T) {
	t.Parallel()
	const (
		entry = `local ci = import 'kayci.libsonnet';
// A comment ends with its line.
local container(command) = { containers: [{ name: 'main', image: 'busybox', command: command }] };
ci.pipeline('web', jobs=[
  ci.job('block', container(['sh', '-c', |||
    set -e

    echo "ünï 🙂"
  |||])),
  ci.job('imported', container(['sh', '-c', importstr 'run.sh'])),
  ci.job('library', container(['sh', '-c', import 'text.libsonnet'])),
  ci.job('bytes', container([std.join(' ', std.map(std.toString, importbin 'bytes'))])),
])
`
		script  = "#!/bin/sh\nset -e\n\necho \"ünï 🙂\"\n"
		library = "// A comment.\n|||\n  one\n\n  two\n|||\n"
	)
	want := []string{
		"set -e\n\necho \"ünï 🙂\"\n", script, "one\n\ntwo\n",
		"255 254 97 0 13 10",
	}
	tests := map[string]func(string) string{
		"LF":                 func(s string) string { return s },
		"CRLF":               crlf,
		"UTF-8 with a mark":  func(s string) string { return "\ufeff" + crlf(s) },
		"UTF-16 and CRLF":    func(s string) string { return inUTF16(crlf(s), binary.LittleEndian) },
		"UTF-16, big-endian": func(s string) string { return inUTF16(s, binary.BigEndian) },
	}
	for name, encode := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := render.Render(testContext(t), options(t, repository(t, map[string]string{
				"a.jsonnet": encode(entry), "run.sh": encode(script), "text.libsonnet": encode(library), "bytes": "\xff\xfea\x00\r\n",
			})))
			if err != nil {
				t.Fatal(err)
			}
			pipeline, ok := result.Objects[0].Object.(*v1alpha1.Pipeline)
			if !ok {
				t.Fatalf("rendered %T", result.Objects[0].Object)
			}
			var got []string
			for i := range pipeline.Spec.Jobs {
				command := pipeline.Spec.Jobs[i].Template.Spec.Template.Spec.Containers[0].Command
				got = append(got, command[len(command)-1])
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What can't be read as text for certain is refused, with its line; and the
// lines of other faults are the editor's.
func TestTextFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files map[string]string
		want  []string
	}{
		"lines": {
			files: map[string]string{
				"a.jsonnet": crlf("{\n  a: 1,\n  b: }\n"), "b.json": crlf("{\n  \"a\": 1,\n}"), "c.yaml": crlf("a:\n---\nb:\nb: 2\n"),
				"d.jsonnet": inUTF16("[\n  error 'no'\n]", binary.LittleEndian), "e.json": "\ufeff{\n  \"a\": 1,\n}",
			},
			want: []string{
				`a.jsonnet:3: Unexpected: "}" while parsing terminal`,
				`b.json:3: invalid character '}' looking for beginning of object key string`,
				`c.yaml:4: [1].b: duplicate field`,
				`d.jsonnet:2: no`, `  at d.jsonnet:2:3-13`,
				`e.json:3: invalid character '}' looking for beginning of object key string`,
			},
		},
		"no text": {
			files: map[string]string{
				"a.jsonnet": "[]\n\xff", "b.yaml": "a: 1\nb: \xe4\n", "c.json": "{}\x00", "d.yaml": "a\x00:\x00", "e.yaml": inUTF16("a: 1\n", binary.BigEndian) + "x",
				"f.jsonnet": "importstr 'lib/x'", "lib/x": "\n\xff", "g.json": "\xff\xfe\x00\x00{", "h.yaml": "\xfe\xff\x00\n\xd8\x00\x00a",
			},
			want: []string{
				"a.jsonnet:2: the text is not UTF-8: save it as UTF-8",
				"b.yaml:2: the text is not UTF-8: save it as UTF-8",
				"c.json:1: the text is not UTF-8: save it as UTF-8",
				"d.yaml:1: the text is not UTF-8: save it as UTF-8",
				"e.yaml:2: the text is not valid UTF-16: save it as UTF-8",
				`f.jsonnet:1: import "lib/x": lib/x: line 2: the text is not UTF-8: save it as UTF-8 (importbin takes any file)`,
				"  at f.jsonnet:1:1-18",
				"g.json:1: the text is not UTF-8: save it as UTF-8",
				"h.yaml:2: the text is not valid UTF-16: save it as UTF-8",
			},
		},
		"CR alone": {
			files: map[string]string{"a.jsonnet": "[\n]\n// all\r + [1]", "b.jsonnet": "[][std.length(importstr 'x.txt') - 3:]", "x.txt": "a\rb"},
			want:  []string{`a.jsonnet:3: a carriage return ends no line: save the file with LF at the end of its lines, and write \r in a string`},
		},
		"bytes and text": {
			files: map[string]string{
				"a.jsonnet": "[][std.length(importbin 'x') + std.length(importstr 'x'):]", "x": "a\r\n",
				"b.jsonnet": "[][std.length(importbin 'y') + std.length(importstr 'y'):]", "y": "a\n",
				"c.jsonnet": "[][std.length(importbin 'x') + std.length(import 'd.libsonnet'):]", "d.libsonnet": "importstr 'x'",
			},
			want: []string{
				`a.jsonnet:1: import "x": x is taken both as bytes and as text, which differ by its line ends or encoding: take it from two files`,
				"  at a.jsonnet:1:15-28", "  at a.jsonnet:1:4-29", "  at a.jsonnet:1:1-59",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, rendered(t, options(t, repository(t, test.files)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
