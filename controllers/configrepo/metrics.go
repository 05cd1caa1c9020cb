package configrepo

import (
	"errors"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/apply"
)

// Metrics tell how fresh namespaces are, and what syncs do to objects. Methods of
// nil do nothing, for a reconciler without a manager.
type Metrics struct {
	readiness, lastSync *prometheus.GaugeVec
	objects             *prometheus.CounterVec
}

// NewMetrics registers the metrics of ConfigRepos. It fails if they are
// registered already.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	of := []string{"namespace", "name"}
	m := &Metrics{
		readiness: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kayci_configrepo_ready",
			Help: "1 if the ConfigRepo's condition Ready is True, 0 if not.",
		}, of),
		lastSync: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kayci_configrepo_last_sync_timestamp_seconds",
			Help: "When the namespace was last known to be as the newest commit says.",
		}, of),
		objects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kayci_configrepo_objects_total",
			Help: "Pipelines and Triggers that syncs have created, changed or pruned.",
		}, []string{"action"}),
	}
	return m, errors.Join(registry.Register(m.readiness), registry.Register(m.lastSync), registry.Register(m.objects))
}

func (m *Metrics) ready(repo *v1alpha1.ConfigRepo) {
	if m == nil {
		return
	}
	value := 0.0
	if conditions.IsTrue(repo, meta.ReadyCondition) {
		value = 1
	}
	m.readiness.WithLabelValues(repo.Namespace, repo.Name).Set(value)
}

func (m *Metrics) synced(repo *v1alpha1.ConfigRepo, at time.Time) {
	if m != nil {
		m.lastSync.WithLabelValues(repo.Namespace, repo.Name).Set(float64(at.Unix()))
	}
}

func (m *Metrics) applied(done apply.Result) {
	if m == nil {
		return
	}
	m.objects.WithLabelValues("created").Add(float64(done.Created))
	m.objects.WithLabelValues("changed").Add(float64(done.Changed))
	m.objects.WithLabelValues("pruned").Add(float64(done.Pruned))
}

func (m *Metrics) forget(repo types.NamespacedName) {
	if m != nil {
		m.readiness.DeleteLabelValues(repo.Namespace, repo.Name)
		m.lastSync.DeleteLabelValues(repo.Namespace, repo.Name)
	}
}
