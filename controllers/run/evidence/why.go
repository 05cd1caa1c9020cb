package evidence

import "github.com/kayci/kayci/api/printable"

// Why says why something is so. Its reason is blank if nothing shows it.
type Why struct {
	Reason, Message string
}

// MaxMessage bounds what a status says of a job, in characters.
const MaxMessage = 512

// Shorten bounds a text that comes from elsewhere.
func Shorten(text string) string {
	return printable.Cut(text, MaxMessage)
}
