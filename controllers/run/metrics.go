package run

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Metrics counts Runs.
type Metrics struct {
	finished *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// NewMetrics registers the metrics of Runs. It fails if they are registered
// already.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		finished: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kayci_runs_finished_total",
			Help: "Runs that have ended, by the phase they ended in.",
		}, []string{"namespace", "pipeline", "phase"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "kayci_run_duration_seconds",
			Help:    "Time from a Run's first Job to its end.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 14),
		}, []string{"namespace", "pipeline"}),
	}
	return m, errors.Join(registry.Register(m.finished), registry.Register(m.duration))
}

func (m *Metrics) observe(run *v1alpha1.Run) {
	if m == nil {
		return
	}
	m.finished.WithLabelValues(run.Namespace, run.Spec.Pipeline, string(run.Status.Phase)).Inc()
	if start, end := run.Status.StartTime, run.Status.CompletionTime; start != nil && end != nil {
		m.duration.WithLabelValues(run.Namespace, run.Spec.Pipeline).Observe(end.Sub(start.Time).Seconds())
	}
}
