package draw_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/graph/draw"
	"github.com/kayci/kayci/api/v1alpha1"
)

// jobs reads a graph: "build<lint,test" needs lint and test, "report!" is a finally job.
func jobs(lines ...string) []v1alpha1.Job {
	var all []v1alpha1.Job
	for _, line := range lines {
		name, needs, found := strings.Cut(line, "<")
		job := v1alpha1.Job{Name: strings.TrimSuffix(name, "!"), Finally: strings.HasSuffix(name, "!")}
		if found {
			job.Needs = strings.Split(needs, ",")
		}
		all = append(all, job)
	}
	return all
}

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }

func TestText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		jobs  []string
		style draw.Style
		want  string
	}{
		"nothing":          {want: ""},
		"one":              {[]string{"a"}, draw.Style{}, "[a]\n"},
		"a line":           {[]string{"a", "b<a", "c<b"}, draw.Style{}, "[a]──[b]──[c]\n"},
		"of equal targets": {[]string{"a", "b", "c<a,b", "d<a,b"}, draw.Style{}, lines("[a]─┐", "[b]─┼─[c]", "    └─[d]")},
		"of some in common": {[]string{"a", "b", "c", "x<a,b", "y<b,c"}, draw.Style{}, lines(
			"[a]─────┐",
			"[b]───┐ └─[x]",
			"      ├───[ ]",
			"[c]─┐ └───[y]",
			"    └─────[ ]",
		)},
		"that cross": {[]string{"a", "b", "c", "x<a,b", "y<b,c", "z<a,c"}, draw.Style{}, lines(
			"[a]─────┬─[x]",
			"      ┌─│─[ ]",
			"[b]───┤ └─[z]",
			"    ┌─│───[ ]",
			"[c]─┤ └───[y]",
			"    └─────[ ]",
		)},
		"in ASCII": {[]string{"a", "b", "c", "x<a,b", "y<b,c", "z<a,c"}, draw.Style{ASCII: true}, lines(
			"[a]-----+-[x]",
			"      +-|-[ ]",
			"[b]---+ +-[z]",
			"    +-|---[ ]",
			"[c]-+ +---[y]",
			"    +-----[ ]",
		)},
		"names that are cut": {[]string{"a-job-with-a-long-name", "another-long-name<a-job-with-a-long-name"}, draw.Style{Width: 40}, "[a-job-wi…ng-name]──[another-…ng-name]\n"},
		"names that are cut more": {
			[]string{"a-job-with-a-long-name", "another-long-name<a-job-with-a-long-name"},
			draw.Style{Width: 30, ASCII: true},
			"[a-job-~-name]--[anothe~-name]\n",
		},
		"too narrow":            {[]string{"a", "b<a", "c<b"}, draw.Style{Width: 9}, lines("a", "b, needs…", "c, needs…")},
		"too narrow for a name": {[]string{"a-job-with-a-long-name"}, draw.Style{Width: 5}, "a-jo…\n"},
	} {
		got := draw.Text(graph.Arrange(jobs(tt.jobs...)), nil, tt.style)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestLinesLeadWhereTheyShould follows the lines of random drawings by eye: to the right,
// up and down, and straight over others. They lead to the jobs that need the one that
// they begin at, and to no others.
func TestLinesLeadWhereTheyShould(t *testing.T) {
	t.Parallel()
	drawn := 0
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // The same graphs each time.
		var all []v1alpha1.Job
		for i := range 1 + random.IntN(24) {
			job := v1alpha1.Job{Name: fmt.Sprintf("%c%c", 'a'+i%26, 'a'+i/26)}
			for range random.IntN(4) {
				if i > 0 {
					job.Needs = append(job.Needs, all[random.IntN(i)].Name)
				}
			}
			all = append(all, job)
		}
		l := graph.Arrange(all)
		text := draw.Text(l, nil, draw.Style{})
		if !strings.HasPrefix(text, "[") && !strings.HasPrefix(text, " ") {
			continue
		}
		drawn++
		want, got := map[string][]string{}, map[string][]string{}
		for _, edge := range l.Edges {
			from := l.Boxes[edge.From].Name
			want[from] = append(want[from], l.Boxes[edge.To].Name)
		}
		for _, job := range all {
			slices.Sort(want[job.Name])
			if reached := newReader(text).from(job.Name); len(reached) > 0 {
				got[job.Name] = reached
			}
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s\n%s", seed, diff, text)
		}
	}
	if drawn < 350 {
		t.Errorf("only %d of 400 graphs were drawn", drawn)
	}
}

// reader looks at a drawing.
type reader struct {
	lines   [][]rune
	seen    map[[3]int]bool
	reached map[string]bool
}

func newReader(text string) *reader {
	r := &reader{seen: map[[3]int]bool{}, reached: map[string]bool{}}
	for line := range strings.Lines(text) {
		r.lines = append(r.lines, []rune(strings.TrimSuffix(line, "\n")))
	}
	return r
}

// from names the boxes that the lines of a box lead to.
func (r *reader) from(name string) []string {
	for y, line := range r.lines {
		if x := strings.Index(string(line), "["+name+"]"); x >= 0 {
			r.follow(len([]rune(string(line)[:x]))+len(name)+2, y, 1, 0)
		}
	}
	return slices.Sorted(maps.Keys(r.reached))
}

func (r *reader) at(x, y int) rune {
	if y < 0 || y >= len(r.lines) || x < 0 || x >= len(r.lines[y]) {
		return ' '
	}
	return r.lines[y][x]
}

func (r *reader) follow(x, y, dx, dy int) {
	key := [3]int{x, y, dx + 3*dy}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	switch char := r.at(x, y); {
	case char == '[':
		for r.at(x+1, y) == ' ' {
			y--
		}
		r.reached[string(r.lines[y][x+1:x+3])] = true
	case char == '─' && dy == 0, char == '│':
		r.follow(x+dx, y+dy, dx, dy)
	default:
		if strings.ContainsRune("├┌└┬┴┼", char) {
			r.follow(x+1, y, 1, 0)
		}
		if strings.ContainsRune("├┤┘└┴┼", char) && dy != 1 {
			r.follow(x, y-1, 0, -1)
		}
		if strings.ContainsRune("├┤┐┌┬┼", char) && dy != -1 {
			r.follow(x, y+1, 0, 1)
		}
	}
}
