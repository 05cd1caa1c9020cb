package tests

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	// maxEvent bounds a line of events, in bytes.
	maxEvent = 1 << 20
	// maxOpen bounds the tests that are in progress at once.
	maxOpen = 10_000
)

var (
	errEvent = fmt.Errorf("a line is longer than %d MiB", maxEvent>>20)
	errOpen  = fmt.Errorf("more than %d tests are in progress at once", maxOpen)
)

// event is a line of `go test -json` and of `go tool test2json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of what is built
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

// test names one, and with no name its package.
type test struct{ pkg, name string }

// running is a test that has begun.
type running struct {
	excerpt

	// paused says that it waits for others.
	paused bool
}

// progress is what has begun and hasn't ended.
type progress struct {
	open map[test]*running
	// built is what compilers have said, of which several packages may be told.
	built map[string]*excerpt
	// held is how many bytes of outputs may be held at most.
	held int
	// failed are the packages of which a test has failed.
	failed map[string]bool
	// any says that there was an event.
	any bool
}

// isEvents reports whether a file holds events, and no XML.
func isEvents(file *bufio.Reader) bool {
	first, err := file.Peek(1)
	return err == nil && first[0] == '{'
}

// events reads what Go's tests say. Lines that are none of theirs, as of the go command
// itself, say nothing.
func (r *reader) events(file *bufio.Reader) error {
	p := progress{open: map[test]*running{}, built: map[string]*excerpt{}, failed: map[string]bool{}}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		if line := lines.Bytes(); bytes.HasPrefix(line, []byte("{")) {
			var now event
			if err := json.Unmarshal(line, &now); err != nil {
				return fmt.Errorf("a line is malformed: %w", err)
			}
			if err := r.event(&p, &now); err != nil {
				return err
			}
		}
	}
	err := lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		err = errEvent
	}
	if err == nil && !p.any {
		err = errNoReport
	}
	if err == nil && len(p.open) > 0 {
		// A program that was killed has no last word.
		r.unfinished(&p, func(test) bool { return true })
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (r *reader) event(p *progress, now *event) error {
	of := test{pkg: name(now.Package), name: name(now.Test)}
	p.any = p.any || now.Action != ""
	switch now.Action {
	case "run", "start":
		return p.begin(of)
	case "pause", "cont":
		if t := p.open[of]; t != nil {
			t.paused = now.Action == "pause"
		}
	case "output":
		if err := p.begin(of); err != nil {
			return err
		}
		r.output(p, &p.open[of].excerpt, now.Output)
	case "build-output":
		r.output(p, p.build(name(now.ImportPath)), now.Output)
	case "pass", "skip", "fail":
		r.ended(p, of, now)
	}
	return nil
}

// maxBuilt bounds of how many builds it is known what compilers say.
const maxBuilt = 1000

// build is where what a compiler says of a build belongs. nil: nowhere.
func (p *progress) build(path string) *excerpt {
	if p.built[path] == nil && len(p.built) < maxBuilt {
		p.built[path] = &excerpt{}
	}
	return p.built[path]
}

func (p *progress) begin(of test) error {
	if p.open[of] == nil {
		if len(p.open) >= maxOpen {
			return errOpen
		}
		p.open[of] = &running{}
	}
	return nil
}

func (r *reader) output(p *progress, out *excerpt, text string) {
	if out == nil || p.held+len(text) > MaxDetails {
		r.cut = true
		return
	}
	before := out.size()
	out.add([]byte(text))
	p.held += out.size() - before
}

// end returns what was printed.
func (p *progress) end(of test) string {
	out := p.open[of]
	if out == nil {
		return ""
	}
	delete(p.open, of)
	p.held -= out.size()
	return out.String()
}

// ended takes in how a test has ended, or all of a package.
func (r *reader) ended(p *progress, of test, now *event) {
	printed := p.end(of)
	if of.name == "" {
		r.ofPackage(p, of.pkg, now, printed)
		return
	}
	c := Case{Suite: of.pkg, Class: of.pkg, Name: of.name, Seconds: micro(max(0, now.Elapsed))}
	switch now.Action {
	case "fail":
		c.State, c.Details, c.Message = Failed, printed, first(printed)
		p.failed[of.pkg] = true
	case "skip":
		c.State, c.Message = Skipped, first(printed)
	default:
		c.State = Passed
	}
	r.add(c)
}

// wholePackage is the name of a case that stands for a package.
const wholePackage = "(package)"

// ofPackage takes in how a package has ended. That it has failed is a case of its own,
// where none of its tests says why.
func (r *reader) ofPackage(p *progress, pkg string, now *event, printed string) {
	if said := p.built[name(now.FailedBuild)]; said != nil {
		printed = strings.TrimLeft(printed+"\n"+said.String(), "\n")
	}
	if now.Action != "fail" {
		return
	}
	r.unfinished(p, func(t test) bool { return t.pkg == pkg && t.name != "" })
	if !p.failed[pkg] {
		r.add(Case{Suite: pkg, Class: pkg, Name: wholePackage, State: Failed, Message: first(printed), Details: printed})
	}
}

// unfinished are tests that have begun, and won't end any more.
func (r *reader) unfinished(p *progress, is func(test) bool) {
	var lost []test
	for of := range p.open {
		if is(of) && of.name != "" {
			lost = append(lost, of)
		}
	}
	slices.SortFunc(lost, func(a, b test) int { return strings.Compare(a.pkg+"\x00"+a.name, b.pkg+"\x00"+b.name) })
	for _, of := range lost {
		c := Case{Suite: of.pkg, Class: of.pkg, Name: of.name, State: Failed}
		if p.open[of].paused {
			p.end(of)
			c.State, c.Message = Skipped, "it waited for others, and didn't go on"
		} else {
			c.Details = p.end(of)
			c.Message = cmp.Or(first(c.Details), "it began, and didn't end")
			p.failed[of.pkg] = true
		}
		r.add(c)
	}
}
