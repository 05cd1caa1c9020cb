package configrepo

import (
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestMetricsGoWithTheConfigRepo(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m, err := NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	repo := &v1alpha1.ConfigRepo{}
	repo.Namespace, repo.Name = "ci", "pipelines"
	m.ready(repo)
	conditions.MarkTrue(repo, meta.ReadyCondition, v1alpha1.ReasonSucceeded, "applied")
	m.ready(repo)
	m.synced(repo, time.Unix(1700000000, 5))
	if err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP kayci_configrepo_last_sync_timestamp_seconds When the namespace was last known to be as the newest commit says.
# TYPE kayci_configrepo_last_sync_timestamp_seconds gauge
kayci_configrepo_last_sync_timestamp_seconds{name="pipelines",namespace="ci"} 1.7e+09
# HELP kayci_configrepo_ready 1 if the ConfigRepo's condition Ready is True, 0 if not.
# TYPE kayci_configrepo_ready gauge
kayci_configrepo_ready{name="pipelines",namespace="ci"} 1
`)); err != nil {
		t.Error(err)
	}
	m.forget(types.NamespacedName{Namespace: "ci", Name: "pipelines"})
	if left, err := testutil.GatherAndCount(registry); err != nil || left != 0 {
		t.Errorf("%d series are left of a ConfigRepo that is gone: %v", left, err)
	}
}
