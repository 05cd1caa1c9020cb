package printable

import (
	"strings"
	"unicode/utf8"
)

// MaxNote is what the API server takes as an event's note, in bytes.
const MaxNote = 1024

// mark stands where something is missing. It counts.
const mark = "…"

// Cut bounds a text to so many characters, by its end.
func Cut(text string, most int) string {
	switch {
	case fits(text, most):
		return text
	case most < 1:
		return ""
	}
	return string([]rune(text)[:most-1]) + mark
}

// CutMiddle bounds a text to so many characters, by its middle: the cause of an
// error comes last.
func CutMiddle(text string, most int) string {
	switch {
	case fits(text, most):
		return text
	case most < 1:
		return ""
	}
	runes := []rune(text)
	return string(runes[:most/2]) + mark + string(runes[len(runes)-(most-most/2-1):])
}

// CutBytes bounds a text to so many bytes, by its end. It is for what an API bounds
// in bytes; people count characters.
func CutBytes(text string, most int) string {
	if len(text) <= most {
		return text
	}
	if most < len(mark) {
		return ""
	}
	return Head(text, most-len(mark)) + mark
}

// Head returns the beginning of a text that has so many bytes at most, without a
// mark and without a part of a character. It is for data that programs read.
func Head(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:max(most, 0)], "")
}

func fits(text string, most int) bool {
	return len(text) <= most || utf8.RuneCountInString(text) <= most
}
