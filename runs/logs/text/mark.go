package text

import (
	"bytes"
	"strconv"
	"strings"
)

// Kind is what a mark says.
type Kind string

// The marks that are known: those of GitHub's runners, which many tools print.
const (
	Group    Kind = "group"
	EndGroup Kind = "endgroup"
	Error    Kind = "error"
	Warning  Kind = "warning"
	Notice   Kind = "notice"
)

// Mark is a line that a tool has printed for a CI: `::group::TITLE`, `::endgroup::`, or
// `::error file=FILE,line=LINE,title=TITLE::TEXT`, and so for warning and notice.
type Mark struct {
	Kind Kind
	// Text of it, and Title if it has one, in one line that is fit for people.
	Text, Title string
	// File that it is about, and the line there, or 0.
	File string
	Line int
}

// maxMark is how long a line may be that is a mark, in bytes.
const maxMark = 8 << 10

// Find reads a line as a mark, if it is one.
func Find(line []byte) (Mark, bool) {
	if len(line) > maxMark || !bytes.Contains(line, []byte("::")) {
		return Mark{}, false
	}
	rest, is := strings.CutPrefix(strings.TrimLeft(string(Append(nil, line, false)), " \t"), "::")
	head, text, ended := strings.Cut(rest, "::")
	if !is || !ended {
		return Mark{}, false
	}
	name, properties, _ := strings.Cut(head, " ")
	mark := Mark{Kind: Kind(name), Text: decoded(text)}
	switch mark.Kind {
	case Group:
		return mark, true
	case EndGroup:
		return Mark{Kind: EndGroup}, true
	case Error, Warning, Notice:
	default:
		return Mark{}, false
	}
	for property := range strings.SplitSeq(properties, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(property), "=")
		switch key {
		case "file":
			mark.File = decoded(value)
		case "title":
			mark.Title = decoded(value)
		case "line":
			if n, err := strconv.ParseUint(value, 10, 31); err == nil {
				mark.Line = int(n)
			}
		}
	}
	return mark, true
}

// decoded takes back how marks write what would end them. A line's end is a space.
func decoded(text string) string {
	text = strings.NewReplacer("%0D%0A", " ", "%0D", " ", "%0A", " ", "%3A", ":", "%2C", ",", "%25", "%").Replace(text)
	return string(bytes.TrimSpace(Append(nil, []byte(text), false)))
}
