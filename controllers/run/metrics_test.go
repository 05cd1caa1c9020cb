package run

import (
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/kayci/kayci/api/v1alpha1"
)

var created = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) *metav1.Time {
	return &metav1.Time{Time: created.Add(time.Duration(seconds) * time.Second)}
}

func runOf(status v1alpha1.RunStatus) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1", CreationTimestamp: *at(0)},
		Spec:       v1alpha1.RunSpec{Pipeline: "web"},
		Status:     status,
	}
}

func endedFor(reason string) []metav1.Condition {
	return []metav1.Condition{{Type: v1alpha1.SucceededCondition, Reason: reason}}
}

// life is what a Run's status says, one after the other: a job that is retried
// and disrupted, a second that fails, and one of an earlier Run.
var life = []v1alpha1.RunStatus{
	{},
	{Phase: v1alpha1.RunQueued, Jobs: []v1alpha1.JobStatus{
		{Name: "old", Phase: v1alpha1.JobSucceeded, ReusedFrom: "web-0", QueuedTime: at(-95), StartTime: at(-90), CompletionTime: at(-80)},
		{Name: "test", Phase: v1alpha1.JobWaiting, Reason: "QuotaExceeded"},
	}},
	{Phase: v1alpha1.RunRunning, StartTime: at(5), Jobs: []v1alpha1.JobStatus{
		{Name: "old", Phase: v1alpha1.JobSucceeded, ReusedFrom: "web-0"},
		{Name: "test", Phase: v1alpha1.JobRunning, QueuedTime: at(5), Attempts: 3, Disruptions: 1},
	}},
	{Phase: v1alpha1.RunFailed, StartTime: at(5), CompletionTime: at(45), Number: 7, Conditions: endedFor("JobFailed"), Jobs: []v1alpha1.JobStatus{
		{Name: "old", Phase: v1alpha1.JobSucceeded, ReusedFrom: "web-0"},
		{Name: "test", Phase: v1alpha1.JobFailed, Reason: "OOMKilled", QueuedTime: at(5), StartTime: at(15), CompletionTime: at(35), Attempts: 3, Disruptions: 1},
	}},
	{Phase: v1alpha1.RunFailed, StartTime: at(5), CompletionTime: at(45), Number: 7, Conditions: endedFor("JobFailed"), Jobs: []v1alpha1.JobStatus{
		{Name: "test", Phase: v1alpha1.JobFailed, Reason: "OOMKilled", QueuedTime: at(5), StartTime: at(15), CompletionTime: at(35), Attempts: 3, Disruptions: 1},
	}, Notifiers: []v1alpha1.NotifierStatus{{Name: "chat"}}},
}

func TestMetricsAndLogOfALife(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m, err := NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	log := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	for i := 1; i < len(life); i++ {
		run := runOf(life[i])
		told := newsOf(&life[i-1], &life[i])
		told.log(log, run)
		m.observe(run, &told)
	}
	want := []string{
		`"level"=0 "msg"="Run is new" "pipeline"="web" "trigger"="" "phase"="Queued"`,
		`"level"=0 "msg"="Job has ended" "pipeline"="web" "job"="test" "phase"="Failed" "reason"="OOMKilled"`,
		`"level"=0 "msg"="Run has ended" "pipeline"="web" "phase"="Failed" "reason"="JobFailed" "number"=7`,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	counters := []string{
		"kayci_runs_finished_total", "kayci_jobs_finished_total", "kayci_job_seconds_total", "kayci_job_retries_total", "kayci_job_disruptions_total",
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP kayci_job_disruptions_total Pods of jobs that were evicted, preempted or lost with their node.
# TYPE kayci_job_disruptions_total counter
kayci_job_disruptions_total{namespace="ci",pipeline="web"} 1
# HELP kayci_job_retries_total Pods of jobs that have replaced one whose program failed.
# TYPE kayci_job_retries_total counter
kayci_job_retries_total{namespace="ci",pipeline="web"} 1
# HELP kayci_job_seconds_total Time from when jobs were due to their end, in seconds.
# TYPE kayci_job_seconds_total counter
kayci_job_seconds_total{namespace="ci",pipeline="web"} 30
# HELP kayci_jobs_finished_total Jobs of Runs that have ended, by the phase they ended in and the reason.
# TYPE kayci_jobs_finished_total counter
kayci_jobs_finished_total{namespace="ci",phase="Failed",pipeline="web",reason="OOMKilled"} 1
# HELP kayci_runs_finished_total Runs that have ended, by the phase they ended in and the reason.
# TYPE kayci_runs_finished_total counter
kayci_runs_finished_total{namespace="ci",phase="Failed",pipeline="web",reason="JobFailed"} 1
`), counters...); err != nil {
		t.Error(err)
	}
	m.Forget(types.NamespacedName{Namespace: "ci", Name: "web"})
	if left, err := testutil.GatherAndCount(registry); err != nil || left != 0 {
		t.Errorf("%d series are left of a Pipeline that is gone: %v", left, err)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	var r reasons
	for i := range maxReasons {
		r.bounded(strings.Repeat("x", i))
	}
	if got := []string{r.bounded("x"), r.bounded("Novel")}; cmp.Diff([]string{"x", otherReason}, got) != "" {
		t.Errorf("got %q", got)
	}
}

func TestGaugesTellOfActiveRuns(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithIndex(&v1alpha1.Run{}, v1alpha1.CompletionTimeField, ActiveRun)
	for i, name := range []string{"new", "queued", "running", "failed"} {
		run := runOf(life[i])
		run.Name = name
		c.WithObjects(run)
	}
	elected := make(chan struct{})
	gauges := &Gauges{Client: c.Build(), Elected: elected}
	if n := testutil.CollectAndCount(gauges); n != 0 {
		t.Errorf("a replica that doesn't lead shows %d series", n)
	}
	close(elected)
	if err := testutil.CollectAndCompare(gauges, strings.NewReader(`
# HELP kayci_jobs Jobs of those Runs that have not ended, by phase and by what keeps them from going on.
# TYPE kayci_jobs gauge
kayci_jobs{namespace="ci",phase="Running",pipeline="web",reason=""} 1
kayci_jobs{namespace="ci",phase="Waiting",pipeline="web",reason="QuotaExceeded"} 1
# HELP kayci_runs Runs that have not ended, by phase.
# TYPE kayci_runs gauge
kayci_runs{namespace="ci",phase="Queued",pipeline="web"} 2
kayci_runs{namespace="ci",phase="Running",pipeline="web"} 1
`)); err != nil {
		t.Error(err)
	}
}
