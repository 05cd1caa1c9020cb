package tests

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	states := map[rune]Case{
		'F': {Name: "a", State: Failed},
		'P': {Name: "a", State: Passed},
		'S': {Name: "a", State: Skipped},
		'~': {Name: "a", State: Passed, Flaky: true},
		'-': {Name: "b", State: Failed},
	}
	for earlier, want := range map[string]Trend{
		"":      {New: true},
		"---":   {New: true},
		"S-S":   {New: true},
		"P":     {New: true, Of: 1},
		"PPPP":  {New: true, Of: 4},
		"S-PP":  {New: true, Of: 2},
		"F":     {Failed: 1, Of: 1},
		"FFF":   {Failed: 3, Of: 3},
		"FFP":   {Failed: 2, Of: 3},
		"-SFP":  {Failed: 1, Of: 2},
		"PF":    {New: true, Failed: 1, Of: 2, Flaky: true},
		"PSF":   {New: true, Failed: 1, Of: 2, Flaky: true},
		"FPF":   {Failed: 2, Of: 3, Flaky: true},
		"FPPFP": {Failed: 2, Of: 5, Flaky: true},
		"P~":    {New: true, Of: 2, Flaky: true},
		"F~":    {Failed: 1, Of: 2, Flaky: true},
		// What is older than the 20 newest isn't looked at.
		"FFFFFFFFFFFFFFFFFFFFPF": {Failed: 20, Of: 20},
	} {
		var reports []*Report
		for _, state := range earlier {
			reports = append(reports, &Report{Cases: []Case{states[state]}})
		}
		want.ID, want.Name = states['F'].ID(), "a"
		got := Compare(&Report{Cases: []Case{states['F'], states['P']}}, reports)
		if diff := cmp.Diff([]Trend{want}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", earlier, diff)
		}
	}
}

// TestCompareReports compares reports in which cases come from several files.
func TestCompareReports(t *testing.T) {
	t.Parallel()
	now := &Report{Cases: []Case{
		{Suite: "s", Class: "c", Name: "a", State: Failed},
		{Suite: "s", Class: "c", Name: "a", State: Failed, File: "other"},
		{Suite: "s", Name: "a", State: Failed},
		{Name: "passed", State: Passed},
	}}
	earlier := []*Report{{Cases: []Case{
		{Suite: "s", Class: "c", Name: "a", State: Failed},
		{Suite: "s", Class: "c", Name: "a", State: Passed, File: "other"},
		{Suite: "s", Name: "a", State: Passed},
		{Name: "a", State: Failed},
		{Name: "passed", State: Failed},
	}}}
	want := []Trend{
		{ID: now.Cases[0].ID(), Suite: "s", Class: "c", Name: "a", Failed: 1, Of: 1},
		{ID: now.Cases[2].ID(), Suite: "s", Name: "a", New: true, Of: 1},
	}
	if diff := cmp.Diff(want, Compare(now, earlier)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
