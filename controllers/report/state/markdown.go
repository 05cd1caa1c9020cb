package state

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/run/evidence"
)

const (
	// maxSummary and maxText bound a check's Markdown, in bytes.
	maxSummary = 20_000
	maxText    = githost.MaxText - maxSummary
	// maxReason bounds what the table says of a job, in characters.
	maxReason = 200
	// maxNote bounds the line that stands for rows or lines that are left out.
	maxNote = 100
)

// Summary is what a check says of the Run: a table of its jobs, first those that have
// failed. It tells nothing that changes by itself, as how long something runs.
func Summary(run *v1alpha1.Run) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Run %s of Pipeline %s", escape(run.Name), escape(run.Spec.Pipeline))
	if run.Status.Number > 0 {
		fmt.Fprintf(&text, ", number %d", run.Status.Number)
	}
	text.WriteString("\n")
	jobs := ranked(run)
	if len(jobs) > 0 {
		text.WriteString("\n| Job | Phase | Duration | Reason |\n|---|---|---:|---|\n")
	}
	for i := range jobs {
		row := rowOf(&jobs[i])
		if text.Len()+len(row) > maxSummary-maxNote {
			fmt.Fprintf(&text, "\n%d jobs more\n", len(jobs)-i)
			break
		}
		text.WriteString(row)
	}
	return text.String()
}

// Failed are the jobs of the Run that have failed, first those whose failure counts.
func Failed(run *v1alpha1.Run) []v1alpha1.JobStatus {
	jobs := ranked(run)
	others := slices.IndexFunc(jobs, func(job v1alpha1.JobStatus) bool { return rank(&job) == notFailed })
	if others < 0 {
		return jobs
	}
	return jobs[:others]
}

// ranked are the jobs of the Run as the table has them.
func ranked(run *v1alpha1.Run) []v1alpha1.JobStatus {
	jobs := slices.Clone(run.Status.Jobs)
	slices.SortStableFunc(jobs, func(a, b v1alpha1.JobStatus) int { return cmp.Compare(rank(&a), rank(&b)) })
	return jobs
}

// notFailed is the last rank.
const notFailed = 2

// rank is where a job stands in the table: what has failed first.
func rank(job *v1alpha1.JobStatus) int {
	switch {
	case job.HasFailed():
		return 0
	case job.Phase == v1alpha1.JobFailed:
		return 1
	default:
		return notFailed
	}
}

func rowOf(job *v1alpha1.JobStatus) string {
	phase, reason := string(job.Phase), strings.TrimPrefix(job.Reason+": "+job.Message, ": ")
	if tests := evidence.FailedTests(job.Tests); tests != "" && job.Reason == v1alpha1.ReasonError {
		reason = tests
	} else if tests != "" && job.Phase == v1alpha1.JobFailed {
		reason = printable.Cut(reason, maxReason/2) + "; " + tests
	}
	if job.FailureAllowed {
		phase += ", allowed"
	}
	if job.ReusedFrom != "" {
		reason = "in Run " + job.ReusedFrom
	}
	reason = printable.Cut(printable.Text(strings.Join(strings.Fields(strings.TrimSuffix(reason, ": ")), " ")), maxReason)
	return fmt.Sprintf("| %s | %s | %s | %s |\n", escape(job.Name), escape(phase), duration(job), escape(reason))
}

// duration of a job that has ended.
func duration(job *v1alpha1.JobStatus) string {
	if job.StartTime == nil || job.CompletionTime == nil {
		return ""
	}
	return printable.Duration(job.CompletionTime.Sub(job.StartTime.Time).Round(time.Second))
}

// escape has Markdown show a text as it is: what isn't plain is a reference to the
// character. GitHub looks for mentions and issues in what comes of that, too, and finds
// none behind a character that nobody sees.
func escape(text string) string {
	var shown strings.Builder
	last := ' '
	for _, r := range text {
		switch {
		case r == '#', r == '@' && !alphanumeric(last):
			fmt.Fprintf(&shown, "&#%d;&#8203;", r)
		case r < 0x80 && !plain(r):
			fmt.Fprintf(&shown, "&#%d;", r)
		default:
			shown.WriteRune(r)
		}
		last = r
	}
	return shown.String()
}

func plain(r rune) bool { return alphanumeric(r) || strings.ContainsRune(" -,;()", r) }

func alphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
