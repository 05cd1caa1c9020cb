package mask

import (
	"bytes"
	"unicode/utf8"

	"github.com/kayci/kayci/api/printable"
)

const (
	// Overlap is how many bytes of the end of a piece have to be looked at together with
	// the next piece: no value that is looked for is longer by more than one.
	Overlap = piece - 1
	// maxChain is how many bytes before that may be values of which each begins within
	// another. Of what is longer, a part of a value may be seen.
	maxChain = 4 * piece
)

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

// Split returns how many bytes of a text that goes on can be masked by themselves: what
// follows changes nothing of them, as no value goes on behind them.
func (m *Masker) Split(text []byte) int {
	if m.Empty() {
		return len(text)
	}
	at := max(0, len(text)-Overlap)
	for least := at - maxChain; at > max(0, least); {
		across := m.across(text, at)
		if across == at {
			break
		}
		at = across
	}
	return at
}

// across is where the first of the values begins that go on behind a place in the text, or
// that place.
func (m *Masker) across(text []byte, at int) int {
	from := max(0, at-piece)
	near := string(text[from:min(len(text), at+piece)])
	for from < at && from+m.begins(near) <= at {
		from, near = from+1, near[1:]
	}
	return from
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
