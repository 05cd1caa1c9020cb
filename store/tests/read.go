package tests

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/kayci/kayci/api/printable"
)

const (
	// maxDepth is how deep elements may nest.
	maxDepth = 64
	maxPath  = 253
)

var (
	errDepth    = fmt.Errorf("its elements nest deeper than %d", maxDepth)
	errNoReport = errors.New("it is neither XML nor what go test -json prints")
)

// Read adds what a file says: JUnit's XML, or the events that `go test -json` prints. What
// is wrong with the file becomes a warning with its path, and what was read until then
// counts. An error of the reader becomes a warning, too: a caller that wants to try again
// has to keep it.
//
// A case that failed, and comes again in the same file, was run again: it is one case,
// and flaky if it then passed. A case that passed, and comes again, counts twice.
func (r *Report) Read(path string, file io.Reader) {
	in := reader{report: r, from: len(r.Cases), failed: map[key]int{}}
	for i := range r.Cases {
		in.names += r.Cases[i].names()
		in.details += r.Cases[i].details()
	}
	err := in.read(file)
	sortFrom(r.Cases, in.from)
	if err != nil {
		r.warn(path, in.why(err))
	}
	if in.cut {
		r.warn(path, fmt.Sprintf("what there is beyond %d MiB of details was left out", MaxDetails>>20))
	}
}

func (r *Report) warn(path, why string) {
	switch n := len(r.Warnings); {
	case n < MaxWarnings-1:
		r.Warnings = append(r.Warnings, printable.CutBytes(printable.Text(path), maxPath)+": "+why)
	case n == MaxWarnings-1:
		r.Warnings = append(r.Warnings, "more files have warnings")
	}
}

// suite is what cases have of the elements around them.
type suite struct{ name, file string }

// reader reads one file.
type reader struct {
	report *Report
	from   int // the first case of the file
	seen   int // cases of the file
	// names and details are what there is of both, and cut that some were left out.
	names, details int
	cut            bool
	// failed are the cases of the file that failed and haven't passed since.
	failed map[key]int

	// open are the elements around.
	open []element
	// testcase is the case around, if any, at a depth.
	testcase pending
	within   int
}

// element is one around, with the suite that it is in, and where its text belongs.
type element struct {
	suite suite
	text  *excerpt
}

func (r *reader) read(file io.Reader) error {
	text := bufio.NewReaderSize(limit(file), 32<<10)
	if isEvents(text) {
		return r.events(text)
	}
	return r.xml(text)
}

func (r *reader) xml(file io.Reader) error {
	text, err := decoded(file)
	if err != nil {
		return err
	}
	decoder := xml.NewDecoder(bound(text))
	rooted := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && !rooted {
			return errNoReport
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			rooted = true
			err = r.start(token)
		case xml.EndElement:
			r.end()
		case xml.CharData:
			r.text(token)
		}
		if err != nil {
			return err
		}
	}
}

func (r *reader) start(token xml.StartElement) error {
	depth := len(r.open)
	if depth == maxDepth {
		return errDepth
	}
	var now element
	if depth > 0 {
		now = r.open[depth-1]
	}
	kind := token.Name.Local
	switch {
	case depth == 0 && kind != "testsuites" && kind != "testsuite":
		return fmt.Errorf("it isn't a report of JUnit's kind: its root element is <%s>", printable.CutBytes(printable.Text(kind), 64))
	case r.within == depth && r.within > 0:
		now.text = r.testcase.child(token)
	case r.within > 0 && (kind == "system-out" || kind == "system-err"):
		// What an earlier attempt printed is among its details in no tool.
		now.text = nil
	case r.within > 0:
	case kind == "testsuite":
		now.suite = now.suite.inner(token)
	case kind == "testcase":
		r.within = depth + 1
		r.testcase.begin(token, now.suite)
	}
	r.open = append(r.open, now)
	return nil
}

func (s suite) inner(token xml.StartElement) suite {
	inner := name(attribute(token, "name"))
	if s.name != "" && inner != "" {
		inner = name(s.name + " > " + inner)
	}
	return suite{name: cmp.Or(inner, s.name), file: cmp.Or(name(attribute(token, "file")), s.file)}
}

func (r *reader) end() {
	if r.within == len(r.open) {
		r.within = 0
		r.add(r.testcase.end())
	}
	r.open = r.open[:len(r.open)-1]
}

func (r *reader) text(data []byte) {
	if len(r.open) == 0 {
		return
	}
	if text := r.open[len(r.open)-1].text; text != nil {
		text.add(data)
	}
}

func (r *reader) add(c Case) {
	r.seen++
	report := r.report
	report.Seconds = micro(report.Seconds + c.Seconds)
	if i, again := r.failed[c.key()]; again && c.State != Skipped && report.Cases[i].File == c.File && report.Cases[i].Line == c.Line {
		r.retry(&report.Cases[i], c)
		return
	}
	report.Tests++
	switch {
	case c.State == Failed:
		report.Failed++
	case c.State == Skipped:
		report.Skipped++
	case c.Flaky:
		report.Flaky++
	}
	r.keep(c)
}

// retry adds another attempt to a case that failed.
func (r *reader) retry(failed *Case, c Case) {
	failed.Seconds = micro(failed.Seconds + c.Seconds)
	failed.Retries += 1 + c.Retries
	if c.State == Passed {
		failed.State, failed.Flaky, failed.Output = Passed, true, ""
		r.report.Failed--
		r.report.Flaky++
		delete(r.failed, c.key())
	}
}

func (r *reader) keep(c Case) {
	cases, names := MaxCases, MaxNames
	if c.State != Failed {
		cases, names = cases/10*9, names/10*9
	}
	if len(r.report.Cases) >= cases || r.names+c.names() > names {
		r.report.Omitted++
		return
	}
	if r.details+c.details() > MaxDetails {
		c.Details, c.Output, r.cut = "", "", true
	}
	r.names += c.names()
	r.details += c.details()
	if c.State == Failed {
		r.failed[c.key()] = len(r.report.Cases)
	}
	r.report.Cases = append(r.report.Cases, c)
}

// why says what is wrong with the file.
func (r *reader) why(err error) string {
	var malformed *xml.SyntaxError
	switch {
	case errors.As(err, &malformed):
		return fmt.Sprintf("it is malformed after %s: %s", count(r.seen, "test"), reason(malformed.Msg))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("it is malformed after %s: unexpected EOF", count(r.seen, "test"))
	case r.seen > 0:
		return fmt.Sprintf("after %s: %s", count(r.seen, "test"), reason(err.Error()))
	default:
		return reason(err.Error())
	}
}

func reason(text string) string {
	return printable.CutBytes(printable.Text(restore(text)), maxMessage)
}
