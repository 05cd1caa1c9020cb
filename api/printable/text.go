// Package printable makes text of strangers fit for people's eyes. What somebody
// has pushed or sent may hold characters that a terminal obeys or that turn the
// direction of reading, and JSON leaves most of them as they are. It is pure.
package printable

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Text returns the text with an escape in place of each character that nobody sees:
// control and format characters, separators other than the space, and bytes that
// are no UTF-8. It is for statuses, events, logs and answers; data that programs
// read stays as it is.
func Text(text string) string {
	if plain(text) {
		return text
	}
	var shown strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&shown, `\x%02x`, text[i])
		case unicode.IsPrint(r):
			shown.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&shown, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&shown, `\u%04x`, r)
		default:
			fmt.Fprintf(&shown, `\U%08x`, r)
		}
	}
	return shown.String()
}

func plain(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// Duration writes a duration without parts that are zero at its end: 2h, not 2h0m0s.
func Duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
