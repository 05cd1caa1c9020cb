package tests

import (
	"bytes"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kayci/kayci/api/printable"
)

// half of a text is its beginning, the other its end.
const half = maxText / 2

// excerpt keeps the beginning and the end of a text, without holding it whole.
type excerpt struct {
	head, tail []byte
	omitted    int
}

func (e *excerpt) add(data []byte) {
	if len(bytes.TrimSpace(data)) == 0 {
		data = e.gap(data)
	}
	n := min(len(data), half-len(e.head))
	e.head = append(e.head, data[:n]...)
	e.tail = append(e.tail, data[n:]...)
	if len(e.tail) > 2*half {
		e.shorten()
	}
}

// shorten leaves as much of the end as is kept. That each addition needn't do so makes
// small ones cheap.
func (e *excerpt) shorten() {
	if over := len(e.tail) - half; over > 0 {
		e.omitted += over
		e.tail = e.tail[:copy(e.tail, e.tail[over:])]
	}
}

// gap is what is kept of the space between two tags: the end of a line, if it is needed.
func (e *excerpt) gap(space []byte) []byte {
	last := e.head
	if len(e.tail) > 0 {
		last = e.tail
	}
	if i := bytes.IndexByte(space, '\n'); i >= 0 && len(last) > 0 && last[len(last)-1] != '\n' {
		return space[i : i+1]
	}
	return nil
}

// size is how many bytes are held.
func (e *excerpt) size() int { return len(e.head) + len(e.tail) }

func (e *excerpt) reset() {
	e.head, e.tail, e.omitted = e.head[:0], e.tail[:0], 0
}

// String returns the text in lines that are fit for people's eyes, with a line for those
// that aren't kept.
func (e *excerpt) String() string {
	e.shorten()
	head, tail := string(e.head), string(e.tail)
	if e.omitted == 0 {
		return lines(head + tail)
	}
	omitted := e.omitted
	if i := strings.LastIndexByte(head, '\n'); i >= 0 {
		omitted += len(head) - i - 1
		head = head[:i]
	}
	if i := strings.IndexByte(tail, '\n'); i >= 0 {
		omitted += i
		tail = tail[i+1:]
	}
	return lines(head) + "\n… " + count(omitted, "byte") + " left out …\n" + lines(tail)
}

// lines returns a text's lines as a terminal would show them, without those at the end
// that are blank.
func lines(text string) string {
	text = restore(text)
	kept := make([]string, 0, 1+strings.Count(text, "\n"))
	for line := range strings.SplitSeq(text, "\n") {
		kept = append(kept, strings.TrimRight(strip(line), " "))
	}
	return strings.Trim(strings.Join(kept, "\n"), "\n")
}

// noise are lines of Go's tests that say nothing of why.
var noise = regexp.MustCompile(`^(=== (RUN|PAUSE|CONT|NAME)|--- (FAIL|SKIP|PASS):) `)

// telling returns the lines of a message that say something.
func telling(text string) []string {
	var kept []string
	for line := range strings.Lines(lines(text)) {
		if line = strings.TrimSpace(line); line != "" && !noise.MatchString(line+" ") {
			kept = append(kept, line)
		}
	}
	return kept
}

// position is what Go's tests and compiler begin a line with that says why.
var position = regexp.MustCompile(`^\S+\.go:\d+:`)

// first returns the line of some details that comes closest to a message.
func first(details string) string {
	lines := telling(details)
	if len(lines) == 0 {
		return ""
	}
	at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "panic: ") })
	if at < 0 {
		at = max(0, slices.IndexFunc(lines, position.MatchString))
	}
	return sentence(lines[at])
}

// sentence returns a message as one line.
func sentence(text string) string {
	return printable.CutBytes(strings.Join(telling(text), " "), maxMessage)
}

// name returns a name of bounded size. Names that differ still do so when they are cut.
func name(text string) string {
	text = printable.Text(restore(text))
	if len(text) <= maxName {
		return text
	}
	mark := "…" + digest([]byte(text))
	return printable.Head(text, maxName-len(mark)) + mark
}

// strip is printable.Strip, which most lines don't need.
func strip(line string) string {
	for i := range len(line) {
		if line[i] < ' ' || line[i] > '~' {
			return printable.Strip(line)
		}
	}
	return line
}

// restore takes back what substitute did to control characters.
func restore(text string) string {
	if !strings.ContainsFunc(text, moved) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if moved(r) {
			return r - invisible
		}
		return r
	}, text)
}

func moved(r rune) bool {
	return r >= invisible && r < invisible+' '
}

// thousands are numbers whose commas stand between thousands: "1,234", "1,234.5".
var thousands = regexp.MustCompile(`^\d{1,3}(,\d{3})+(\.\d*)?$`)

// seconds reads a time as tools write it: with a point, in some countries with a comma,
// or with commas between thousands. What is none is 0.
func seconds(text string) float64 {
	text = strings.TrimSuffix(text, "s")
	if thousands.MatchString(text) {
		text = strings.ReplaceAll(text, ",", "")
	}
	n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > 1e9 {
		return 0
	}
	return micro(n)
}

// micro rounds to millionths, so that sums look as people write them.
func micro(n float64) float64 {
	return math.Round(n*1e6) / 1e6
}
