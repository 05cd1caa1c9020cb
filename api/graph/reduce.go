package graph

import "github.com/kayci/kayci/api/v1alpha1"

// set holds small numbers, a bit each.
type set []uint64

func newSet(size int) set { return make(set, (size+63)/64) }

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) join(other set) {
	for i := range s {
		s[i] |= other[i]
	}
}

// reduce returns which jobs each one needs, by index and in their order, without those
// that it needs by way of others.
func reduce(jobs []v1alpha1.Job) [][]int {
	index := make(map[string]int, len(jobs))
	needs := make([][]int, len(jobs))
	ancestors := make([]set, len(jobs))
	for i := range jobs {
		direct, indirect := newSet(len(jobs)), newSet(len(jobs))
		for _, name := range jobs[i].Needs {
			if need, known := index[name]; known && jobs[need].Finally == jobs[i].Finally {
				direct.add(need)
				indirect.join(ancestors[need])
			}
		}
		for need := range i {
			if direct.has(need) && !indirect.has(need) {
				needs[i] = append(needs[i], need)
			}
		}
		indirect.join(direct)
		ancestors[i] = indirect
		if _, taken := index[jobs[i].Name]; !taken {
			index[jobs[i].Name] = i
		}
	}
	return needs
}
