package tests

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSummary(t *testing.T) {
	t.Parallel()
	cases := []Case{
		{Suite: "s", Class: "c", Name: "a", State: Failed, Message: "no", Details: "d", Output: "o"},
		{Name: "b", State: Failed},
		{Name: "c", State: Failed},
		{Name: "d", State: Passed},
	}
	report := Report{Tests: 5, Failed: 3, Skipped: 1, Flaky: 1, Seconds: 1.5, Cases: cases, Omitted: 1, Warnings: []string{"x.xml: no"}}
	want := Summary{Tests: 5, Failed: 3, Skipped: 1, Flaky: 1, Seconds: 1.5, Unread: 1}
	failures := []Failure{{ID: cases[0].ID(), Class: "c", Name: "a", Message: "no"}, {ID: cases[1].ID(), Name: "b"}, {ID: cases[2].ID(), Name: "c"}}
	for most, n := range map[int]int{-1: 0, 0: 0, 1: 1, 2: 2, 3: 3, 4: 3, 99: 3} {
		want.Failures = append([]Failure(nil), failures[:n]...)
		if diff := cmp.Diff(want, report.Summary(most)); diff != "" {
			t.Errorf("at most %d (-want +got):\n%s", most, diff)
		}
	}
}

// TestSummaryIsSmall: messages give way to names, the last ones first, and names to the
// limit.
func TestSummaryIsSmall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, message            string
		wantFailures, wantReason int
	}{
		{"a", "no", 10, 10},
		{strings.Repeat("a", 200), strings.Repeat("b", 2000), 10, 6},
		{strings.Repeat("<", 512), strings.Repeat("&", 2000), 2, 0},
	} {
		report := Report{Tests: 12, Failed: 12}
		for i := range 12 {
			report.Cases = append(report.Cases, Case{Name: fmt.Sprintf("%x%s", i, tt.name), State: Failed, Message: tt.message})
		}
		summary := report.Summary(99)
		text, err := json.Marshal(summary)
		if err != nil || len(text) > MaxSummary {
			t.Errorf("%d bytes: %v", len(text), err)
		}
		reasons := 0
		for i, failure := range summary.Failures {
			if failure.Message != "" {
				reasons = i + 1
			}
			if len(failure.Name) > maxShort || len(failure.Message) > maxReason || failure.ID != report.Cases[i].ID() {
				t.Errorf("failure %d: %+v", i, failure)
			}
		}
		if len(summary.Failures) != tt.wantFailures || reasons != tt.wantReason {
			t.Errorf("%d failures, %d with a message, want %d and %d", len(summary.Failures), reasons, tt.wantFailures, tt.wantReason)
		}
	}
}

func TestSummarySays(t *testing.T) {
	t.Parallel()
	failures := []Failure{{Name: "TestA"}, {ID: "0123456789abcdef", Class: "TestB"}, {Name: "TestC"}}
	for _, tt := range []struct {
		summary Summary
		want    string
	}{
		{Summary{}, "no tests"},
		{Summary{Unread: 1}, "0 tests passed; 1 file not read whole"},
		{Summary{Tests: 1}, "1 test passed"},
		{Summary{Tests: 1204, Skipped: 4, Flaky: 1, Unread: 2}, "1,200 tests passed; 4 skipped; 1 flaky; 2 files not read whole"},
		{Summary{Tests: 1, Failed: 1, Failures: failures[:1]}, "1 of 1 test failed: TestA"},
		{Summary{Tests: 12, Failed: 2, Failures: failures[:2]}, "2 of 12 tests failed: TestA and TestB"},
		{Summary{Tests: 1204, Failed: 3, Failures: failures}, "3 of 1,204 tests failed: TestA, TestB and 1 more"},
		{Summary{Tests: 1234567, Failed: 1001, Failures: failures[:1]}, "1,001 of 1,234,567 tests failed: TestA and 1,000 more"},
		{Summary{Tests: 2, Failed: 2}, "2 of 2 tests failed"},
		{Summary{Tests: 2, Failed: 1, Failures: []Failure{{Name: strings.Repeat("é", 99)}}}, "1 of 2 tests failed: " + strings.Repeat("é", 79) + "…"},
	} {
		if got := tt.summary.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
