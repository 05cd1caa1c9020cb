package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/api/v1alpha1"
)

// KindsPatience is how long the controller waits for its kinds: less than the
// chart's startup probe does.
const KindsPatience = 45 * time.Second

// AwaitKinds returns when the API server serves KayCI's kinds. A helm release
// brings them together with the controller, and the API server needs seconds for
// new ones; a controller that has ended because of that is started again late.
func AwaitKinds(ctx context.Context, cfg *rest.Config, patience time.Duration) error {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1 // The interval is the limit.
	c, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return fmt.Errorf("connect to the cluster: %w", err)
	}
	var why error
	err = wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		served, err := c.ServerResourcesForGroupVersionWithContext(ctx, v1alpha1.GroupVersion().String())
		if err == nil {
			err = missing(served)
		}
		if ctx.Err() == nil {
			why = err
		}
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("wait for the kinds of %s, whose custom resource definitions come with the chart: %w", v1alpha1.GroupVersion(), errors.Join(why, err))
	}
	return nil
}

func missing(served *metav1.APIResourceList) error {
	var kinds []string
	for _, kind := range []string{"ConfigRepo", "Pipeline", "Run", "Trigger"} {
		if !slices.ContainsFunc(served.APIResources, func(r metav1.APIResource) bool { return r.Kind == kind }) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	return fmt.Errorf("the API server doesn't serve %s", strings.Join(kinds, ", "))
}
