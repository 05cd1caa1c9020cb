package terminal

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCutAndPad(t *testing.T) {
	for _, tt := range []struct {
		text    string
		columns int
		width   int
		cut     string
	}{
		{"", 0, 0, ""},
		{"build", 5, 5, "build"},
		{"build", 4, 5, "bui…"},
		{"build", 1, 5, "…"},
		{"build", 0, 5, ""},
		{"日本語", 6, 6, "日本語"},
		{"日本語", 5, 6, "日本…"},
		{"日本語", 4, 6, "日…"},
		{"e\u0301t\u0301", 2, 2, "e\u0301t\u0301"},
		{"\x1b[31m✕ test\x1b[0m", 6, 6, "\x1b[31m✕ test\x1b[0m"},
		{"\x1b[31m✕ test\x1b[0m", 5, 6, "\x1b[31m✕ te…\x1b[0m"},
		{"\x1b[31", 2, 4, "\x1b…"},
		{"a\xffb", 3, 3, "a\xffb"},
	} {
		if got := Width(tt.text); got != tt.width {
			t.Errorf("%q is %d wide, want %d", tt.text, got, tt.width)
		}
		if diff := cmp.Diff(tt.cut, Cut(tt.text, tt.columns)); diff != "" {
			t.Errorf("%q cut to %d: %s", tt.text, tt.columns, diff)
		}
	}
	if got := Pad("日", 4) + "|" + Pad("long", 2) + "|"; got != "日  |long|" {
		t.Errorf("padded: %q", got)
	}
}

func TestScreen(t *testing.T) {
	width, height := 8, 4
	var out bytes.Buffer
	screen := (&Terminal{size: func() (int, int) { return width, height }}).Screen(&out)
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"first", func() error { return screen.Draw([]string{"web #1", "● build"}) }, "\r\x1b[Jweb #1\r\n● build\r\n"},
		{"fewer", func() error { return screen.Draw([]string{"web #1"}) }, "\x1b[2A\r\x1b[Jweb #1\r\n"},
		{"wide", func() error { return screen.Draw([]string{"a long line"}) }, "\x1b[1A\r\x1b[Ja long …\r\n"},
		{"high", func() error { return screen.Draw([]string{"1", "2", "3", "4", "5"}) }, "\x1b[1A\r\x1b[J1\r\n2\r\n3\r\n"},
		{"lower", func() error { height = 2; return screen.Draw([]string{"1", "2"}) }, "\x1b[1A\r\x1b[J1\r\n"},
		{"cleared", screen.Clear, "\x1b[1A\r\x1b[J"},
		{"again", func() error { return screen.Draw([]string{"end"}) }, "\r\x1b[Jend\r\n"},
		{"kept", func() error { screen.Keep(); return screen.Draw([]string{"next"}) }, "\r\x1b[Jnext\r\n"},
	} {
		out.Reset()
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}
