package install_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/install"
)

const list = `
apiVersion: kayci.dev/v1alpha1
kind: ConfigRepoList
items:
- apiVersion: kayci.dev/v1alpha1
  kind: ConfigRepo
  metadata: {name: pipelines, namespace: ci}
  spec: {url: "https://git.example.com/acme/pipelines.git"}
`

// The hook that calls this runs while the controller starts, which serves the
// webhook that has to admit what it applies.
func TestApplyWaitsForAdmission(t *testing.T) {
	unreachable := apierrors.NewInternalError(errors.New("failed calling webhook: no endpoints available"))
	for name, tc := range map[string]struct {
		failures int
		err      error
		patience time.Duration
		want     string
	}{
		"at once":       {0, nil, time.Minute, ""},
		"soon":          {2, unreachable, time.Minute, ""},
		"too late":      {100, unreachable, 10 * time.Millisecond, "no endpoints available"},
		"a refusal":     {1, apierrors.NewBadRequest("that is wrong"), time.Minute, "that is wrong"},
		"not its fault": {1, apierrors.NewInternalError(errors.New("field not declared in schema")), time.Minute, "not declared"},
		"overloaded":    {1, apierrors.NewTooManyRequests("later", 1), time.Minute, ""},
	} {
		t.Run(name, func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := v1alpha1.AddToScheme(scheme); err != nil {
				t.Fatal(err)
			}
			failures := tc.failures
			c := interceptor.NewClient(fake.NewClientBuilder().WithScheme(scheme).Build(), interceptor.Funcs{
				Apply: func(ctx context.Context, c client.WithWatch, obj runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
					if failures--; failures >= 0 {
						return tc.err
					}
					return c.Apply(ctx, obj, opts...)
				},
			})
			wanted, err := install.Read([]byte(list))
			if err != nil {
				t.Fatal(err)
			}
			release := install.Release{Client: c, Namespace: "kayci", Name: "kayci", Patience: tc.patience}
			changes, err := release.Apply(t.Context(), wanted)
			if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got error %v, want %q", err, tc.want)
			}
			if err == nil && (len(changes) != 1 || changes[0].Action != install.Created) {
				t.Errorf("changes: %v", changes)
			}
		})
	}
}
