package main

import (
	"fmt"
	"slices"
	"time"
)

// percentile returns the value that so many percent of the sorted ones don't exceed.
func percentile[T any](sorted []T, percent int) T {
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

// spread prints the quarters of many values, and the ends.
func (r *report) spread(name string, values []float64, unit string) {
	if len(values) == 0 {
		return
	}
	values = slices.Sorted(slices.Values(values))
	for _, percent := range []int{0, 25, 50, 75, 95, 100} {
		r.line(fmt.Sprintf("%s/p%d", name, percent), percentile(values, percent), unit)
	}
}

// delays prints how long something took, in milliseconds.
func (r *report) delays(name string, all []time.Duration) {
	values := make([]float64, len(all))
	for i, d := range all {
		values[i] = milliseconds(d)
	}
	r.spread(name, values, "ms")
}
