package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// decide runs the benchmark of the decision about one large Run.
func (b *bench) decide(ctx context.Context) error {
	progress("decide: 256 jobs, without and with 16 services")
	cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=^BenchmarkDecide$", "-benchmem", "./controllers/run/plan")
	cmd.Dir = b.source
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("run the benchmark of plan.Decide: %w\n%s", err, out)
	}
	results := benchmarks(string(out))
	if len(results) == 0 {
		return errors.New("the benchmark of plan.Decide printed no results:\n" + string(out))
	}
	for _, r := range results {
		b.line("decide/"+r.name, r.value, r.unit)
	}
	return nil
}

type benchmark struct {
	name  string
	value float64
	unit  string
}

// benchmarks reads what `go test -bench` prints: the name, how often it ran, and
// then each value before its unit.
func benchmarks(out string) []benchmark {
	var results []benchmark
	name := regexp.MustCompile(`^Benchmark[^/]+/(.+?)(-\d+)?$`)
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		match := name.FindStringSubmatch(fields[0])
		if match == nil {
			continue
		}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err == nil {
				unit := fields[i+1]
				results = append(results, benchmark{match[1] + "/" + strings.TrimSuffix(unit, "/op"), value, unit})
			}
		}
	}
	return results
}
