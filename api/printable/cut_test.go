package printable

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestCut(t *testing.T) {
	type cuts struct{ Cut, Middle, Bytes, Head string }
	for _, tc := range []struct {
		text string
		most int
		want cuts
	}{
		{"", 0, cuts{}},
		{"abcdef", 7, cuts{"abcdef", "abcdef", "abcdef", "abcdef"}},
		{"abcdef", 6, cuts{"abcdef", "abcdef", "abcdef", "abcdef"}},
		{"abcdef", 5, cuts{"abcd…", "ab…ef", "ab…", "abcde"}},
		{"abcdef", 4, cuts{"abc…", "ab…f", "a…", "abcd"}},
		{"abcdef", 3, cuts{"ab…", "a…f", "…", "abc"}},
		{"abcdef", 2, cuts{"a…", "a…", "", "ab"}},
		{"abcdef", 1, cuts{"…", "…", "", "a"}},
		{"abcdef", 0, cuts{}},
		{"abcdef", -1, cuts{}},
		{"ééé", 6, cuts{"ééé", "ééé", "ééé", "ééé"}},
		{"ééé", 5, cuts{"ééé", "ééé", "é…", "éé"}},
		{"ééé", 4, cuts{"ééé", "ééé", "…", "éé"}},
		{"ééé", 3, cuts{"ééé", "ééé", "…", "é"}},
		{"ééé", 2, cuts{"é…", "é…", "", "é"}},
		{"日本🚀go", 4, cuts{"日本🚀…", "日本…o", "…", "日"}},
		{"日本🚀go", 10, cuts{"日本🚀go", "日本🚀go", "日本…", "日本🚀"}},
		{"a\xffbcdef", 6, cuts{"a\uFFFDbcd…", "a\uFFFDb…ef", "ab…", "abcde"}},
		{"\x80\x80\x80\x80", 3, cuts{"\uFFFD\uFFFD…", "\uFFFD…\uFFFD", "…", ""}},
	} {
		got := cuts{Cut(tc.text, tc.most), CutMiddle(tc.text, tc.most), CutBytes(tc.text, tc.most), Head(tc.text, tc.most)}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%q, cut to %d (-want +got):\n%s", tc.text, tc.most, diff)
		}
	}
}

// FuzzCut checks that every limit is kept, and that no part of a character is left.
func FuzzCut(f *testing.F) {
	f.Add("größe 日本 🚀", 7)
	f.Fuzz(func(t *testing.T, text string, most int) {
		for name, got := range map[string]string{"Cut": Cut(text, most), "CutMiddle": CutMiddle(text, most)} {
			if utf8.RuneCountInString(got) > max(most, 0) || got != text && !utf8.ValidString(got) {
				t.Errorf("%s cuts %q to %d characters: %q", name, text, most, got)
			}
		}
		for name, got := range map[string]string{"CutBytes": CutBytes(text, most), "Head": Head(text, most)} {
			if len(got) > max(most, 0) || got != text && !utf8.ValidString(got) {
				t.Errorf("%s cuts %q to %d bytes: %q", name, text, most, got)
			}
		}
	})
}
