// Package terminal knows what of a program's streams a person sees, and draws and asks
// there. Text that comes here is printable already: nothing of a build drives a terminal.
package terminal

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// The size that a terminal has that doesn't say.
const (
	defaultWidth  = 80
	defaultHeight = 24
)

// Terminal is what of the streams a person sees.
type Terminal struct {
	// In, Out and Err say which of them are terminals.
	In, Out, Err bool
	// Colour says whether what is written to Out may have colours. They repeat what
	// is written in words or signs.
	Colour bool
	// ASCII says that the terminal, by its locale, may show no other characters.
	ASCII bool

	in   io.Reader
	err  io.Writer
	size func() (width, height int)
}

// New looks at the streams and at NO_COLOR, CLICOLOR_FORCE and TERM.
func New(in io.Reader, out, err io.Writer, getenv func(string) string) *Terminal {
	t := &Terminal{in: in, err: err, size: func() (int, int) { return 0, 0 }}
	_, t.In = descriptor(in)
	_, t.Err = descriptor(err)
	fd, is := descriptor(out)
	if t.Out = is; is {
		t.size = func() (int, int) {
			width, height, err := term.GetSize(fd)
			if err != nil {
				return 0, 0
			}
			return width, height
		}
	}
	t.Colour = colours(t.Out, getenv)
	t.ASCII = ascii(getenv)
	return t
}

// ascii reports whether the locale, if there is one, names another encoding than UTF-8.
func ascii(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(getenv(name)); locale != "" {
			return !strings.Contains(locale, "utf-8") && !strings.Contains(locale, "utf8")
		}
	}
	return false
}

// descriptor of a stream that is a terminal.
func descriptor(stream any) (int, bool) {
	file, is := stream.(*os.File)
	if !is || file == nil {
		return 0, false
	}
	fd := int(file.Fd())
	return fd, term.IsTerminal(fd)
}

// colours decides as https://no-color.org and https://bixense.com/clicolors say.
func colours(terminal bool, getenv func(string) string) bool {
	force := getenv("CLICOLOR_FORCE")
	switch {
	case getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	default:
		return terminal && getenv("TERM") != "dumb"
	}
}

// Size returns how many columns and lines Out has now. It may change at any time.
func (t *Terminal) Size() (width, height int) {
	width, height = t.size()
	if width <= 0 {
		width = defaultWidth
	}
	if height <= 0 {
		height = defaultHeight
	}
	return width, height
}
