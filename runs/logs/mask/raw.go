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

// anywhere reports whether a value may begin somewhere in the text, by its first bytes.
func (m *Masker) anywhere(text []byte) bool {
	for i := 0; i+Least <= len(text); i++ {
		if m.first.two[text[i]][text[i+1]>>5]&(1<<(text[i+1]&31)) != 0 && m.first.mayBe(string(text[i:i+4])) {
			return true
		}
	}
	return false
}

// plain reports whether the text has no character that nobody sees.
func plain(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r >= utf8.RuneSelf || r == 0x7f })
}

// beginnings are what the forms begin with.
type beginnings struct {
	// two bytes, a bit for each two.
	two [256][8]uint32
	// four bytes: a bit for all of one hash.
	four [1 << (hashBits - 5)]uint32
}

const hashBits = 16

func hash(text string) uint32 {
	_ = text[3]
	const odd = 0x9e3779b1
	return (uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24) * odd >> (32 - hashBits)
}

// mayBe reports whether a form may begin as the text does, which has four bytes at least.
func (b *beginnings) mayBe(text string) bool {
	h := hash(text)
	return b.four[h>>5]&(1<<(h&31)) != 0
}

func beginningsOf(f forms) *beginnings {
	b := new(beginnings)
	for _, form := range f {
		b.two[form[0]][form[1]>>5] |= 1 << (form[1] & 31)
		h := hash(form)
		b.four[h>>5] |= 1 << (h & 31)
	}
	return b
}
