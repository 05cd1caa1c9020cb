package job_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// TestBuildService builds the services that testdata/service.job.yaml runs with.
func TestBuildService(t *testing.T) {
	t.Parallel()
	var pipeline v1alpha1.PipelineSpec
	read(t, "testdata/service.pipeline.yaml", &pipeline)
	given := pipeline.DeepCopy()
	for i := range pipeline.Services {
		s := &pipeline.Services[i]
		golden(t, "testdata/service-"+s.Name+".golden.yaml", []any{job.Service(run(), s), job.BuildService(run(), 12, &pipeline, s)})
	}
	if diff := cmp.Diff(given, &pipeline); diff != "" {
		t.Errorf("the template was changed (-before +after):\n%s", diff)
	}
}

func TestServiceName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("s", 63)
	names := map[string]string{}
	for _, tt := range []struct{ run, service, want string }{
		{"web-3f9k2c", "db", "db-web-3f9k2c"},
		{"3f9k2c", "db", "db-3f9k2c"},
		{long[:31], long[:31], long[:31] + "-" + long[:31]},
		{long[:32], long[:31], ""},
		{long, "db", ""},
		{long, "cache", ""},
		{long, long, ""},
	} {
		got := job.ServiceName(tt.run, tt.service)
		if tt.want != "" && got != tt.want {
			t.Errorf("ServiceName(%q, %q) = %q, want %q", tt.run, tt.service, got, tt.want)
		}
		if errs := validation.IsDNS1035Label(got); len(errs) > 0 {
			t.Errorf("ServiceName(%q, %q) = %q: %v", tt.run, tt.service, got, errs)
		}
		if other, taken := names[got]; taken {
			t.Errorf("%q is the name of %s/%s and of %s", got, tt.run, tt.service, other)
		}
		names[got] = tt.run + "/" + tt.service
	}
}
