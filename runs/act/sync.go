package act

import (
	"context"
	"fmt"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Sync has a repository looked at now. What it returns is the mark of this request:
// status.lastHandledReconcileAt has it once the look has been taken.
func Sync(ctx context.Context, c client.Client, repo *v1alpha1.ConfigRepo, now time.Time) (string, error) {
	if repo.Spec.Suspend {
		return "", fmt.Errorf("sync ConfigRepo %s: it is suspended: set spec.suspend to false", repo.Name)
	}
	mark := now.UTC().Format(time.RFC3339Nano)
	_, err := patch(ctx, c, repo, map[string]any{"metadata": map[string]any{"annotations": map[string]any{meta.ReconcileRequestAnnotation: mark}}})
	if err != nil {
		return "", fmt.Errorf("sync ConfigRepo %s: %w", repo.Name, err)
	}
	return mark, nil
}
