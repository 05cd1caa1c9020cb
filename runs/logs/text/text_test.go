package text_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/kayci/kayci/runs/logs/text"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct{ plain, coloured string }{
		"":                              {"", ""},
		"ok  \tacme/web\t0.4s":          {"ok  \tacme/web\t0.4s", "ok  \tacme/web\t0.4s"},
		"\x1b[1;31mFAIL\x1b[0m größe 🚀": {"FAIL größe 🚀", "\x1b[1;31mFAIL\x1b[0m größe 🚀"},
		"\x1b[31mred":                   {"red", "\x1b[31mred\x1b[0m"},
		"\x1b[mplain\x1b[00m":           {"plain", "\x1b[mplain\x1b[00m"},
		"\x1b[38:2::1:2:3mtrue":         {"true", "\x1b[38:2::1:2:3mtrue\x1b[0m"},
		"\u009b31mFAIL":                 {"FAIL", "\x1b[31mFAIL\x1b[0m"},
		"\x1b[>4;1mkeys\x1b[?25lhidden\x1b[2J\x1b[1;1H": {"keyshidden", "keyshidden"},
		"\x1b[" + strings.Repeat("1;", 40) + "mlong":    {"long", "long"},
		" 10 %\r 50 %\r100 %\r\r":                       {"100 %", "100 %"},
		"\x1b]0;title\x07a":                             {"a", "a"},
		"\x1b]8;;javascript:x\x1b\\link\x1b]8;;\x07":    {"link", "link"},
		"\x1b]8;;x\u009clink":                           {"link", "link"},
		"\x1b]52;c;aGk=":                                {"", ""},
		"\x1b]52;c;\x1b[31mred":                         {"red", "\x1b[31mred\x1b[0m"},
		"a\x1bPq#0\x1b\\b":                              {"ab", "ab"},
		"a\x1b(Bb\x1bc":                                 {"ab", "ab"},
		"half \x1b[3":                                   {"half ", "half "},
		"half \x1b":                                     {"half ", "half "},
		"broken \x1b[3\x00m":                            {"broken m", "broken m"},
		"pass\x00wo\u200brd\u202e\u0085\x08":            {"password", "password"},
		"a\xff\xc2b\x9b31m":                             {"a\uFFFD\uFFFDb\uFFFD31m", "a\uFFFD\uFFFDb\uFFFD31m"},
		"<script>alert(1)</script>":                     {"<script>alert(1)</script>", "<script>alert(1)</script>"},
	} {
		if got := string(text.Append([]byte("> "), []byte(line), false)); got != "> "+want.plain {
			t.Errorf("%q becomes %q, want %q", line, got, want.plain)
		}
		if got := string(text.Append(nil, []byte(line), true)); got != want.coloured {
			t.Errorf("%q becomes %q in colour, want %q", line, got, want.coloured)
		}
	}
}

// FuzzAppend checks that nothing is left that a terminal would obey but colours, that
// none of these reaches beyond its line, and that there is no more to take away.
func FuzzAppend(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b[0m \u009b1m\u0085 \x1b]8;;x\x07 \xff"))
	f.Add([]byte("\x1b\x1b[m\x1b]\x1b[0;mx"))
	colour := regexp.MustCompile("\x1b\\[[0-9;:]*m")
	f.Fuzz(func(t *testing.T, line []byte) {
		plain, coloured := text.Append(nil, line, false), text.Append(nil, line, true)
		if bare := colour.ReplaceAll(coloured, nil); !bytes.Equal(bare, plain) {
			t.Errorf("%q is %q without colours, but %q", line, plain, coloured)
		}
		for _, r := range string(plain) {
			if !unicode.IsPrint(r) && r != '\t' {
				t.Errorf("%q becomes %q", line, plain)
			}
		}
		if all := colour.FindAllString(string(coloured), -1); len(all) > 0 && strings.Trim(all[len(all)-1], "\x1b[0m") != "" {
			t.Errorf("%q becomes %q: its colour goes on", line, coloured)
		}
		if !utf8.Valid(coloured) || !bytes.Equal(text.Append(nil, coloured, true), coloured) {
			t.Errorf("%q becomes %q, and that %q", line, coloured, text.Append(nil, coloured, true))
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	line := []byte("\x1b[32mok\x1b[0m   github.com/acme/web/internal/server/middleware\t0.412s coverage: 84.2% of statements")
	dst := make([]byte, 0, 256)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		dst = text.Append(dst[:0], line, true)
	}
}
