package draw_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/graph/draw"
	"github.com/kayci/kayci/api/v1alpha1"
)

// large are graphs of as many jobs as there may be.
func large() map[string][]v1alpha1.Job {
	random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // The same graph each time.
	var tangled, long, matrix []v1alpha1.Job
	for i := range 256 {
		job := v1alpha1.Job{Name: fmt.Sprintf("%c%c", 'a'+i%26, 'a'+i/26)}
		for range random.IntN(4) {
			if i > 0 {
				job.Needs = append(job.Needs, tangled[random.IntN(i)].Name)
			}
		}
		tangled = append(tangled, job)
	}
	for i := range 256 {
		job := v1alpha1.Job{Name: fmt.Sprintf("%c%c", 'a'+i%26, 'a'+i/26)}
		if i > 128 {
			job.Needs = []string{long[i-1].Name}
		}
		if i >= 192 {
			job.Needs = append(job.Needs, long[2*(i-192)].Name, long[2*(i-192)+1].Name)
		}
		long = append(long, job)
	}
	for i := range 256 {
		job := v1alpha1.Job{Name: fmt.Sprintf("%c%c", 'a'+i%26, 'a'+i/26)}
		if i >= 128 {
			for range 64 {
				job.Needs = append(job.Needs, matrix[random.IntN(128)].Name)
			}
		}
		matrix = append(matrix, job)
	}
	return map[string][]v1alpha1.Job{"tangled": tangled, "long": long, "matrix": matrix}
}

// TestLargeGraphs: each can be shown, in any way.
func TestLargeGraphs(t *testing.T) {
	t.Parallel()
	for name, all := range large() {
		l := graph.Arrange(all)
		svg, err := draw.SVG(l, nil, name)
		if err != nil {
			t.Fatal(err)
		}
		for how, text := range map[string]string{
			"text": draw.Text(l, nil, draw.Style{Width: 200}), "SVG": string(svg), "Mermaid": draw.Mermaid(l, nil), "dot": draw.Dot(l, nil, name),
		} {
			for i := range l.Boxes {
				if !strings.Contains(text, l.Boxes[i].Name) {
					t.Errorf("%s, as %s: box %s is missing", name, how, l.Boxes[i].Name)
				}
			}
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	for name, all := range large() {
		l := graph.Arrange(all)
		b.Run(name+"/arrange", func(b *testing.B) {
			for b.Loop() {
				graph.Arrange(all)
			}
		})
		b.Run(name+"/text", func(b *testing.B) {
			for b.Loop() {
				draw.Text(l, nil, draw.Style{})
			}
		})
		b.Run(name+"/svg", func(b *testing.B) {
			for b.Loop() {
				if _, err := draw.SVG(l, nil, name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
