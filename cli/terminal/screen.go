package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Screen draws lines over those that it drew before. What stands above them stays, as
// does the last drawing when the program ends.
type Screen struct {
	out   io.Writer
	size  func() (width, height int)
	drawn int
}

// Screen returns one that draws to Out, which is a terminal.
func (t *Terminal) Screen(out io.Writer) *Screen { return &Screen{out: out, size: t.Size} }

// Draw replaces the lines. More than fit on the terminal can't be drawn over
// afterwards: those at the end are left out, which callers avoid by folding. Each
// drawing is one write, so a slow terminal shows no half of it.
func (s *Screen) Draw(lines []string) error {
	width, height := s.size()
	// The cursor stands below the last line.
	lines = lines[:min(len(lines), max(1, height-1))]
	var frame strings.Builder
	// A terminal that has become lower has scrolled the lines above it away.
	if up := min(s.drawn, height-1); up > 0 {
		fmt.Fprintf(&frame, "\x1b[%dA", up)
	}
	frame.WriteString("\r\x1b[J")
	for _, line := range lines {
		frame.WriteString(Cut(line, width))
		frame.WriteString("\r\n")
	}
	s.drawn = len(lines)
	_, err := io.WriteString(s.out, frame.String())
	return err
}

// Clear takes the drawing away, and the next one begins where it was.
func (s *Screen) Clear() error { return s.Draw(nil) }

// Keep leaves the drawing where it is: the next one begins below.
func (s *Screen) Keep() { s.drawn = 0 }
