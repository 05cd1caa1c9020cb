package printable

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestStrip(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                              "",
		"ok  \tacme/web\t0.4s":          "ok   acme/web 0.4s",
		"\x1b[1;31mFAIL\x1b[0m größe 🚀": "FAIL größe 🚀",
		"\u009b31mFAIL":                 "FAIL",
		" 10 %\r 50 %\r100 %\r\r":       "100 %",
		"\x1b]0;title\x07a":             "a",
		"\x1b]8;;https://x\x1b\\link\x1b]8;;\x07": "link",
		"\x1b]52;c;aGk=":           "",
		"a\x1bPq#0\x1b\\b":         "ab",
		"a\x1b(Bb\x1bc":            "ab",
		"half \x1b[3":              "half ",
		"half \x1b":                "half ",
		"pass\x00wo\u200brd\u202e": "password",
		"a\xff\xc2b":               "a\uFFFDb",
	} {
		if got := Strip(line); got != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
}

// FuzzStrip checks that nothing is left that a terminal would obey, and that there is
// no more to strip.
func FuzzStrip(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m \u009b\u0085 \x1b]8;;x\x07 \xff")
	f.Fuzz(func(t *testing.T, line string) {
		got := Strip(line)
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Errorf("%q becomes %q", line, got)
			}
		}
		if !utf8.ValidString(got) || Strip(got) != got {
			t.Errorf("%q becomes %q, and that %q", line, got, Strip(got))
		}
	})
}
