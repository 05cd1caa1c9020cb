package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// minFold is how many alike jobs with a common name are one box: a screen shows
	// fewer with ease.
	minFold = 6
	// minCrowd is how many alike jobs are one box whatever their names: they would fill
	// a screen.
	minCrowd = 20
)

// fold puts the jobs into boxes, and returns of each box which ones it needs.
func fold(jobs []v1alpha1.Job, needs [][]int, open []string) ([]Box, [][]int) {
	lead := leads(jobs, needs, open)
	boxOf := make([]int, len(jobs))
	var boxes []Box
	var between [][]int
	for i := range jobs {
		if lead[i] != i {
			boxOf[i] = boxOf[lead[i]]
			boxes[boxOf[i]].Jobs = append(boxes[boxOf[i]].Jobs, jobs[i].Name)
			continue
		}
		boxOf[i] = len(boxes)
		boxes = append(boxes, Box{Name: jobs[i].Name, Jobs: []string{jobs[i].Name}})
		between = append(between, across(needs[i], boxOf))
	}
	for i := range boxes {
		if boxes[i].Folded() {
			boxes[i].Name = common(boxes[i].Jobs)
		}
	}
	return boxes, between
}

// leads returns for each job the first one of its box. A job with an approval has a box
// of its own: somebody is to find it.
func leads(jobs []v1alpha1.Job, needs [][]int, open []string) []int {
	lead := make([]int, len(jobs))
	namesakes, alike := map[string][]int{}, map[string][]int{}
	dependents := reverse(needs)
	likeness := func(i int) string {
		// A job with another condition may meet another fate, and one whose failure is
		// allowed means something else when it is red.
		job := &jobs[i]
		return fmt.Sprintf("%v %v %t %t %q ", needs[i], dependents[i], job.Finally, job.AllowFailure, job.If)
	}
	for i := range jobs {
		if lead[i] = i; jobs[i].Approval == nil {
			key := likeness(i) + stem(jobs[i].Name)
			namesakes[key] = append(namesakes[key], i)
		}
	}
	join := func(group []int) {
		if !slices.ContainsFunc(group, func(i int) bool { return slices.Contains(open, jobs[i].Name) }) {
			for _, i := range group {
				lead[i] = group[0]
			}
		}
	}
	for _, group := range namesakes {
		if len(group) >= minFold {
			join(group)
			continue
		}
		key := likeness(group[0])
		alike[key] = append(alike[key], group...)
	}
	for _, group := range alike {
		if len(group) >= minCrowd {
			slices.Sort(group)
			join(group)
		}
	}
	return lead
}

// stem is what the names of a matrix have in common: test of test-go126-arm64, and unit
// of unit12.
func stem(name string) string {
	if stem, _, found := strings.Cut(name, "-"); found {
		return stem
	}
	return strings.TrimRight(name, "0123456789")
}

// common names several jobs: what they all begin with, up to a dash.
func common(names []string) string {
	prefix := names[0]
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	if dash := strings.LastIndexByte(prefix, '-'); dash >= 0 {
		prefix = prefix[:dash+1]
	} else {
		prefix = strings.TrimRight(prefix, "0123456789")
	}
	return prefix + "…"
}

// reverse turns the edges around.
func reverse(needs [][]int) [][]int {
	dependents := make([][]int, len(needs))
	for i := range needs {
		for _, need := range needs[i] {
			dependents[need] = append(dependents[need], i)
		}
	}
	return dependents
}

// across names boxes instead of the jobs in them, each once.
func across(needs, boxOf []int) []int {
	var boxes []int
	for _, need := range needs {
		boxes = append(boxes, boxOf[need])
	}
	slices.Sort(boxes)
	return slices.Compact(boxes)
}
