package graph_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/graph"
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

// matrix is many jobs of one name that need the same.
func matrix(name, needs string, size int) []string {
	var lines []string
	for i := range size {
		lines = append(lines, fmt.Sprintf("%s-%d%s", name, i, needs))
	}
	return lines
}

// places writes each box as name@layer/row, and each edge as from>to with the rows that
// it passes.
func places(l graph.Layout) string {
	var text []string
	for i := range l.Boxes {
		box := &l.Boxes[i]
		text = append(text, fmt.Sprintf("%s@%d/%d", box.Name, box.Layer, box.Row))
	}
	for _, edge := range l.Edges {
		text = append(text, strings.TrimSuffix(fmt.Sprintf("%s>%s%v", l.Boxes[edge.From].Name, l.Boxes[edge.To].Name, edge.Via), "[]"))
	}
	return strings.Join(text, " ")
}

func TestArrange(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		jobs []string
		open []string
		want string
	}{
		"none":              {nil, nil, ""},
		"a line":            {[]string{"a", "b<a", "c<a,b"}, nil, "a@0/0 b@1/0 c@2/0 a>b b>c"},
		"needs of nothing":  {[]string{"a<a,b,ghost", "b<a"}, nil, "a@0/0 b@1/0 a>b"},
		"a long edge":       {[]string{"a", "b", "c<b", "d<a,c"}, nil, "a@0/0 b@0/1 c@1/1 d@2/0 a>d[0] b>c c>d"},
		"crossing is saved": {[]string{"a", "b", "c<b", "d<a"}, nil, "a@0/0 b@0/1 d@1/0 c@1/1 a>d b>c"},
		"finally":           {[]string{"a", "b<a", "c!", "d!<c"}, nil, "a@0/0 b@1/0 c@2/0 d@3/0 a>b c>d"},
		"a fold":            {append(append([]string{"a"}, matrix("test", "<a", 6)...), "z<test-0,test-1,test-2,test-3,test-4,test-5"), nil, "a@0/0 test-…@1/0 z@2/0 a>test-… test-…>z"},
		"a fold that is open": {
			append([]string{"a"}, matrix("test", "<a", 6)...),
			[]string{"test-3"},
			"a@0/2 test-0@1/0 test-1@1/1 test-2@1/2 test-3@1/3 test-4@1/4 test-5@1/5 a>test-0 a>test-1 a>test-2 a>test-3 a>test-4 a>test-5",
		},
		"too few to fold": {matrix("test", "", 5), nil, "test-0@0/0 test-1@0/1 test-2@0/2 test-3@0/3 test-4@0/4"},
	} {
		if diff := cmp.Diff(tt.want, places(graph.Arrange(jobs(tt.jobs...), tt.open...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	count := func(all []v1alpha1.Job) string {
		var text []string
		l := graph.Arrange(all)
		for i := range l.Boxes {
			text = append(text, fmt.Sprintf("%s:%d", l.Boxes[i].Name, len(l.Boxes[i].Jobs)))
		}
		return strings.Join(text, " ")
	}
	approved := jobs(matrix("test", "", 7)...)
	approved[0].Approval = &v1alpha1.JobApproval{}
	conditional := jobs(matrix("test", "", 6)...)
	conditional[5].If = "always()"
	var crowd []string
	for i := range 20 {
		crowd = append(crowd, fmt.Sprintf("%c-check", 'a'+i))
	}
	for name, tt := range map[string]struct {
		jobs []v1alpha1.Job
		want string
	}{
		"a job with an approval":        {approved, "test-0:1 test-…:6"},
		"a job with another condition":  {conditional, "test-0:1 test-1:1 test-2:1 test-3:1 test-4:1 test-5:1"},
		"names without a dash":          {jobs("unit1", "unit2", "unit3", "unit4", "unit5", "unit6"), "unit…:6"},
		"a longer common name":          {jobs("go-test-1", "go-test-2", "go-test-3", "go-test-40", "go-test-41", "go-test-42"), "go-test-…:6"},
		"two names":                     {jobs(append(matrix("test", "", 6), matrix("lint", "", 6)...)...), "test-…:6 lint-…:6"},
		"names of different kinds":      {jobs(crowd[:6]...), "a-check:1 b-check:1 c-check:1 d-check:1 e-check:1 f-check:1"},
		"a crowd of different kinds":    {jobs(crowd...), "…:20"},
		"alike, but for who needs them": {jobs(append(matrix("test", "", 6), "z<test-0")...), "test-0:1 test-1:1 test-2:1 test-3:1 test-4:1 test-5:1 z:1"},
	} {
		if diff := cmp.Diff(tt.want, count(tt.jobs)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestRandomGraphs checks of many graphs what holds for each.
func TestRandomGraphs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // The same graphs each time.
		all := randomJobs(random, 1+random.IntN(60))
		l := graph.Arrange(all)
		check(t, fmt.Sprintf("seed %d", seed), all, l)
		if diff := cmp.Diff(l, graph.Arrange(all)); diff != "" {
			t.Fatalf("seed %d is laid out in two ways:\n%s", seed, diff)
		}
	}
}

// TestLargeGraphs are as large as graphs may be.
func TestLargeGraphs(t *testing.T) {
	t.Parallel()
	for name, all := range large() {
		check(t, name, all, graph.Arrange(all))
	}
}

func BenchmarkArrange(b *testing.B) {
	for name, all := range large() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				graph.Arrange(all)
			}
		})
	}
}

