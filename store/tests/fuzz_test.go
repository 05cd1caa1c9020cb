package tests

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// FuzzRead checks that whatever a file holds, a report is within its limits, in order,
// fit for eyes, the same each time, and whole when it is stored.
func FuzzRead(f *testing.F) {
	for _, path := range written(f) {
		file, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Add([]byte("\xff\xfe<\x00a\x00/\x00>\x00"))
	f.Add([]byte(`<?xml version='1.0' encoding='iso-8859-1'?><testsuite><testcase name="` + "\xe4" + `"><flakyError/></testcase></testsuite>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><testsuite name="&b;"/>`))
	f.Add([]byte("<testsuite><testcase name='\x1b[1m' time='1,234.5'><failure>\x1b]0;&#27;\r\u202e</failure><system-out><![CDATA[\x00]]]></system-out></testcase>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var report, slowly Report
		report.Read("x.xml", strings.NewReader(string(file)))
		slowly.Read("x.xml", iotest.OneByteReader(strings.NewReader(string(file))))
		if diff := cmp.Diff(report, slowly); diff != "" {
			t.Errorf("read byte by byte it differs (-at once +byte by byte):\n%s", diff)
		}
		check(t, &report)
		text, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		var stored Report
		if err := json.Unmarshal(text, &stored); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(report, stored); diff != "" {
			t.Errorf("stored it differs (-read +stored):\n%s", diff)
		}
		for _, trend := range Compare(&report, []*Report{&stored}) {
			if trend.New || trend.Failed != 1 || trend.Of != 1 {
				t.Errorf("compared with itself: %+v", trend)
			}
		}
	})
}

func check(t *testing.T, report *Report) {
	t.Helper()
	if len(report.Cases)+report.Omitted != report.Tests || report.Failed+report.Skipped+report.Flaky > report.Tests || report.Seconds < 0 {
		t.Errorf("the numbers aren't right: %+v", report)
	}
	if !slices.IsSortedFunc(report.Cases, order) {
		t.Errorf("cases are out of order: %+v", report.Cases)
	}
	states := map[State]int{}
	for _, c := range report.Cases {
		states[c.State]++
		for text, most := range map[string]int{c.Suite: maxName, c.Class: maxName, c.Name: maxName, c.File: maxName, c.Message: maxMessage} {
			checkText(t, text, most)
		}
		// A line says what was left out, and a part of a character may become another.
		for _, text := range []string{c.Details, c.Output} {
			checkText(t, strings.ReplaceAll(text, "\n", " "), maxText+64)
		}
	}
	if report.Omitted == 0 && (states[Failed] != report.Failed || states[Skipped] != report.Skipped) {
		t.Errorf("the numbers aren't those of the cases: %v and %+v", states, report)
	}
	for _, warning := range report.Warnings {
		checkText(t, warning, 2*maxMessage)
	}
	summary := report.Summary(MaxFailures)
	text, err := json.Marshal(summary)
	if err != nil || len(text) > MaxSummary {
		t.Errorf("the summary has %d bytes: %v", len(text), err)
	}
	checkText(t, summary.String(), maxMessage)
}

func checkText(t *testing.T, text string, most int) {
	t.Helper()
	if len(text) > most {
		t.Errorf("a text has %d bytes, more than %d: %q", len(text), most, text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Errorf("a text isn't fit for eyes: %q", text)
		}
	}
}
