package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/runs/logs"
	logtext "github.com/kayci/kayci/runs/logs/text"
)

// logPrinter prints lines of logs, each with where it is from.
type logPrinter struct {
	out      *bufio.Writer
	err      io.Writer
	now      func() time.Time
	terminal *terminal.Terminal
	flags    logFlags
	grep     *regexp.Regexp
	// styles of the jobs' names, by name. Names that are alone aren't repeated.
	styles map[string]terminal.Style
	alone  bool
	width  int

	line, plain []byte
	// open is the container whose line isn't printed to its end, and skipped are those
	// whose line isn't wanted.
	open    *logs.Container
	skipped map[*logs.Container]bool
	last    prefix
}

// prefix is one that was printed, and what it is of.
type prefix struct {
	of   *logs.Container
	text string
}

// jobStyles tell jobs apart beside their names.
const jobStyles = "36 33 32 35 34 1;36 1;33 1;32 1;35 1;34"

func (e *Env) logPrinter(run *v1alpha1.Run, flags logFlags) (*logPrinter, error) {
	p := &logPrinter{
		out: bufio.NewWriterSize(e.Out, 64<<10), err: e.Err, now: e.Now, terminal: e.Terminal, flags: flags,
		styles: map[string]terminal.Style{}, skipped: map[*logs.Container]bool{}, alone: len(flags.filter.Parts) == 1,
	}
	if flags.grep != "" {
		var err error
		if p.grep, err = regexp.Compile(flags.grep); err != nil {
			return nil, usage("--grep: %w", err)
		}
	}
	parts := logs.Parts(run, nil)
	for i := range parts {
		if part := &parts[i]; len(flags.filter.Parts) == 0 && !part.Service || len(flags.filter.Parts) > 0 && slices.Contains(flags.filter.Parts, part.Name) {
			p.width = max(p.width, len(part.Name))
		}
	}
	return p, nil
}

// all prints the logs that there are, in the order of the Pipeline.
func (p *logPrinter) all(ctx context.Context, run *v1alpha1.Run, pods *logs.Pods, flags logFlags) error {
	found, err := pods.Of(ctx, run)
	if err != nil {
		return err
	}
	told := false
	for _, part := range found.Parts() {
		for _, what := range flags.filter.Missing(&part) {
			if err := p.Missing(part.Name, nil, what); err != nil {
				return err
			}
			told = true
		}
		for _, c := range flags.filter.Of(&part) {
			if c.State.Started.IsZero() && len(flags.filter.Parts) == 0 && flags.filter.Container == "" {
				continue
			}
			told = true
			if err := p.one(ctx, pods, &c, flags); err != nil {
				return err
			}
		}
	}
	if !told {
		_, err = fmt.Fprintf(p.err, "There is no such log of Run %s yet: `kayci describe %s` says where it stands.\n", run.Name, run.Name)
	}
	return err
}

func (p *logPrinter) one(ctx context.Context, pods *logs.Pods, c *logs.Container, flags logFlags) error {
	end, err := pods.Read(ctx, c, flags.options(p.now()), func(line *logs.Line) error { return p.Line(c, line) })
	if err != nil {
		return err
	}
	for _, what := range end.Missing {
		if err := p.Missing(c.Part(), c, what); err != nil {
			return err
		}
	}
	return nil
}

// Line prints a line of a container, or a piece of one, if it is wanted.
func (p *logPrinter) Line(c *logs.Container, line *logs.Line) error {
	if p.skips(c, line) {
		return nil
	}
	p.line = p.line[:0]
	if p.open != nil && p.open != c {
		// Another's line has come in between.
		p.line = append(p.line, '\n')
	}
	if !line.Rest || p.open != c {
		p.line = append(p.line, p.prefix(c)...)
		if p.flags.timestamps && line.Stamp != nil {
			p.line = append(append(p.line, line.Stamp...), ' ')
		}
	}
	if p.flags.raw {
		p.line = append(p.line, line.Text...)
	} else {
		p.line = logtext.Append(p.line, line.Text, p.terminal.Colour)
	}
	if line.Cut > 0 {
		p.line = append(p.line, "… ("...)
		p.line = append(strconv.AppendInt(p.line, line.Cut, 10), " bytes more: --raw)"...)
	}
	if p.open = c; !line.More {
		p.open, p.line = nil, append(p.line, '\n')
	}
	if _, err := p.out.Write(p.line); err != nil {
		return fmt.Errorf("print the log: %w", err)
	}
	if line.Idle {
		return p.Flush()
	}
	return nil
}

// skips reports whether the line isn't wanted, which its first piece decides.
func (p *logPrinter) skips(c *logs.Container, line *logs.Line) bool {
	if p.grep == nil {
		return false
	}
	skip := p.skipped[c]
	if !line.Rest {
		p.plain = logtext.Append(p.plain[:0], line.Text, false)
		skip = !p.grep.Match(p.plain)
	}
	if skip && line.Idle {
		// What was collected before isn't held back.
		_ = p.out.Flush()
	}
	p.skipped[c] = skip && line.More
	return skip
}

// Missing says what of a log is missing. The lines before it come first.
func (p *logPrinter) Missing(part string, c *logs.Container, what string) error {
	if err := p.Flush(); err != nil {
		return err
	}
	if c != nil {
		part = p.name(c, true)
	}
	_, err := fmt.Fprintf(p.err, "%s: %s\n", part, what)
	return err
}

// Flush prints what was collected.
func (p *logPrinter) Flush() error {
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("print the log: %w", err)
	}
	return nil
}

// prefix of a container's lines: its job in a colour of its own, padded.
func (p *logPrinter) prefix(c *logs.Container) string {
	if p.flags.noPrefix {
		return ""
	}
	if p.last.of == c {
		return p.last.text
	}
	p.last = prefix{of: c}
	if name := p.name(c, !p.alone); name != "" {
		if !p.alone {
			name = terminal.Pad(name, p.width)
		}
		p.last.text = p.terminal.Paint(p.style(c.Part()), name+" |") + " "
	}
	return p.last.text
}

// name tells a container's lines from those of all others that may be printed.
func (p *logPrinter) name(c *logs.Container, part bool) string {
	name := ""
	if part {
		name = c.Part()
	}
	if c.Index != "" {
		name += "[" + c.Index + "]"
	}
	if c.Attempt > 1 {
		name += "#" + strconv.Itoa(c.Attempt)
	}
	if c.Of > 1 {
		if name != "" {
			name += "/"
		}
		name += c.Name
	}
	return name
}

func (p *logPrinter) style(part string) terminal.Style {
	style, known := p.styles[part]
	if !known {
		all := strings.Fields(jobStyles)
		style = terminal.Style(all[len(p.styles)%len(all)])
		p.styles[part] = style
	}
	return style
}