// large are graphs of 256 jobs.
func large() map[string][]v1alpha1.Job {
	wide := jobs(append(append([]string{"first"}, matrix("test", "<first", 100)...), matrix("more", "<first", 154)...)...)
	wide = append(wide, v1alpha1.Job{Name: "last"})
	for i := range 64 {
		wide[255].Needs = append(wide[255].Needs, fmt.Sprintf("test-%d", i))
	}
	// Each of 128 jobs starts an edge that passes nearly all of 128 layers.
	long := jobs(matrix("root", "", 128)...)
	for i := range 128 {
		job := v1alpha1.Job{Name: fmt.Sprintf("link-%d", i)}
		if i > 0 {
			job.Needs = []string{fmt.Sprintf("link-%d", i-1)}
		}
		if i >= 64 {
			job.Needs = append(job.Needs, fmt.Sprintf("root-%d", 2*(i-64)), fmt.Sprintf("root-%d", 2*(i-64)+1))
		}
		long = append(long, job)
	}
	return map[string][]v1alpha1.Job{
		"wide": wide, "long": long,
		"random": randomJobs(rand.New(rand.NewPCG(1, 1)), 256), //nolint:gosec // The same graph each time.
	}
}

func randomJobs(random *rand.Rand, size int) []v1alpha1.Job {
	var all []v1alpha1.Job
	finally := size - random.IntN(1+size/4)
	for i := range size {
		job := v1alpha1.Job{Name: fmt.Sprintf("%c-%d", 'a'+random.IntN(5), i), Finally: i >= finally}
		for range random.IntN(4) {
			if i > 0 {
				job.Needs = append(job.Needs, all[random.IntN(i)].Name)
			}
		}
		all = append(all, job)
	}
	return all
}

func check(t *testing.T, name string, all []v1alpha1.Job, l graph.Layout) {
	t.Helper()
	box, at := map[string]int{}, map[string]bool{}
	for i := range l.Boxes {
		b := &l.Boxes[i]
		for _, job := range b.Jobs {
			if _, twice := box[job]; twice {
				t.Errorf("%s: %s is in two boxes", name, job)
			}
			box[job] = i
		}
		at[place(b.Layer, b.Row)] = true
		if b.Layer < 0 || b.Layer >= l.Layers || b.Row < 0 || b.Row >= l.Rows {
			t.Errorf("%s: box %s is outside: %+v", name, b.Name, b)
		}
	}
	if len(box) != len(all) || len(at) != len(l.Boxes) {
		t.Errorf("%s: %d of %d jobs have a box, %d boxes have %d places", name, len(box), len(all), len(l.Boxes), len(at))
	}
	for _, edge := range l.Edges {
		from, to := &l.Boxes[edge.From], &l.Boxes[edge.To]
		if len(edge.Via) != to.Layer-from.Layer-1 {
			t.Errorf("%s: the edge from %s to %s passes %d layers: %v", name, from.Name, to.Name, to.Layer-from.Layer-1, edge.Via)
		}
		for i, row := range edge.Via {
			if at[place(from.Layer+1+i, row)] {
				t.Errorf("%s: the edge from %s to %s goes through a box", name, from.Name, to.Name)
			}
		}
	}
	checkJobs(t, name, all, l, box)
}

func place(layer, row int) string { return fmt.Sprintf("%d/%d", layer, row) }

// checkJobs checks that each job comes after all that it needs, and that the edges lead
// there.
func checkJobs(t *testing.T, name string, all []v1alpha1.Job, l graph.Layout, box map[string]int) {
	t.Helper()
	ancestors := make([]map[int]bool, len(l.Boxes))
	for i := range l.Boxes {
		ancestors[i] = map[int]bool{}
		for _, edge := range l.Edges {
			if edge.To == i {
				ancestors[i][edge.From] = true
				maps.Copy(ancestors[i], ancestors[edge.From])
			}
		}
	}
	for i := range all {
		own := box[all[i].Name]
		if all[i].Finally != (l.Boxes[own].Layer >= l.Finally) {
			t.Errorf("%s: %s is in layer %d of %d, and the finally jobs from %d on", name, all[i].Name, l.Boxes[own].Layer, l.Layers, l.Finally)
		}
		for _, need := range graph.Ancestors(all, all[i].Name) {
			before := box[need]
			if l.Boxes[before].Layer >= l.Boxes[own].Layer {
				t.Errorf("%s: %s is in no later layer than %s, which it needs", name, all[i].Name, need)
			}
			apart := l.Boxes[before].Layer < l.Finally && l.Boxes[own].Layer >= l.Finally
			if !apart && !ancestors[own][before] {
				t.Errorf("%s: no way leads from %s to %s", name, need, all[i].Name)
			}
		}
	}
}
