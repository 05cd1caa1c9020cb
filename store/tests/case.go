package tests

import (
	"cmp"
	"encoding/xml"
	"strconv"
	"strings"
)

// pending is a case whose element hasn't ended. Its texts are bounded all the time.
type pending struct {
	Case
	failed, skipped bool
	// failure, retry and skip are what the elements of each kind say first.
	failure, retry, skip telltale
	// reruns are attempts after which the case failed, flakes those before it passed.
	reruns, flakes int
	output         excerpt
}

// telltale is why an attempt failed, or was skipped.
type telltale struct {
	message, kind string
	text          excerpt
}

func (t *telltale) reset() {
	t.message, t.kind = "", ""
	t.text.reset()
}

// say adds what an element says.
func (t *telltale) say(element xml.StartElement) {
	if t.message == "" {
		t.message, t.kind = attribute(element, "message"), attribute(element, "type")
	}
	t.text.add([]byte("\n"))
}

// sentence is the message, or what comes closest. Go's tools have the same one for all.
func (t *telltale) sentence(details string) string {
	message := sentence(t.message)
	if message != "" && !strings.EqualFold(message, string(Failed)) && !strings.EqualFold(message, string(Skipped)) {
		return message
	}
	return cmp.Or(first(details), sentence(t.kind))
}

// begin starts a case over.
func (p *pending) begin(element xml.StartElement, in suite) {
	p.Case = Case{
		Suite:   in.name,
		Class:   name(cmp.Or(attribute(element, "classname"), attribute(element, "class"))),
		Name:    name(attribute(element, "name")),
		File:    cmp.Or(name(attribute(element, "file")), in.file),
		Seconds: seconds(attribute(element, "time")),
	}
	if line, err := strconv.ParseUint(attribute(element, "line"), 10, 31); err == nil {
		p.Line = int(line)
	}
	// As GoogleTest and CTest say it.
	switch strings.ToLower(attribute(element, "status")) {
	case "notrun", "skipped", "disabled":
		p.skipped = true
	default:
		p.skipped = false
	}
	p.failed, p.reruns, p.flakes = false, 0, 0
	p.failure.reset()
	p.retry.reset()
	p.skip.reset()
	p.output.reset()
}

// child notes an element of the case, and returns where its text belongs.
func (p *pending) child(element xml.StartElement) *excerpt {
	switch element.Name.Local {
	case "failure", "error":
		p.failed = true
		return p.told(&p.failure, element)
	case "skipped":
		p.skipped = true
		return p.told(&p.skip, element)
	case "rerunFailure", "rerunError":
		p.reruns++
		return p.told(&p.retry, element)
	case "flakyFailure", "flakyError":
		p.flakes++
		return p.told(&p.retry, element)
	case "system-out", "system-err":
		return &p.output
	default:
		return nil
	}
}

func (p *pending) told(by *telltale, element xml.StartElement) *excerpt {
	by.say(element)
	return &by.text
}

// end returns the case. Only a failed one has its output: what it costs would seldom be
// looked at.
func (p *pending) end() Case {
	c := p.Case
	c.Retries = p.reruns + p.flakes
	switch {
	case p.failed:
		c.State = Failed
		c.Details = cmp.Or(p.failure.text.String(), p.retry.text.String())
		c.Message = p.failure.sentence(c.Details)
		c.Output = p.output.String()
	case p.skipped:
		c.State = Skipped
		c.Message = p.skip.sentence(p.skip.text.String())
	case p.flakes > 0:
		c.State, c.Flaky = Passed, true
		c.Details = p.retry.text.String()
		c.Message = p.retry.sentence(c.Details)
	default:
		c.State = Passed
	}
	return c
}

func attribute(element xml.StartElement, name string) string {
	for _, attr := range element.Attr {
		if attr.Name.Local == name {
			return attr.Value
		}
	}
	return ""
}
