package configrepo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/render"
)

func jobDefaults(namespace, template string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "job-defaults"}, Data: map[string]string{"jobTemplate": template}}
}

// checkReady compares the condition, whose message begins so.
func (w *world) checkReady(t *testing.T, what, reason, message string) {
	t.Helper()
	ready := apimeta.FindStatusCondition(w.conditions(t), meta.ReadyCondition)
	if ready == nil || ready.Reason != reason || !strings.HasPrefix(ready.Message, message) {
		t.Errorf("%s: Ready is %+v, want %s: %s", what, ready, reason, message)
	}
}

// The defaults that a ConfigRepo names stand in its Pipelines. Faulty ones leave
// everything as it was, and say so; a change of them is one of the Pipelines.
func TestJobDefaultsAreMerged(t *testing.T) {
	t.Parallel()
	repo := configRepo()
	repo.Spec.JobDefaults = &meta.LocalObjectReference{Name: "job-defaults"}
	w := newWorld(t, repo, jobDefaults("ci", ""))
	w.rendered = []render.Object{richPipeline("busybox:1"), webTrigger()}
	for _, tt := range []struct {
		template, reason, message, queue string
		applies                          int
	}{
		{template: "metadata: {labels: {queue: a}}", reason: "Succeeded", queue: "a", applies: 2},
		{template: "metadata: {labels: {queue: b}}", reason: "Succeeded", queue: "b", applies: 1},
		{template: "metadata: {labels: {queue: b}} # as before", reason: "Succeeded", queue: "b"},
		{
			template: "spec: {suspend: true}", reason: "InvalidJobDefaults", queue: "b",
			message: `ConfigMap "job-defaults": jobTemplate.spec.suspend: Forbidden: of a Job's spec, defaults hold the pod's template alone: remove it`,
		},
		{
			template: `spec: {template: {spec: {containers: [{name: "*", volumeMounts: [{name: v, mountPath: /workspace}]}], volumes: [{name: v, emptyDir: {}}]}}}`,
			reason:   "ApplyRefused", queue: "b", message: `web.jsonnet: Pipeline/web: with the defaults of ConfigMap "job-defaults": spec.`,
		},
		{template: "", reason: "Succeeded", applies: 1},
	} {
		if err := w.Update(t.Context(), jobDefaults("ci", tt.template)); err != nil {
			t.Fatal(err)
		}
		_, writes, _ := w.reconcile(t)
		applies := 0
		for _, write := range writes {
			applies += strings.Count(write, "apply")
		}
		expect(t, tt.template+": applies", tt.applies, applies)
		w.checkReady(t, tt.template, tt.reason, tt.message)
		var p v1alpha1.Pipeline
		if err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "web"}, &p); err != nil {
			t.Fatal(err)
		}
		expect(t, tt.template+": queues", [3]string{tt.queue, tt.queue, tt.queue}, [3]string{
			p.Spec.Jobs[0].Template.Labels["queue"], p.Spec.Services[0].Template.Labels["queue"], p.Spec.Notifiers[0].Template.Labels["queue"],
		})
		w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
		_, writes, _ = w.reconcile(t)
		expect(t, tt.template+": writes of a second look", []string(nil), writes)
		w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
	}
	expect(t, "renders", 1, w.renders)
}

// small is a Pipeline of 40 jobs that say next to nothing.
func small(name string) render.Object {
	o := webPipeline("i")
	p, ok := o.Object.(*v1alpha1.Pipeline)
	if !ok {
		panic("no Pipeline")
	}
	p.Name = name
	for i := range 39 {
		job := *p.Spec.Jobs[0].DeepCopy()
		job.Name = fmt.Sprintf("j%d", i)
		p.Spec.Jobs = append(p.Spec.Jobs, job)
	}
	return o
}

