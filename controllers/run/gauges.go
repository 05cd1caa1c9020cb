package run

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// gather bounds a look at the cache.
const gather = 5 * time.Second

// Gauges tells of the Runs that have not ended, as the cache has them when
// somebody asks: nothing is kept, so nothing is left of what is gone.
type Gauges struct {
	// Client reads from the cache.
	Client client.Reader
	// Elected is closed when this replica leads. Others, which run nothing, say
	// nothing.
	Elected <-chan struct{}

	reasons reasons
}

//nolint:gochecknoglobals // Constant: what Prometheus's library has no other form for.
var (
	activeRunsDesc = prometheus.NewDesc("kayci_runs",
		"Runs that have not ended, by phase.", []string{namespaceLabel, pipelineLabel, phaseLabel}, nil)
	activeJobsDesc = prometheus.NewDesc("kayci_jobs",
		"Jobs of those Runs that have not ended, by phase and by what keeps them from going on.",
		[]string{namespaceLabel, pipelineLabel, phaseLabel, reasonLabel}, nil)
)

// Describe implements prometheus.Collector.
func (g *Gauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- activeRunsDesc
	ch <- activeJobsDesc
}

// Collect implements prometheus.Collector.
func (g *Gauges) Collect(ch chan<- prometheus.Metric) {
	select {
	case <-g.Elected:
	default:
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), gather)
	defer cancel()
	var list v1alpha1.RunList
	if err := g.Client.List(ctx, &list, activeRuns("", client.UnsafeDisableDeepCopy)...); err != nil {
		ch <- prometheus.NewInvalidMetric(activeRunsDesc, err)
		return
	}
	runs, jobs := g.count(list.Items)
	for key, n := range runs {
		ch <- prometheus.MustNewConstMetric(activeRunsDesc, prometheus.GaugeValue, n, key.namespace, key.pipeline, key.phase)
	}
	for key, n := range jobs {
		ch <- prometheus.MustNewConstMetric(activeJobsDesc, prometheus.GaugeValue, n, key.namespace, key.pipeline, key.phase, key.reason)
	}
}

// series are the values of a metric's labels.
type series struct {
	namespace, pipeline, phase, reason string
}

func (g *Gauges) count(list []v1alpha1.Run) (runs, jobs map[series]float64) {
	runs, jobs = map[series]float64{}, map[series]float64{}
	for i := range list {
		run := &list[i]
		of := series{namespace: run.Namespace, pipeline: run.Spec.Pipeline}
		of.phase = string(cmp.Or(run.Status.Phase, v1alpha1.RunQueued))
		runs[of]++
		for k := range run.Status.Jobs {
			s := &run.Status.Jobs[k]
			if !s.Phase.Finished() {
				of.phase, of.reason = string(s.Phase), g.reasons.bounded(s.Reason)
				jobs[of]++
			}
		}
	}
	return runs, jobs
}
