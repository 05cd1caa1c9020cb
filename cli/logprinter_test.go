package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/logs"
)

func runOf(jobs ...string) *v1alpha1.Run {
	run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1"}}
	for _, job := range jobs {
		run.Status.Jobs = append(run.Status.Jobs, v1alpha1.JobStatus{Name: job, Job: "web-1-" + job})
	}
	return run
}

func printerOf(t *testing.T, env map[string]string, flags logFlags) (p *logPrinter, out, err *bytes.Buffer) {
	t.Helper()
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	e := NewEnv(Program{Name: "kayci", In: strings.NewReader(""), Out: out, Err: err, Getenv: func(name string) string { return env[name] }})
	p, failure := e.logPrinter(runOf("lint", "test-long"), flags)
	if failure != nil {
		t.Fatal(failure)
	}
	return p, out, err
}

func lineOf(text string) *logs.Line {
	return &logs.Line{Time: time.Unix(1, 0), Stamp: []byte("1970-01-01T00:00:01Z"), Text: []byte(text)}
}

// TestLogPrinter: each line says where it is from, and none drives the terminal.
func TestLogPrinter(t *testing.T) {
	t.Parallel()
	one := &logs.Container{Job: "lint", Attempt: 1, Name: "main", Of: 1}
	two := &logs.Container{Job: "test-long", Attempt: 2, Index: "3", Name: "main", Of: 2}
	piece := func(text string, rest, more bool) *logs.Line {
		line := lineOf(text)
		if line.Rest, line.More = rest, more; rest {
			line.Stamp = nil
		}
		return line
	}
	cut := lineOf("long")
	cut.Cut = 1000
	for name, tt := range map[string]struct {
		env   map[string]string
		flags logFlags
		does  func(p *logPrinter) error
		want  string
	}{
		"plain": {want: "lint      | \tok \nlint      | a\ntest-long[3]#2/main | b\n", does: func(p *logPrinter) error {
			return errors.Join(p.Line(one, lineOf("\x1b[32m\tok \x1b]52;c;x\x07\x1b[2J")), p.Line(one, lineOf("10%\ra")), p.Line(two, lineOf("b")))
		}},
		"in colour": {env: map[string]string{"CLICOLOR_FORCE": "1"}, want: "\x1b[36mlint      |\x1b[0m \x1b[31mred\x1b[0m\n\x1b[33mtest-long[3]#2/main |\x1b[0m b\n", does: func(p *logPrinter) error {
			return errors.Join(p.Line(one, lineOf("\x1b[31mred\x1b[2J")), p.Line(two, lineOf("b")))
		}},
		"one job alone": {flags: logFlags{filter: logs.Filter{Parts: []string{"lint"}}}, want: "a\n", does: func(p *logPrinter) error {
			return p.Line(one, lineOf("a"))
		}},
		"one job, several containers": {flags: logFlags{filter: logs.Filter{Parts: []string{"test-long"}}}, want: "[3]#2/main | a\n", does: func(p *logPrinter) error {
			return p.Line(two, lineOf("a"))
		}},
		"raw, with times": {flags: logFlags{raw: true, noPrefix: true, timestamps: true}, want: "1970-01-01T00:00:01Z \x1b[2J\x00\n", does: func(p *logPrinter) error {
			return p.Line(one, lineOf("\x1b[2J\x00"))
		}},
		"matching": {flags: logFlags{grep: "^FAIL"}, want: "lint      | FAIL\nlint      | FAILED it\n", does: func(p *logPrinter) error {
			return errors.Join(p.Line(one, lineOf("\x1b[31mFAIL")), p.Line(one, lineOf("ok FAIL")),
				p.Line(one, piece("no ", false, true)), p.Line(one, piece("FAIL", true, false)),
				p.Line(one, piece("FAILED ", false, true)), p.Line(one, piece("it", true, false)))
		}},
		"pieces": {want: "lint      | ab\ntest-long[3]#2/main | c\nlint      | d\n", does: func(p *logPrinter) error {
			return errors.Join(p.Line(one, piece("a", false, true)), p.Line(one, piece("b", true, true)), p.Line(two, lineOf("c")), p.Line(one, piece("d", true, false)))
		}},
		"cut": {want: "lint      | long… (1000 bytes more: --raw)\n", does: func(p *logPrinter) error { return p.Line(one, cut) }},
	} {
		p, out, _ := printerOf(t, tt.env, tt.flags)
		if err := errors.Join(tt.does(p), p.Flush()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, out.String()); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
}

// TestLogPrinterOrder: what is missing is told behind the lines before it, and a line
// isn't held back when no other follows.
func TestLogPrinterOrder(t *testing.T) {
	t.Parallel()
	p, out, told := printerOf(t, nil, logFlags{})
	c := &logs.Container{Job: "lint", Attempt: 1, Name: "main", Of: 1}
	idle := lineOf("b")
	idle.Idle = true
	if err := p.Line(c, lineOf("a")); err != nil || out.Len() != 0 {
		t.Errorf("%v, %q is printed at once", err, out)
	}
	if err := p.Line(c, idle); err != nil || out.String() != "lint      | a\nlint      | b\n" {
		t.Errorf("%v, %q is printed", err, out)
	}
	if err := p.Missing("lint", c, "its pod is gone"); err != nil || told.String() != "lint: its pod is gone\n" {
		t.Errorf("%v, %q is told", err, told)
	}
	if closed(errors.Join(fmt.Errorf("print: %w", syscall.EPIPE))) != true || closed(errors.New("full")) {
		t.Error("a closed output isn't known")
	}
}

func TestLogFlags(t *testing.T) {
	t.Parallel()
	for want, flags := range map[string]logFlags{
		"": {tail: -1},
		"--tail is -2: it takes a number of lines, or -1 for all": {tail: -2},
		"--since is -1s: it takes how long ago, as 5m":            {since: -time.Second},
		"--attempt is -1: they are counted from 1":                {filter: logs.Filter{Attempt: -1}},
		"--grep: error parsing regexp: missing closing ): `(`":    {grep: "("},
	} {
		got := ""
		if err := flags.check(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for want, parts := range map[string][]string{
		"": {"lint"},
		`Run web-1 has no job or service "lnt": did you mean lint?`:  {"lnt"},
		`Run web-1 has no job or service "xxxxxxx": lint, test-long`: {"lint", "xxxxxxx"},
	} {
		got := ""
		if err := known(runOf("lint", "test-long"), parts); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func BenchmarkLogPrinter(b *testing.B) {
	e := NewEnv(Program{Name: "kayci", Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }})
	p, err := e.logPrinter(runOf("lint"), logFlags{})
	if err != nil {
		b.Fatal(err)
	}
	c, line := &logs.Container{Job: "lint", Attempt: 1, Name: "main", Of: 1}, lineOf(strings.Repeat("x", 100))
	b.SetBytes(100)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Line(c, line); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPrintedLinesAllocateNothing: a log costs the same memory however long it is.
func TestPrintedLinesAllocateNothing(t *testing.T) {
	c, line := &logs.Container{Job: "lint", Attempt: 1, Name: "main", Of: 1}, lineOf("\x1b[31ma line\x1b[0m of a log")
	for name, flags := range map[string]logFlags{
		"plain": {}, "with times": {timestamps: true}, "without prefix": {noPrefix: true}, "raw": {raw: true},
		"that match": {grep: "line"}, "that don't": {grep: "none"},
	} {
		p, _, _ := printerOf(t, map[string]string{"CLICOLOR_FORCE": "1"}, flags)
		p.out.Reset(io.Discard)
		if got := testing.AllocsPerRun(1000, func() {
			if err := p.Line(c, line); err != nil {
				t.Fatal(err)
			}
		}); got > 0 {
			t.Errorf("a line allocates %v times, %s", got, name)
		}
	}
}
