package logs

import (
	"bytes"
	"unicode"
)

// excuse reports whether the text behind a log's last line is the node's: one that can't
// read a log says why in the log's place, or behind what it could read. It says so without
// a line's end, in many words, and without the stamp that lines have, if a node gives stamps.
func excuse(rest []byte) bool { return len(rest) > 0 && unicode.IsLetter(rune(rest[0])) }

// Strip takes the stamps off what a node has given of a log. What the node says itself is
// returned apart.
func Strip(given []byte) (text []byte, excused string) {
	var clock clock
	bare := false
	for line := range bytes.Lines(given) {
		_, stamp, printed := clock.cut(line)
		if stamp == nil && !bare && !bytes.HasSuffix(line, []byte("\n")) && excuse(line) {
			return text, string(line)
		}
		bare = bare || stamp == nil
		text = append(text, printed...)
	}
	return text, ""
}
