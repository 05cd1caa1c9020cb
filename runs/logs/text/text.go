// Package text makes lines of programs' output fit for terminals and pages, and finds
// the marks in them that tools leave for CI. It is pure.
package text

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

const (
	escape = 0x1b
	bell   = 0x07
	// maxColour bounds the parameters of a colour, in bytes.
	maxColour = 64
	reset     = "\x1b[0m"
)

// Append appends a line as a terminal would show it at last: what is before a carriage
// return was written over, sequences for the terminal are gone, as is every character
// that nobody sees, and what is no UTF-8 is U+FFFD. Tabulators stay. With colours, the
// sequences that select colours and styles (SGR) stay, too, and the last one doesn't
// reach beyond the line.
func Append(dst, line []byte, colours bool) []byte {
	line = last(line)
	coloured := false
	for len(line) > 0 {
		n := ascii(line)
		dst, line = append(dst, line[:n]...), line[n:]
		if len(line) == 0 {
			break
		}
		if size, colour := sequence(line); size > 0 {
			if colour != nil && colours {
				dst = append(append(append(dst, escape, '['), colour...), 'm')
				coloured = len(bytes.Trim(colour, "0")) > 0
			}
			line = line[size:]
			continue
		}
		r, size := utf8.DecodeRune(line)
		if unicode.IsPrint(r) {
			dst = utf8.AppendRune(dst, r)
		}
		line = line[size:]
	}
	if coloured {
		dst = append(dst, reset...)
	}
	return dst
}

// last returns what no carriage return has let be written over.
func last(line []byte) []byte {
	line = bytes.TrimRight(line, "\r")
	return line[bytes.LastIndexByte(line, '\r')+1:]
}

// ascii is how many bytes the line begins with that stay as they are.
func ascii(line []byte) int {
	for i, c := range line {
		if (c < ' ' && c != '\t') || c > '~' {
			return i
		}
	}
	return len(line)
}

// sequence returns the length of the sequence for terminals that the line begins with,
// or 0, and the parameters of one that selects colours. One that isn't ended takes what
// follows of its line.
func sequence(line []byte) (size int, colour []byte) {
	kind, intro := introducer(line)
	switch kind {
	case 0:
		return 0, nil
	case '[':
		return control(line, intro)
	case ']', 'P', 'X', '^', '_':
		return intro + text(line[intro:]), nil
	default:
		for intro < len(line) && line[intro] >= ' ' && line[intro] <= '/' {
			intro++
		}
		if intro < len(line) && line[intro] >= '0' && line[intro] <= '~' {
			intro++
		}
		return intro, nil
	}
}

// introducer returns what kind of sequence begins here, as the byte behind an escape, and
// the length of what says so. A single character does, too, which stands for both.
func introducer(line []byte) (kind byte, size int) {
	if len(line) >= 2 && line[0] == 0xc2 && line[1] >= 0x80 && line[1] <= 0x9f {
		switch kind = line[1] - 0x40; kind {
		case '[', ']', 'P', 'X', '^', '_':
			return kind, 2
		default:
			return 0, 0
		}
	}
	if line[0] != escape {
		return 0, 0
	}
	if len(line) == 1 {
		return escape, 1
	}
	switch line[1] {
	case '[', ']', 'P', 'X', '^', '_':
		return line[1], 2
	default:
		return escape, 1
	}
}

// control reads a control sequence: parameters, what is in between, and a last letter.
func control(line []byte, from int) (size int, colour []byte) {
	at, plain := from, true
	for at < len(line) && line[at] >= '0' && line[at] <= '?' {
		plain = plain && line[at] <= ';'
		at++
	}
	params := line[from:at]
	for at < len(line) && line[at] >= ' ' && line[at] <= '/' {
		plain = false
		at++
	}
	if at == len(line) || line[at] < '@' || line[at] > '~' {
		return at, nil
	}
	if line[at] == 'm' && plain && len(params) <= maxColour {
		if params == nil {
			params = []byte{}
		}
		return at + 1, params
	}
	return at + 1, nil
}

// text is the length of a text for the terminal itself, as a title or a link is, with
// what ends it. An escape that doesn't end it begins another sequence.
func text(line []byte) int {
	for i, c := range line {
		switch {
		case c == bell:
			return i + 1
		case c == escape && i+1 < len(line) && line[i+1] == '\\':
			return i + 2
		case c == escape:
			return i
		case c == 0xc2 && i+1 < len(line) && line[i+1] == 0x9c:
			return i + 2
		}
	}
	return len(line)
}
