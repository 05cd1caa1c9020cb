package mask

import (
	"bytes"
	"unicode/utf8"

	"github.com/kayci/kayci/api/printable"
)

// Overlap is how many bytes of the end of a piece have to be looked at together with the
// next piece: no value that is looked for is longer by more than one.
const Overlap = piece - 1

// Empty reports whether there is nothing to mask.
func (m *Masker) Empty() bool { return len(m.forms) == 0 }

// Raw returns the bytes of a line without the values, and all others as they are. Where
// characters that nobody sees hide a value, they go with it. The line isn't changed.
func (m *Masker) Raw(line []byte) []byte {
	if m.Empty() {
		return line
	}
	masked := line
	if m.anywhere(line) {
		shown, found := m.once(string(line), len(line))
		for found {
			shown, found = m.once(shown, len(shown))
		}
		masked = []byte(shown)
	}
	if plain(masked) {
		return masked
	}
	if visible := printable.Strip(string(masked)); m.anywhere([]byte(visible)) {
		if shown := m.Line(visible, len(visible)); shown != visible {
			return []byte(shown)
		}
	}
	return masked
}

// anywhere reports whether a value may begin somewhere in the text, by two bytes.
func (m *Masker) anywhere(text []byte) bool {
	for i := 0; i+1 < len(text); i++ {
		if m.first[text[i]][text[i+1]>>5]&(1<<(text[i+1]&31)) != 0 {
			return true
		}
	}
	return false
}

// plain reports whether the text has no character that nobody sees.
func plain(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r >= utf8.RuneSelf || r == 0x7f })
}

// beginnings are the two bytes that the forms begin with, a bit for each.
type beginnings [256][8]uint32

func beginningsOf(f forms) *beginnings {
	b := new(beginnings)
	for _, form := range f {
		b[form[0]][form[1]>>5] |= 1 << (form[1] & 31)
	}
	return b
}
