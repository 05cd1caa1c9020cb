package terminal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for _, pair := range pairs {
			if key, value, _ := strings.Cut(pair, "="); key == name {
				return value
			}
		}
		return ""
	}
}

func TestColours(t *testing.T) {
	for name, tt := range map[string]struct {
		terminal bool
		env      []string
		want     bool
	}{
		"a terminal":           {terminal: true, want: true},
		"a pipe":               {},
		"a pipe, forced":       {env: []string{"CLICOLOR_FORCE=1"}, want: true},
		"forced with 0":        {env: []string{"CLICOLOR_FORCE=0"}},
		"not wanted":           {terminal: true, env: []string{"NO_COLOR=1"}},
		"not wanted, blank":    {terminal: true, env: []string{"NO_COLOR="}, want: true},
		"not wanted, forced":   {terminal: true, env: []string{"NO_COLOR=1", "CLICOLOR_FORCE=1"}},
		"a dumb terminal":      {terminal: true, env: []string{"TERM=dumb"}},
		"a capable one, by xt": {terminal: true, env: []string{"TERM=xterm"}, want: true},
	} {
		if got := colours(tt.terminal, env(tt.env...)); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestStreamsThatAreNoTerminal(t *testing.T) {
	terminal := New(strings.NewReader("yes\n"), &bytes.Buffer{}, &bytes.Buffer{}, env())
	width, height := terminal.Size()
	if width != 80 || height != 24 || terminal.In || terminal.Out || terminal.Err || terminal.Colour {
		t.Errorf("%d x %d, %+v", width, height, terminal)
	}
	if got := terminal.Paint(Red, "failed"); got != "failed" {
		t.Errorf("painted as %q", got)
	}
	if _, err := terminal.Ask(t.Context(), "Branch", "main"); !errors.Is(err, ErrNobody) {
		t.Errorf("asked: %v", err)
	}
}

func TestPaint(t *testing.T) {
	terminal := &Terminal{Colour: true}
	got := []string{terminal.Paint(Red, "✕"), terminal.Paint(Plain, "x"), terminal.Paint(Bold, "")}
	if diff := cmp.Diff([]string{"\x1b[31m✕\x1b[0m", "x", ""}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAsk(t *testing.T) {
	type answers struct {
		First, Second string
		Yes           bool
	}
	for name, tt := range map[string]struct {
		in   string
		want answers
		err  error
	}{
		"answers":          {"release\n 1 2 \nYes\n", answers{"release", " 1 2 ", true}, nil},
		"defaults":         {"\n\n\n", answers{"main", "", false}, nil},
		"no":               {"a\nb\nyesterday\n", answers{"a", "b", false}, nil},
		"ends without one": {"a\nb", answers{"a", "b", false}, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			var asked bytes.Buffer
			terminal := &Terminal{In: true, Err: true, in: strings.NewReader(tt.in), err: &asked}
			var got answers
			var errs [3]error
			got.First, errs[0] = terminal.Ask(t.Context(), "Branch", "main")
			got.Second, errs[1] = terminal.Ask(t.Context(), "Tag", "")
			got.Yes, errs[2] = terminal.Confirm(t.Context(), "Deploy?")
			if err := errors.Join(errs[:]...); !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if want := "Branch [main]: Tag: Deploy? (yes/no) [no]: "; asked.String() != want {
				t.Errorf("asked %q", asked.String())
			}
		})
	}
}

// Ctrl-C at a question ends the command, though nobody has typed anything.
func TestAskIsInterrupted(t *testing.T) {
	silent, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	terminal := &Terminal{In: true, Err: true, in: silent, err: io.Discard}
	if _, err := terminal.Ask(ctx, "Branch", "main"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
