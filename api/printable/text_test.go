package printable

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"refs/heads/größe-日本-🚀":   "refs/heads/größe-日本-🚀",
		"a\u202Eb":                `a\u202eb`,
		"a\u009B31mb":             `a\x9b31mb`,
		"\x1b[2J\r\n\t\x7f":       `\x1b[2J\x0d\x0a\x09\x7f`,
		"a\u200Db\u2028c\uFEFF":   `a\u200db\u2028c\ufeff`,
		"tag\U000E0041":           `tag\U000e0041`,
		"a\xff\xc2b":              `a\xff\xc2b`,
		"replaced \uFFFD already": "replaced \uFFFD already",
		"both \uFFFD and \x80":    `both ` + "\uFFFD" + ` and \x80`,
		"no\u00A0break":           `no\xa0break`,
	} {
		if got := Text(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// FuzzText checks that nothing unseen is left, and that what is shown stays.
func FuzzText(f *testing.F) {
	f.Add("refs/heads/\u202E\u009B")
	f.Fuzz(func(t *testing.T, text string) {
		got := Text(text)
		if !utf8.ValidString(got) || strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
			t.Errorf("%q is shown as %q", text, got)
		}
		if Text(got) != got {
			t.Errorf("%q changes when it is shown again", got)
		}
	})
}
