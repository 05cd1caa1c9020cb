package job_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/queue"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func run() *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-3f9k2c", UID: "run-uid"},
		Spec:       v1alpha1.RunSpec{Pipeline: "web"},
	}
}

// TestBuild builds the Job of each testdata/<name>.job.yaml, a job as it stands
// in a Pipeline, and compares it with testdata/<name>.golden.yaml. What else the
// Pipeline has stands in testdata/<name>.pipeline.yaml, if there is that file.
func TestBuild(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/*.job.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	for _, input := range inputs {
		t.Run(strings.TrimSuffix(filepath.Base(input), ".job.yaml"), func(t *testing.T) {
			t.Parallel()
			var spec v1alpha1.Job
			read(t, input, &spec)
			given := spec.DeepCopy()
			name := strings.TrimSuffix(input, ".job.yaml")
			var pipeline v1alpha1.PipelineSpec
			if _, err := os.Stat(name + ".pipeline.yaml"); err == nil {
				read(t, name+".pipeline.yaml", &pipeline)
			}
			built := job.Build(run(), 12, &pipeline, &spec)
			if diff := cmp.Diff(given, &spec); diff != "" {
				t.Errorf("the template was changed (-before +after):\n%s", diff)
			}
			golden(t, name+".golden.yaml", built)
		})
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	built := job.Params(run(), 12, map[string]string{"git_sha": "8f3", "title": "say $(KAYCI_RUN) \"hi\"\n$$", "empty": ""})
	golden(t, "testdata/params.golden.yaml", built)
}

func TestName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("r", 63)
	names := map[string]string{}
	for _, tt := range []struct{ run, job, want string }{
		{"web-3f9k2c", "test", "web-3f9k2c-test"},
		{long[:25], long[:26], long[:25] + "-" + long[:26]},
		{long[:26], long[:26], ""},
		{long, "test", ""},
		{long, "build", ""},
		{long, long, ""},
	} {
		got := job.Name(tt.run, tt.job)
		if tt.want != "" && got != tt.want {
			t.Errorf("Name(%q, %q) = %q, want %q", tt.run, tt.job, got, tt.want)
		}
		// An Indexed Job gives its pods such host names, and is refused if they aren't.
		host := fmt.Sprintf("%s-%d", got, math.MaxInt32-1)
		if errs := validation.IsDNS1123Label(host); len(errs) > 0 {
			t.Errorf("Name(%q, %q) = %q, which makes %q: %v", tt.run, tt.job, got, host, errs)
		}
		if other, taken := names[got]; taken {
			t.Errorf("%q is the name of %s/%s and of %s", got, tt.run, tt.job, other)
		}
		names[got] = tt.run + "/" + tt.job
	}
}

func TestTimeoutIsTheSmallerOfBoth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		timeout  time.Duration
		template *int64
		want     *int64
	}{
		{name: "neither"},
		{name: "timeout alone", timeout: time.Minute, want: ptr.To[int64](60)},
		{name: "template alone", template: ptr.To[int64](5), want: ptr.To[int64](5)},
		{name: "timeout is smaller", timeout: time.Second, template: ptr.To[int64](5), want: ptr.To[int64](1)},
		{name: "template is smaller", timeout: time.Minute, template: ptr.To[int64](5), want: ptr.To[int64](5)},
		{name: "rounded up", timeout: 1001 * time.Millisecond, want: ptr.To[int64](2)},
		{name: "never zero", timeout: time.Nanosecond, want: ptr.To[int64](1)},
		{name: "within what Kubernetes takes", timeout: 1 << 62, want: ptr.To[int64](1<<31 - 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec := v1alpha1.Job{Name: "test"}
			spec.Template.Spec.Template.Spec = corev1.PodSpec{ActiveDeadlineSeconds: tt.template}
			if tt.timeout > 0 {
				spec.Timeout = &metav1.Duration{Duration: tt.timeout}
			}
			got := job.Build(run(), 1, &v1alpha1.PipelineSpec{}, &spec)
			if diff := cmp.Diff(tt.want, got.Spec.Template.Spec.ActiveDeadlineSeconds); diff != "" {
				t.Errorf("pod's deadline (-want +got):\n%s", diff)
			}
			if got.Spec.ActiveDeadlineSeconds != nil {
				t.Error("the Job has a deadline: it would delete the pod and its log")
			}
		})
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func golden(t *testing.T, path string, obj any) {
	t.Helper()
	got, err := yaml.Marshal(obj)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Jobs and pods of a Run that has a place say which, whatever the template does.
// Notifiers have none.
func TestLock(t *testing.T) {
	t.Parallel()
	r := run()
	r.Status.Concurrency = &v1alpha1.ConcurrencyStatus{Key: "main", Group: "all", Admitted: true}
	spec := v1alpha1.Job{Name: "test"}
	spec.Template.Labels = map[string]string{v1alpha1.LockLabel: "mine", v1alpha1.RunUIDLabel: "mine"}
	spec.Template.Spec.Template.Labels = spec.Template.Labels
	service := v1alpha1.Service{Name: "db", Template: spec.Template}
	notifier := v1alpha1.Notifier{Name: "chat", Template: spec.Template}
	locked := [2]string{queue.NewLock("web", "all", "main").Label(), "run-uid"}
	unbound := run()
	for name, tt := range map[string]struct {
		built *batchv1.Job
		want  [2]string
	}{
		"a job":         {job.Build(r, 12, &v1alpha1.PipelineSpec{}, &spec), locked},
		"a service":     {job.BuildService(r, 12, &v1alpha1.PipelineSpec{}, &service), locked},
		"a notifier":    {job.BuildNotifier(r, 12, &notifier, &r.Status), [2]string{}},
		"without a key": {job.Build(unbound, 12, &v1alpha1.PipelineSpec{}, &spec), [2]string{}},
	} {
		for of, labels := range map[string]map[string]string{"Job": tt.built.Labels, "pod": tt.built.Spec.Template.Labels} {
			if diff := cmp.Diff(tt.want, [2]string{labels[v1alpha1.LockLabel], labels[v1alpha1.RunUIDLabel]}); diff != "" {
				t.Errorf("%s, labels of its %s (-want +got):\n%s", name, of, diff)
			}
		}
	}
}