// With the defaults a commit holds no more than without, and one that would is
// merged once. The defaults' owner can mend it.
func TestJobDefaultsKeepTheLimits(t *testing.T) {
	t.Parallel()
	long := `spec: {template: {spec: {containers: [{name: "*", env: [{name: A, value: "` + strings.Repeat("x", 16_000) + `"}]}]}}}`
	var volumes strings.Builder
	for i := range 20 {
		fmt.Fprintf(&volumes, "{name: v%d},", i)
	}
	wide := "spec: {template: {spec: {volumes: [" + volumes.String() + "]}}}"
	for name, tt := range map[string]struct {
		template string
		objects  int
		room     int
		message  string
	}{
		"an object's size":     {long, 2, 0, `web.jsonnet: Pipeline/p0: with the defaults of ConfigMap "job-defaults": spec: Forbidden: each template gets the defaults, and all together have more than 512 KiB as JSON: let the defaults say less`},
		"all objects' memory":  {wide, 3, 300_000, `web.jsonnet: Pipeline/p1: with the defaults of ConfigMap "job-defaults": takes too much memory: an object may take 16 MiB and all of a commit 64 MiB: let the defaults say less`},
		"many faults, bounded": {long, 30, 0, `web.jsonnet: Pipeline/p0: `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := configRepo()
			repo.Spec.JobDefaults = &meta.LocalObjectReference{Name: "job-defaults"}
			w := newWorld(t, repo, jobDefaults("ci", tt.template))
			w.reconciler.SetRoom(tt.room)
			for i := range tt.objects {
				w.rendered = append(w.rendered, small(fmt.Sprintf("p%d", i)))
			}
			tasks := 0
			w.reconciler.OnWake(func(name types.NamespacedName) { tasks++; w.woken <- name })
			for range 3 {
				w.reconcile(t)
				w.checkReady(t, name, "ApplyRefused", tt.message)
				w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
			}
			// Three looks, an evaluation and a merge.
			expect(t, "tasks", 5, tasks)
			if faults := strings.Count(apimeta.FindStatusCondition(w.conditions(t), meta.ReadyCondition).Message, "KiB as JSON"); faults > 20 {
				t.Errorf("%d faults", faults)
			}
			if err := w.Update(t.Context(), jobDefaults("ci", "metadata: {labels: {queue: a}}")); err != nil {
				t.Fatal(err)
			}
			w.reconcile(t)
			w.checkReady(t, name, "Succeeded", "")
			expect(t, "evaluations", 1, w.renders)
		})
	}
}

func TestJobDefaultsThatAreMissing(t *testing.T) {
	t.Parallel()
	repo := configRepo()
	repo.Spec.JobDefaults = &meta.LocalObjectReference{Name: "job-defaults"}
	// Another namespace's is none of this one's.
	w := newWorld(t, repo, jobDefaults("other", "metadata: {labels: {queue: a}}"))
	w.rendered = []render.Object{richPipeline("busybox:1")}
	w.reconcile(t)
	w.checkReady(t, "missing", "InvalidJobDefaults", `there is no ConfigMap "job-defaults" in this namespace`)
	if w.repo(t).Status.Inventory != nil {
		t.Error("something was applied")
	}
}

// What is tried of a commit is what its Runs will create, with the installation's
// defaults, too. Those that are at fault are not the commit's.
func TestRehearsalWithInstalledDefaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ template, reason, message string }{
		"good": {template: "metadata: {labels: {queue: a}}", reason: "Succeeded"},
		"refused": {
			template: "metadata: {labels: {queue: refused}}", reason: "ApplyRefused",
			message: "web.jsonnet: Pipeline/web: with the defaults for jobs: spec.jobs[1].template.spec.template.spec.containers[1].name: Duplicate value",
		},
		"not to be merged": {
			template: `spec: {template: {spec: {containers: [{name: "*", volumeMounts: [{name: v, mountPath: /workspace}]}], volumes: [{name: v, emptyDir: {}}]}}}`,
			reason:   "ApplyRefused", message: "web.jsonnet: Pipeline/web: with the defaults of ConfigMap kayci/job-defaults: spec.jobs[0].template",
		},
		"at fault": {template: "[]", reason: "Succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, configRepo(), jobDefaults("kayci", tt.template))
			w.reconciler.Installed = &revision.Installed{Reader: w.Client, Key: client.ObjectKey{Namespace: "kayci", Name: "job-defaults"}}
			w.rendered = []render.Object{richPipeline("busybox:1")}
			if tt.reason != "Succeeded" {
				w.judge["rehearsal-lint"] = jobInvalid("rehearsal-lint")
			}
			w.reconcile(t)
			w.checkReady(t, name, tt.reason, tt.message)
			if tt.reason == "Succeeded" {
				var p v1alpha1.Pipeline
				if err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "web"}, &p); err != nil {
					t.Fatal(err)
				}
				expect(t, "labels of the Pipeline's job", map[string]string(nil), p.Spec.Jobs[0].Template.Labels)
			}
		})
	}
}
