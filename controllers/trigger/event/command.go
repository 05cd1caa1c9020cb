package event

import (
	"regexp"
	"strings"
)

// maxArgs of a command.
const maxArgs = 32

var (
	commandPattern = regexp.MustCompile(`^/([A-Za-z][A-Za-z0-9-]{0,63})([ \t].*)?$`)
	fencePattern   = regexp.MustCompile("^(`{3,}[^`]*|~{3,}.*)$")
)

// command is the first of a comment's lines that begins with a slash and a word, and
// the words behind it. What Markdown shows as code or as a quote, and what it doesn't
// show, is none: its text is not what the author says.
func command(body string) (name string, args []string) {
	var shown markdown
	for line := range strings.SplitSeq(newlines(body), "\n") {
		found := commandPattern.FindStringSubmatch(shown.text(line))
		if found == nil {
			continue
		}
		for arg := range strings.FieldsSeq(found[2]) {
			if len(args) < maxArgs {
				args = append(args, arg)
			}
		}
		return strings.ToLower(found[1]), args
	}
	return "", nil
}

// markdown is what is known of a text's lines so far.
type markdown struct {
	// fence that code is in: what ends it begins with as many of the same character.
	fence string
	// hidden: an HTML comment is open. quoted: the line continues a quote.
	hidden, quoted bool
}

// text is what the line says, without its indent, and nothing where it is code, a
// quote or hidden.
func (m *markdown) text(line string) string {
	if m.hidden {
		_, _, ended := strings.Cut(line, "-->")
		m.hidden = !ended
		return ""
	}
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	// Markdown knows no other space.
	text := strings.Trim(line, " \t")
	code := indent > 3 || strings.Contains(line[:indent], "\t")
	switch {
	case m.fence != "":
		if !code && len(text) >= len(m.fence) && strings.Trim(text, m.fence[:1]) == "" {
			m.fence = ""
		}
		return ""
	case text == "":
		m.quoted = false
		return ""
	case code:
		return ""
	case strings.HasPrefix(text, ">"):
		m.quoted = true
		return ""
	case fencePattern.MatchString(text):
		m.fence, m.quoted = text[:len(text)-len(strings.TrimLeft(text, text[:1]))], false
		return ""
	case m.quoted:
		return ""
	}
	return m.visible(text)
}

// visible is the text without HTML comments.
func (m *markdown) visible(text string) string {
	before, after, found := strings.Cut(text, "<!--")
	for found {
		_, rest, ended := strings.Cut(after, "-->")
		if !ended {
			m.hidden = true
			return before
		}
		// What follows a comment at the line's beginning isn't at its beginning.
		var more string
		more, after, found = strings.Cut(rest, "<!--")
		before += " " + more
	}
	return before
}

// newlines are one character, whatever the author's browser sends.
func newlines(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}
