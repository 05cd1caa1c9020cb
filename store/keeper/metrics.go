package keeper

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kayci/kayci/store/logs"
)

// Metrics count what is kept.
type Metrics struct {
	followed, awaited prometheus.Gauge
	lines, bytes      prometheus.Counter
	ended             *prometheus.CounterVec
	failures          prometheus.Counter
	records           *prometheus.CounterVec
	removed           prometheus.Counter
}

// NewMetrics returns metrics that are registered.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &Metrics{
		followed: gauge("kayci_store_logs_followed", "Logs that are being followed."),
		awaited:  gauge("kayci_store_logs_awaiting_turn", "Logs that wait, since as many are followed as may be at once."),
		lines:    counter("kayci_store_log_lines_total", "Lines of the logs that have ended."),
		bytes:    counter("kayci_store_log_bytes_total", "Bytes of the logs that have ended, uncompressed."),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kayci_store_logs_total", Help: "Logs that have ended, by whether nothing is known to be missing.",
		}, []string{"whole"}),
		failures: counter("kayci_store_log_failures_total", "Attempts to keep a log that failed and are repeated."),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kayci_store_records_total", Help: "Attempts to store the record of a Run, by result.",
		}, []string{"result"}),
		removed: counter("kayci_store_runs_removed_total", "Runs that the store's retention has removed."),
	}
	for _, c := range []prometheus.Collector{m.followed, m.awaited, m.lines, m.bytes, m.ended, m.failures, m.records, m.removed} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics of the store: %w", err)
		}
	}
	return m, nil
}

func (m *Metrics) kept(end *logs.End) {
	m.lines.Add(float64(end.Lines))
	m.bytes.Add(float64(end.Bytes))
	whole := "true"
	if !end.Whole() {
		whole = "false"
	}
	m.ended.WithLabelValues(whole).Inc()
}
