package main

import (
	"context"
	"slices"
)

// jobPair is a job with something that the store keeps, and the same without.
type jobPair struct {
	name, bare string
	// pipeline and job where it is; bare is a Pipeline with one job.
	pipeline, job string
}

func jobPairs() []jobPair {
	return []jobPair{
		{"small", "small-bare", "small", "job"},
		{"large", "large-bare", "large", "job"},
		{"fetch", "none", "large", "fetch"},
		{"miss", "large-bare", "miss", "job"},
		{"hit", "none", "hit", "job"},
	}
}

// jobRounds has each job done once in a round, in one order and then in the other.
func (b *bench) jobRounds(ctx context.Context, j *jobRuns) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := j.watch(ctx); err != nil {
		return err
	}
	// The caches that are found later.
	for _, pipeline := range []string{counted + "hit", "hit"} {
		if _, err := j.run(ctx, pipeline); err != nil {
			return err
		}
	}
	if err := b.jobRequests(ctx, j); err != nil {
		return err
	}
	all := map[string][]jobTook{}
	var loads []float64
	for round := range b.working.rounds {
		progress("jobs: round %d of %d", round+1, b.working.rounds)
		order := []string{"small-bare", "small", "large-bare", "large", "none", "hit", "miss"}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, pipeline := range order {
			took, err := j.run(ctx, pipeline)
			if err != nil {
				return err
			}
			loads = append(loads, took.load)
			for job, t := range took.jobs {
				all[key(pipeline, job)] = append(all[key(pipeline, job)], t)
			}
		}
	}
	b.spread(jobsScenario+"/load", loads, "load")
	for _, pair := range jobPairs() {
		b.jobPair(jobsScenario+"/"+pair.name, all[key(pair.pipeline, pair.job)], all[key(pair.bare, "job")])
	}
	return nil
}

// jobRequests prints how many requests a Run takes.
func (b *bench) jobRequests(ctx context.Context, j *jobRuns) error {
	progress("jobs: requests are counted")
	for _, pipeline := range []string{"none", "small", "large", "miss", "hit"} {
		took, err := j.run(ctx, counted+pipeline)
		if err != nil {
			return err
		}
		name := jobsScenario + "/" + pipeline + "/requests"
		b.line(name+"/of-kayci", took.kayci, "requests")
		b.line(name+"/of-the-store", took.store, "requests")
		b.line(name+"/to-the-store", took.asked, "requests")
	}
	return nil
}

// jobPair prints what the one has taken more than the other in the same round.
func (b *bench) jobPair(name string, with, bare []jobTook) {
	for _, part := range []struct {
		name string
		of   func(jobTook) float64
	}{
		{"added", jobTook.all},
		{"added/before", func(t jobTook) float64 { return t.before }},
		{"added/program", func(t jobTook) float64 { return t.program }},
		{"added/after", func(t jobTook) float64 { return t.after }},
	} {
		more := make([]float64, len(with))
		for i := range with {
			more[i] = part.of(with[i]) - part.of(bare[i])
		}
		b.spread(name+"/"+part.name, more, "s")
	}
	wall, times := make([]float64, len(with)), make([]float64, len(with))
	for i := range with {
		wall[i], times[i] = with[i].all(), with[i].all()/bare[i].all()
	}
	b.spread(name+"/wall", wall, "s")
	b.spread(name+"/ratio", times, "x")
}
