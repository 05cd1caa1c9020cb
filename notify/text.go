package notify

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/kayci/kayci/api/printable"
)

// What a message may hold at most, in characters where nothing else is said.
// Names and numbers of objects are bounded by the API, but an environment is not.
const (
	maxTitle   = 200
	maxName    = 253
	maxMessage = 2000
	maxValue   = 1024
	maxJobs    = 256 // names
	maxParams  = 64
	// shownJobs is how many names a person wants to read.
	shownJobs = 10
)

// line makes one line of printable text: nothing in a value can begin a line of
// its own, move the cursor of a terminal or turn the direction of reading.
func line(value string, limit int) string {
	shown := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.Is(unicode.Cf, r):
			return -1
		default:
			return ' '
		}
	}, strings.ToValidUTF8(value, "�"))
	return printable.Cut(strings.Join(strings.Fields(shown), " "), limit)
}

// lines is the message for people: what happened, and where to look.
func (m Message) lines() []string {
	first := line(m.Title, maxTitle)
	if message := line(m.Message, maxMessage); message != "" {
		first += ": " + message
	}
	result := []string{first}
	if len(m.FailedJobs) > 0 {
		result = append(result, "Failed jobs: "+m.failedJobs())
	}
	return append(result, fmt.Sprintf("Run %s in namespace %s", line(m.Run, maxName), line(m.Namespace, maxName)))
}

func (m Message) failedJobs() string {
	shown := bounded(m.FailedJobs, shownJobs)
	if more := len(m.FailedJobs) - len(shown); more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), more)
	}
	return strings.Join(shown, ", ")
}

func bounded(names []string, count int) []string {
	result := make([]string, 0, min(len(names), count))
	for _, name := range names[:min(len(names), count)] {
		result = append(result, line(name, maxName))
	}
	return result
}

// webhookBody leaves values as they are but for their lengths: JSON can say
// anything, and a program reads it.
func (m Message) webhookBody() ([]byte, error) {
	params := make(map[string]string, min(len(m.Params), maxParams))
	names := slices.Sorted(maps.Keys(m.Params))
	for _, name := range names[:min(len(names), maxParams)] {
		params[printable.Cut(name, maxName)] = printable.Cut(m.Params[name], maxValue)
	}
	return json.Marshal(Message{
		Title:      line(m.Title, maxTitle),
		Run:        printable.Cut(m.Run, maxName),
		Pipeline:   printable.Cut(m.Pipeline, maxName),
		Namespace:  printable.Cut(m.Namespace, maxName),
		Number:     m.Number,
		Phase:      m.Phase,
		FailedJobs: bounded(m.FailedJobs, maxJobs),
		Message:    printable.Cut(m.Message, maxMessage),
		Params:     params,
	})
}

// slackMessage is what an incoming webhook of Slack takes. Neither markup nor a
// preview of a linked page is wanted from values that strangers may have chosen.
type slackMessage struct {
	Text        string `json:"text"`
	Markup      bool   `json:"mrkdwn"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
}

func (m Message) slackBody() ([]byte, error) {
	return json.Marshal(slackMessage{Text: slackText(strings.Join(m.lines(), "\n"))})
}

// mention finds what would call people in chats of Slack's format that know
// mentions as plain text.
var mention = regexp.MustCompile(`\B@|@(?:all|channel|everyone|here)\b`)

// slackText escapes what begins a link or mention in Slack. A space of no width
// after the @ keeps it readable and calls nobody.
func slackText(text string) string {
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	return mention.ReplaceAllStringFunc(escaped, func(found string) string { return "@\u200b" + found[1:] })
}
