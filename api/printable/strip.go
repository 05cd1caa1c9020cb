package printable

import (
	"regexp"
	"strings"
	"unicode"
)

// escapes are the sequences that a terminal obeys: those that end with a letter, as
// colours do; texts for the terminal itself, as titles and links are; and all others.
// One that isn't ended takes what follows of its line.
var escapes = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*(?:[@-~]|$)" +
	"|(?:\x1b[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c|$)" +
	"|\x1b[ -/]*(?:[0-~]|$)")

// Strip returns a line of a program's output as a terminal would show it at last: what
// is before a carriage return was written over, and sequences for the terminal are
// gone, as is every character that nobody sees. A tabulator is a space. Text shows such
// characters instead; Strip is for what may be full of them.
func Strip(line string) string {
	line = strings.TrimRight(line, "\r")
	line = line[strings.LastIndexByte(line, '\r')+1:]
	line = escapes.ReplaceAllString(strings.ToValidUTF8(line, "\uFFFD"), "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		default:
			return -1
		}
	}, line)
}
