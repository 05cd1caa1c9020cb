package run

import (
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// maxReasons bounds the values of the label reason. KayCI's own reasons are
// fewer; what kubelets and runtimes say beyond them is counted as other.
const (
	maxReasons  = 100
	otherReason = "Other"
)

// Labels of the metrics of Runs.
const (
	namespaceLabel = "namespace"
	pipelineLabel  = "pipeline"
	phaseLabel     = "phase"
	reasonLabel    = "reason"
)

// Metrics counts what becomes of Runs and their jobs. What they are now is told
// by Gauges.
type Metrics struct {
	finished, jobs                   *prometheus.CounterVec
	jobSeconds, retries, disruptions *prometheus.CounterVec
	duration, queued                 *prometheus.HistogramVec
	reasons                          reasons
}

// NewMetrics registers the metrics of Runs. It fails if they are registered
// already.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	of := []string{namespaceLabel, pipelineLabel}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append(of, labels...))
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(1, 2, 14),
		}, of)
	}
	m := &Metrics{
		finished: counter("kayci_runs_finished_total",
			"Runs that have ended, by the phase they ended in and the reason.", phaseLabel, reasonLabel),
		jobs: counter("kayci_jobs_finished_total",
			"Jobs of Runs that have ended, by the phase they ended in and the reason.", phaseLabel, reasonLabel),
		jobSeconds: counter("kayci_job_seconds_total",
			"Time from when jobs were due to their end, in seconds."),
		retries: counter("kayci_job_retries_total",
			"Pods of jobs that have replaced one whose program failed."),
		disruptions: counter("kayci_job_disruptions_total",
			"Pods of jobs that were evicted, preempted or lost with their node."),
		duration: histogram("kayci_run_duration_seconds", "Time from a Run's first Job to its end."),
		queued:   histogram("kayci_run_queue_seconds", "Time from a Run's creation to its first Job."),
	}
	return m, errors.Join(registry.Register(m.finished), registry.Register(m.jobs), registry.Register(m.jobSeconds),
		registry.Register(m.retries), registry.Register(m.disruptions), registry.Register(m.duration), registry.Register(m.queued))
}

// observe does nothing on nil, for a reconciler without a manager.
func (m *Metrics) observe(run *v1alpha1.Run, n *news) {
	if m == nil {
		return
	}
	namespace, pipeline := run.Namespace, run.Spec.Pipeline
	status := &run.Status
	if n.started {
		m.queued.WithLabelValues(namespace, pipeline).Observe(status.StartTime.Sub(run.CreationTimestamp.Time).Seconds())
	}
	for i := range n.jobs {
		s := &n.jobs[i]
		m.jobs.WithLabelValues(namespace, pipeline, string(s.Phase), m.reasons.bounded(s.Reason)).Inc()
		if s.QueuedTime != nil && s.CompletionTime != nil {
			m.jobSeconds.WithLabelValues(namespace, pipeline).Add(max(s.CompletionTime.Sub(s.QueuedTime.Time).Seconds(), 0))
		}
	}
	m.retries.WithLabelValues(namespace, pipeline).Add(float64(n.retries))
	m.disruptions.WithLabelValues(namespace, pipeline).Add(float64(n.disruptions))
	if !n.ended {
		return
	}
	m.finished.WithLabelValues(namespace, pipeline, string(status.Phase), m.reasons.bounded(verdict(run).Reason)).Inc()
	if start, end := status.StartTime, status.CompletionTime; start != nil && end != nil {
		m.duration.WithLabelValues(namespace, pipeline).Observe(end.Sub(start.Time).Seconds())
	}
}

// Forget drops the series of a Pipeline that is gone.
func (m *Metrics) Forget(pipeline types.NamespacedName) {
	if m == nil {
		return
	}
	of := prometheus.Labels{namespaceLabel: pipeline.Namespace, pipelineLabel: pipeline.Name}
	for _, counter := range []*prometheus.CounterVec{m.finished, m.jobs, m.jobSeconds, m.retries, m.disruptions} {
		counter.DeletePartialMatch(of)
	}
	m.duration.DeletePartialMatch(of)
	m.queued.DeletePartialMatch(of)
}

// reasons are those that have been met. Pods' reasons are whatever a kubelet or
// a runtime says.
type reasons struct {
	mu  sync.Mutex
	met map[string]bool
}

func (r *reasons) bounded(reason string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.met[reason] {
		return reason
	}
	if len(r.met) >= maxReasons {
		return otherReason
	}
	if r.met == nil {
		r.met = map[string]bool{}
	}
	r.met[reason] = true
	return reason
}
