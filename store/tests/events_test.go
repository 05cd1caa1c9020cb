package tests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadEvents: whatever a file of events holds, it is bounded, and what is wrong is told.
func TestReadEvents(t *testing.T) {
	t.Parallel()
	const passed = `{"Action":"start","Package":"p"}` + "\n" + `{"Action":"run","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.5}` + "\n"
	const over = `{"Action":"pass","Package":"p"}` + "\n"
	one := Report{Tests: 1, Seconds: 0.5, Cases: []Case{{Suite: "p", Class: "p", Name: "TestA", State: Passed, Seconds: 0.5}}}
	with := func(report Report, warning string) Report {
		report.Warnings = []string{"x.json: " + warning}
		return report
	}
	begun := func(n int) string {
		var all strings.Builder
		for i := range n {
			fmt.Fprintf(&all, `{"Action":"run","Package":"p","Test":"Test%d"}`+"\n", i)
		}
		return all.String()
	}
	expectRead(t, "x.json", map[string]reading{
		"whole":               {passed + over, one},
		"of others":           {`{"level":"info"}` + "\n", with(Report{}, "it is neither XML nor what go test -json prints")},
		"among others":        {passed + "go: downloading example.com/x v1.0.0\n\n" + over, one},
		"cut off":             {passed, with(one, "it is malformed after 1 test: unexpected EOF")},
		"cut off in a line":   {passed + `{"Action":"pa`, with(one, "after 1 test: a line is malformed: unexpected end of JSON input")},
		"other JSON":          {passed + `{"Action":7}` + "\n", with(one, "after 1 test: a line is malformed: json: cannot unmarshal number into Go struct field event.Action of type string")},
		"a long line":         {passed + `{"Action":"` + strings.Repeat("x", maxEvent) + `"}`, with(one, "after 1 test: a line is longer than 1 MiB")},
		"too many at once":    {passed + begun(maxOpen), with(one, "after 1 test: more than 10000 tests are in progress at once")},
		"a time before it":    {`{"Action":"pass","Package":"p","Test":"TestA","Elapsed":-1}`, Report{Tests: 1, Cases: []Case{{Suite: "p", Class: "p", Name: "TestA", State: Passed}}}},
		"an end of no test":   {passed + `{"Action":"cont","Package":"q","Test":"x"}` + "\n" + `{"Action":"skip","Package":"q"}` + "\n" + over, one},
		"a build of no one's": {`{"Action":"build-output","ImportPath":"q","Output":"# q\n"}` + "\n" + passed + over, one},
		"a build that two packages need": {
			`{"Action":"build-output","ImportPath":"q","Output":"q/a.go:1:1: no\n"}` + "\n" + `{"Action":"fail","Package":"a","FailedBuild":"q"}` + "\n" + `{"Action":"fail","Package":"b","FailedBuild":"q"}` + "\n",
			Report{Tests: 2, Failed: 2, Cases: []Case{
				{Suite: "a", Class: "a", Name: "(package)", State: Failed, Message: "q/a.go:1:1: no", Details: "q/a.go:1:1: no"},
				{Suite: "b", Class: "b", Name: "(package)", State: Failed, Message: "q/a.go:1:1: no", Details: "q/a.go:1:1: no"},
			}},
		},
		"names that terminals": {`{"Action":"skip","Package":"p","Test":"\u001b[2J"}`, Report{Tests: 1, Skipped: 1, Cases: []Case{{Suite: "p", Class: "p", Name: `\x1b[2J`, State: Skipped}}}},
		"again after it failed": {
			`{"Action":"fail","Package":"p","Test":"TestA"}` + "\n" + passed + over,
			Report{Tests: 1, Flaky: 1, Seconds: 0.5, Cases: []Case{{Suite: "p", Class: "p", Name: "TestA", State: Passed, Flaky: true, Retries: 1, Seconds: 0.5}}},
		},
	})
}

// TestEventsAreBounded: what tests print at once isn't held whole.
func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	line := strings.Repeat("x", 1<<10)
	for i := range 3 * MaxDetails >> 10 {
		fmt.Fprintf(&file, `{"Action":"output","Package":"p","Test":"Test%d","Output":%q}`+"\n", i%5000, line)
	}
	for i := range 5000 {
		fmt.Fprintf(&file, `{"Action":"fail","Package":"p","Test":"Test%d"}`+"\n", i)
	}
	var report Report
	report.Read("x.json", strings.NewReader(file.String()))
	held := 0
	for _, c := range report.Cases {
		held += c.details()
	}
	if want := []string{"x.json: what there is beyond 16 MiB of details was left out"}; !cmp.Equal(want, report.Warnings) || report.Failed != 5000 || held > MaxDetails {
		t.Errorf("%d failed, with %d bytes: %q", report.Failed, held, report.Warnings)
	}
}
