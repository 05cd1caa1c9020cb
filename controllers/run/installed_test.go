package run_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// installed is a world whose installation has defaults for jobs.
type installed struct {
	*world
	configMap *corev1.ConfigMap
}

func newInstalled(t *testing.T, template string, objs ...client.Object) *installed {
	t.Helper()
	i := &installed{configMap: &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kayci", Name: "job-defaults"}, Data: map[string]string{"jobTemplate": template},
	}}
	i.world = newWorld(t, append(objs, i.configMap.DeepCopy())...)
	i.reconciler.Installed = &revision.Installed{Reader: i.live, Key: client.ObjectKeyFromObject(i.configMap)}
	return i
}

func (i *installed) say(template string) {
	i.t.Helper()
	changed := i.configMap.DeepCopy()
	changed.Data["jobTemplate"] = template
	if err := i.live.Update(i.t.Context(), changed); err != nil {
		i.t.Fatal(err)
	}
}

const faulty = "spec: {suspend: true}"

// expanded are whole, but not beside a container that has $(A) in its arguments.
const expanded = `spec: {template: {spec: {containers: [{name: "*", env: [{name: A, value: $(KAYCI_TITLE)}]}]}}}`

// While the installation's defaults are at fault no Run is pinned: it says so, and
// goes on with whole ones. What it is pinned to stays.
func TestRunWaitsForDefaults(t *testing.T) {
	t.Parallel()
	w := newInstalled(t, faulty, chain(2), handmade("run", "web"))
	for _, want := range []string{
		"Queued InvalidJobDefaults: ConfigMap kayci/job-defaults: jobTemplate.spec.suspend: Forbidden",
		"Queued InvalidJobDefaults: ConfigMap kayci/job-defaults: jobTemplate: json: ",
	} {
		if after := w.mustReconcile("run").RequeueAfter; after != 15*time.Second {
			t.Errorf("looks again after %s, want 15s", after)
		}
		if got := w.seen("run")["run"]; !strings.HasPrefix(got, want) {
			t.Errorf("the Run says %q, want %q", got, want)
		}
		before := len(w.writes)
		w.mustReconcile("run")
		if extra := w.writes[before:]; len(extra) > 0 {
			t.Errorf("a second look wrote %v", extra)
		}
		w.say("metadata: []")
	}
	w.say("metadata: {labels: {queue: first}}")
	w.mustReconcile("run")
	w.say("metadata: {labels: {queue: second}}")
	if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded {
		t.Errorf("the Run is %s: %v", final.Status.Phase, final.Status.Conditions)
	}
	jobs := w.jobs()
	for i := range jobs {
		if jobs[i].Labels["queue"] != "first" {
			t.Errorf("Job %s has the labels %v", jobs[i].Name, jobs[i].Labels)
		}
	}
	if len(jobs) != 2 {
		t.Errorf("%d Jobs, want 2", len(jobs))
	}
}

func TestRunWaitsForDefaultsNotForEver(t *testing.T) {
	t.Parallel()
	cancelled, expanding := handmade("run", "web"), chain(1)
	cancelled.Spec.Cancelled = true
	expanding.Spec.Jobs[0].Template.Spec.Template.Spec.Containers[0].Args = []string{"$(A)"}
	for name, tt := range map[string]struct {
		defaults string
		pipeline *v1alpha1.Pipeline
		run      *v1alpha1.Run
		after    time.Duration
		want     string
	}{
		"too long":     {defaults: faulty, pipeline: chain(1), run: handmade("run", "web"), after: time.Hour, want: "Failed InvalidJobDefaults: "},
		"no key":       {defaults: "[]", pipeline: chain(1), run: handmade("run", "web"), after: time.Minute, want: "Queued InvalidJobDefaults: "},
		"is cancelled": {defaults: faulty, pipeline: chain(1), run: cancelled, want: "Cancelled Cancelled: "},
		"not with this Pipeline": {
			defaults: expanded, pipeline: expanding, run: handmade("run", "web"), after: time.Minute,
			want: "Queued InvalidJobDefaults: with the defaults of ConfigMap kayci/job-defaults: spec.jobs[0].template",
		},
		"not with this Pipeline, too long": {
			defaults: expanded, pipeline: expanding, run: handmade("run", "web"), after: time.Hour,
			want: "Failed InvalidJobDefaults: with the defaults of ConfigMap kayci/job-defaults: spec.jobs[0].template",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newInstalled(t, tt.defaults, tt.pipeline, tt.run)
			w.mustReconcile("run")
			w.clock.SetTime(w.clock.Now().Add(tt.after))
			w.mustReconcile("run")
			if got := w.seen("run")["run"]; !strings.HasPrefix(got, tt.want) {
				t.Errorf("the Run says %q, want %q", got, tt.want)
			}
		})
	}
}

// Either side can be mended while the Run waits.
func TestRunWaitsForDefaultsAndPipelineToAgree(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]func(*installed){
		"other defaults": func(w *installed) { w.say("metadata: {labels: {queue: a}}") },
		"another Pipeline": func(w *installed) {
			p := &v1alpha1.Pipeline{}
			w.get("web", p)
			p.Spec.Jobs[0].Template.Spec.Template.Spec.Containers[0].Args = nil
			if err := w.live.Update(w.t.Context(), p); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := chain(1)
			p.Spec.Jobs[0].Template.Spec.Template.Spec.Containers[0].Args = []string{"$(A)"}
			w := newInstalled(t, expanded, p, handmade("run", "web"))
			if after := w.mustReconcile("run").RequeueAfter; after != 15*time.Second {
				t.Errorf("looks again after %s, want 15s", after)
			}
			mend(w)
			w.mustReconcile("run")
			if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded {
				t.Errorf("the Run is %s: %v", final.Status.Phase, final.Status.Conditions)
			}
		})
	}
}

// A retry runs what the Run was that it retries, whatever the defaults are now.
func TestRetryKeepsDefaults(t *testing.T) {
	t.Parallel()
	p := paramChain(2)
	for name, now := range map[string]string{"changed": "metadata: {labels: {queue: now}}", "at fault": faulty} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newInstalled(t, "metadata: {labels: {queue: then}}", p, failedAt(p, 1), retryOf(p))
			source := w.run(failedAt(p, 1).Name)
			pinned, err := revision.Ensure(t.Context(), w.live, w.reconciler.Installed, p)
			if err != nil {
				t.Fatal(err)
			}
			source.Spec.Revision = pinned
			if err := w.live.Update(t.Context(), source); err != nil {
				t.Fatal(err)
			}
			w.say(now)
			w.mustReconcile(retryOf(p).Name)
			jobs := w.jobs()
			if len(jobs) != 1 || jobs[0].Labels["queue"] != "then" {
				t.Errorf("Jobs %+v; the Run says %s", jobs, w.seen(retryOf(p).Name))
			}
		})
	}
}

// A retry that is made by hand, of a Run that was never pinned, takes what that one
// had although it has to wait first, as that one did.
func TestRetryWaitsForDefaults(t *testing.T) {
	t.Parallel()
	p := paramChain(1)
	source := handmade("first", "web")
	source.UID, source.Spec.Params = "first-uid", map[string]string{"branch": "main"}
	source.Status.Phase, source.Status.CompletionTime = v1alpha1.RunCancelled, new(source.CreationTimestamp)
	retry := handmade("run", "web")
	retry.Spec.RetryOf = "first"
	w := newInstalled(t, faulty, p, source, retry)
	w.mustReconcile("run")
	w.say("metadata: {}")
	w.mustReconcile("run")
	if diff := cmp.Diff(source.Spec.Params, w.run("run").Spec.Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
}
