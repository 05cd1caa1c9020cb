package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// The values name a config repository, and nobody has to do anything else for
// its Pipelines to be there.
func TestChartBringsConfigRepos(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	key := client.ObjectKey{Namespace: s.Namespace, Name: chartRepo}
	s.await(t, "the chart's ConfigRepo", func(ctx context.Context) (bool, string, error) {
		var repo v1alpha1.ConfigRepo
		if err := s.Client.Get(ctx, key, &repo); err != nil {
			return false, "", cluster.Retry(err)
		}
		return apimeta.IsStatusConditionTrue(repo.Status.Conditions, meta.ReadyCondition), fmt.Sprintf("%+v", repo.Status.Conditions), nil
	})
	if err := s.Client.Get(s.ctx, key, &v1alpha1.Pipeline{}); err != nil {
		t.Errorf("get the Pipeline of the chart's ConfigRepo: %v", err)
	}
}
