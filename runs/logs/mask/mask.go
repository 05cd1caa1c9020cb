// Package mask takes the values of Secrets out of what programs print. It is pure.
//
// It finds a value wherever it stands in a line as it is in the Secret: whole, each of
// its lines, what a line sets a name to, each text of a value that is JSON, and all of
// these in base64 and escaped for addresses, JSON and shells. What a program has made
// otherwise of a value it can't know.
package mask

import (
	"slices"
	"strings"

	"github.com/kayci/kayci/api/printable"
)

const (
	// Least is how many bytes a value has at least that is masked: shorter ones are words
	// of any log, as true, root or 8080 are.
	Least = 6
	// piece is how many bytes of a value are looked for at once.
	piece = 256
	// maxValues bounds the values of one masker together, in bytes.
	maxValues = 1 << 20
	// stars stand for a value.
	stars = "***"
)

// Masker knows the values of some Secrets. It is safe for concurrent use.
type Masker struct {
	// forms of the values, sorted. Each has Least bytes at least.
	forms []string
	first *beginnings
}

// New returns a Masker of the values, or false where they are larger together than is
// masked: 1 MiB, as a Secret can be.
func New(values [][]byte) (*Masker, bool) {
	total := 0
	for _, value := range values {
		total += len(value)
	}
	if total > maxValues {
		return nil, false
	}
	var found forms
	for _, value := range values {
		found.add(string(value))
	}
	slices.Sort(found)
	found = slices.Compact(found)
	return &Masker{forms: found, first: beginningsOf(found)}, true
}

// Line returns a line of a program's output fit for people and without the values, of
// which it looks at no more than so many bytes.
func (m *Masker) Line(line string, most int) string {
	line = printable.Strip(line)
	shown, found := m.once(line, min(most, len(line)))
	for found {
		// What is left and right of the stars may be a value, too.
		shown, found = m.once(shown, len(shown))
	}
	if len(line) > most {
		return strings.ToValidUTF8(shown, "") + "…"
	}
	return shown
}

// once returns the first bytes of a line with stars for the values that begin there,
// and reports whether any does. Those that overlap go together.
func (m *Masker) once(line string, most int) (masked string, found bool) {
	var kept strings.Builder
	until := -1
	for at := range most {
		if n := m.begins(line[at:]); n > 0 && at+n > until {
			if at > until {
				kept.WriteString(stars)
			}
			until, found = at+n, true
		}
		if at >= until {
			kept.WriteByte(line[at])
		}
	}
	return kept.String(), found
}

// begins is the length of the longest form that the text begins with.
func (m *Masker) begins(text string) int {
	text = text[:min(piece, len(text))]
	if len(text) < Least || !m.first.mayBe(text) {
		return 0
	}
	for len(text) >= Least {
		// A form that the text begins with is not above it, and what lies between the two
		// begins with that form, too.
		at, same := slices.BinarySearch(m.forms, text)
		if same {
			return len(text)
		}
		if at == 0 {
			return 0
		}
		below := m.forms[at-1]
		if strings.HasPrefix(text, below) {
			return len(below)
		}
		text = text[:common(text, below)]
	}
	return 0
}

// common is how many bytes two texts begin with alike.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
