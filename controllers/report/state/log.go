package state

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/controllers/githost"
)

// Log is the end of a job's log, for people.
type Log struct {
	Job, Container string
	// Lines have no character that nobody sees, and no secret.
	Lines []string
	// Missing is why there are none.
	Missing string
}

// Text is what a check shows of the logs, of which there may be more.
func Text(logs []Log, more int) string {
	var text strings.Builder
	for i := range logs {
		log := &logs[i]
		heading := fmt.Sprintf("### %s\n\n", escape(log.Job))
		if log.Container != "" {
			heading = fmt.Sprintf("### %s, container %s\n\n", escape(log.Job), escape(log.Container))
		}
		if log.Missing != "" {
			text.WriteString(heading + "No log: " + escape(log.Missing) + "\n\n")
			continue
		}
		room := (maxText - maxNote - text.Len()) / (len(logs) - i)
		text.WriteString(heading + fenced(log.Lines, room-len(heading)) + "\n")
	}
	if more > 0 {
		fmt.Fprintf(&text, "%d failed jobs more\n", more)
	}
	return text.String()
}

// fenced shows the last lines as they are, as many as fit. What ends it is longer than
// anything in them that could.
func fenced(lines []string, room int) string {
	longest := 2
	for _, line := range lines {
		longest = max(longest, repeated(line, '`'))
	}
	fence := strings.Repeat("`", longest+1)
	room -= 2*len(fence) + len("\n\n") + maxNote
	first := len(lines)
	for first > 0 && room >= len(lines[first-1])+1 {
		first--
		room -= len(lines[first]) + 1
	}
	text := fence + "\n" + strings.Join(lines[first:], "\n") + "\n" + fence + "\n"
	if first > 0 {
		return fmt.Sprintf("%d lines before these are left out\n\n%s", first, text)
	}
	return text
}

// repeated is how often a character follows itself at most.
func repeated(line string, of byte) int {
	longest, length := 0, 0
	for i := range len(line) {
		if length++; line[i] != of {
			length = 0
		}
		longest = max(longest, length)
	}
	return longest
}

// Line is what a status says of a log beside its description, or nothing: the last line
// that says something, where there is room for some of it.
func Line(description string, log *Log) string {
	said := log.Missing
	if said != "" {
		said = "no log: " + said
	}
	for _, line := range slices.Backward(log.Lines) {
		if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			said = strings.Join(strings.Fields(line), " ")
			break
		}
	}
	room := githost.MaxDescription - len([]rune(description)) - len(": ")
	if said == "" || room < minLine {
		return description
	}
	return description + ": " + printable.Cut(said, room)
}

// minLine is how much room, in characters, a line says something in.
const minLine = 16
