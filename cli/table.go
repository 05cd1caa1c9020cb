package cli

import (
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/runs/view"
)

// table is rows of printable text below headings. A column that says nothing in any
// row is left out.
type table struct {
	headings []string
	rows     [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write writes the table, cut to a terminal's width; 0 is any.
func (t *table) write(out io.Writer, columns int) error {
	widths := make([]int, len(t.headings))
	for i := range t.headings {
		for _, row := range t.rows {
			widths[i] = max(widths[i], terminal.Width(row[i]))
		}
		if widths[i] > 0 {
			widths[i] = max(widths[i], terminal.Width(t.headings[i]))
		}
	}
	var text strings.Builder
	for _, row := range append([][]string{t.headings}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			if widths[i] > 0 {
				line.WriteString(terminal.Pad(cell, widths[i]) + "   ")
			}
		}
		shown := strings.TrimRight(line.String(), " ")
		if columns > 0 {
			shown = terminal.Cut(shown, columns)
		}
		text.WriteString(shown + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// print writes a table of Runs.
func (r *runsCommand) print(runs []v1alpha1.Run, wide bool) error {
	columns := 0
	if r.Terminal.Out && !wide {
		columns, _ = r.Terminal.Size()
	}
	return r.table(runs, wide).write(r.Out, columns)
}

func (r *runsCommand) table(runs []v1alpha1.Run, wide bool) *table {
	list := &table{headings: []string{"NAMESPACE", "RUN", "PHASE", "JOBS", "REF", "SHA", "AGE", "TOOK", "WHY"}}
	if wide {
		list.headings = append(list.headings, "NAME", "BY", "EVENT", "RETRY OF", "TITLE")
	}
	now := r.Now()
	for i := range runs {
		seen := view.Of(view.Facts{Run: &runs[i], Now: now})
		namespace := ""
		if r.allNamespaces {
			namespace = seen.Namespace
		}
		cells := []string{
			namespace, seen.Address, r.Terminal.State(seen.State.Class(), seen.State.Symbol(), seen.State.Word()), seen.Count(),
			seen.Origin.Ref, seen.Origin.SHA[:min(len(seen.Origin.SHA), 7)], since(seen.Created, now), length(seen.Took), seen.Why,
		}
		if wide {
			cells = append(cells, seen.Name, seen.Origin.By, seen.Origin.Event, seen.RetryOf, seen.Origin.Title)
		}
		list.add(cells...)
	}
	return list
}

// since is how long ago something was, in a word.
func since(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return duration.HumanDuration(max(0, now.Sub(at)))
}

// length of what has begun.
func length(took time.Duration) string {
	if took <= 0 {
		return ""
	}
	return duration.HumanDuration(took)
}
