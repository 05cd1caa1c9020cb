package tests

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExcerpt(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("x", 63) + "\n"
	for name, tt := range map[string]struct {
		pieces []string
		want   string
	}{
		"nothing":      {nil, ""},
		"space":        {[]string{" \n ", "\n"}, ""},
		"gaps":         {[]string{"\n ", "a", "  ", "\n\n  ", "\n", "b\n", " \n", "c", " "}, "a\nb\nc"},
		"all":          {[]string{strings.Repeat(line, 2*half/64)}, strings.TrimSpace(strings.Repeat(line, 2*half/64))},
		"middle lines": {[]string{"first\n", strings.Repeat(line, half/64), strings.Repeat(line, half/64), "last"}, "first\n" + strings.Repeat(line, half/64-1) + "… 127 bytes left out …\n" + strings.Repeat(line, half/64-1) + "last"},
		"one line": {
			[]string{strings.Repeat("é", half), "é" + strings.Repeat("a", half-1)},
			strings.Repeat("é", half/2) + "\n… 8,193 bytes left out …\n\ufffd" + strings.Repeat("a", half-1),
		},
		"progress": {[]string{" 1 %\r 2 %\r\n\x1b[31mred\x1b[0m\n\x1b]0;\n\n"}, " 2 %\nred"},
	} {
		var e excerpt
		e.add([]byte("what was before"))
		e.reset()
		for _, piece := range tt.pieces {
			e.add([]byte(piece))
		}
		if diff := cmp.Diff(tt.want, e.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"": 0, "0": 0, "1.5": 1.5, "0.25s": 0.25, "1e-3": 0.001, "0.0000004": 0, "3.1234567": 3.123457,
		"1,234.5": 1234.5, "1,234": 1234, "12,345,678.125": 12345678.125, "1,5": 1.5, "0,250": 250, "1234,567": 1234.567,
		"1.234,5": 0, "-1": 0, "NaN": 0, "Inf": 0, "1e99": 0, "1e999": 0, "soon": 0,
	} {
		if got := seconds(text); got != want {
			t.Errorf("%q are %v seconds, want %v", text, got, want)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxName/2)
	for text, want := range map[string]string{
		"":                       "",
		"a\tb\n\ufddb[31m\u202e": `a\x09b\x0a\x0b[31m\u202e`,
		long:                     long,
		long + "a":               strings.Repeat("é", 246) + "…" + digest([]byte(long+"a")),
		long + "b":               strings.Repeat("é", 246) + "…" + digest([]byte(long+"b")),
	} {
		if got := name(text); got != want || len(got) > maxName {
			t.Errorf("%q becomes %q, of %d bytes, want %q", text, got, len(got), want)
		}
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              "",
		" a \n\n\tb  c\n":               "a b  c",
		"=== RUN   T\n--- FAIL: T (0s)": "",
		"=== CONT  T\n=== NAME\n    t.go:1: a\n    --- SKIP: T (0s)": "t.go:1: a",
		"=== 3 errors ===":        "=== 3 errors ===",
		strings.Repeat("a", 2000): strings.Repeat("a", maxMessage-3) + "…",
	} {
		if got := sentence(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
