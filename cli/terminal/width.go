package terminal

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width returns how many columns printable text takes. Sequences of Paint take none.
func Width(text string) int {
	columns := 0
	for rest := text; rest != ""; {
		n, size := cell(rest)
		columns += n
		rest = rest[size:]
	}
	return columns
}

// Cut bounds text to so many columns, with a mark at its end if something is missing.
// Sequences of Paint stay, so the last one still ends the colour.
func Cut(text string, columns int) string {
	if Width(text) <= columns {
		return text
	}
	var out strings.Builder
	used, cut := 0, columns < 1
	for rest := text; rest != ""; {
		n, size := cell(rest)
		switch {
		case size > 1 && rest[0] == 0x1b:
			out.WriteString(rest[:size])
		case cut:
		case used+n > columns-1:
			out.WriteString("…")
			cut = true
		default:
			out.WriteString(rest[:size])
			used += n
		}
		rest = rest[size:]
	}
	return out.String()
}

// Pad fills text with spaces up to so many columns.
func Pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-Width(text)))
}

// cell returns how many columns the first sequence or character of the text takes,
// and how many bytes it is.
func cell(text string) (columns, size int) {
	if strings.HasPrefix(text, "\x1b[") {
		if end := strings.IndexByte(text, 'm'); end > 0 {
			return 0, end + 1
		}
	}
	for i, r := range text {
		if i > 0 {
			return columns, i
		}
		columns = runeWidth(r)
	}
	return columns, len(text)
}

func runeWidth(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}
