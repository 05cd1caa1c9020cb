package state_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/report/state"
)

var update = flag.Bool("update", false, "write the golden file instead of comparing with it")

// took is a job with its times.
func took(d time.Duration, job v1alpha1.JobStatus) v1alpha1.JobStatus {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	job.StartTime, job.CompletionTime = new(metav1.NewTime(start)), new(metav1.NewTime(start.Add(d)))
	return job
}

// TestCheck compares a check with testdata/check.golden: what people see, and that nothing
// of a reason or a log is Markdown.
func TestCheck(t *testing.T) {
	t.Parallel()
	failed := run("Failed", "JobFailed", "job test failed",
		took(17*time.Second, job("lint", "Succeeded")),
		took(92*time.Second, job("test", "Failed", "Error", "container main exited with code 1")),
		took(time.Minute, v1alpha1.JobStatus{Name: "flaky", Phase: "Failed", Reason: "OOMKilled", Message: "container main ran out of memory", FailureAllowed: true}),
		took(2*time.Hour, v1alpha1.JobStatus{Name: "build", Phase: "Succeeded", ReusedFrom: "web-push-a"}),
		job("image", "Failed", "ImagePullBackOff", "`x` | <b>@you</b>\n![](https://evil.example.com/x.png) [a](b) *c* __d__ ~~e~~ \\| #1 $f$"),
		v1alpha1.JobStatus{Name: "slow", Phase: "Running", StartTime: new(metav1.Now())},
		job("deploy", "Skipped"),
	)
	failed.Status.Number = 128
	failed.Status.Jobs[1].Tests = &v1alpha1.TestSummary{Total: 1204, Failed: 3, Failures: []v1alpha1.FailedTest{{Name: "Test<A>"}, {Name: "TestB"}}}
	failed.Status.Jobs[2].Tests = &v1alpha1.TestSummary{Total: 9, Failed: 1, Failures: []v1alpha1.FailedTest{{Name: "TestC"}}}
	text := state.Text([]state.Log{
		{Job: "test", Container: "main", Lines: []string{"--- FAIL: TestGreet", "```", "</code></pre># heading ````` <script>alert(1)</script>", "FAIL"}},
		{Job: "image", Missing: "the pod is gone, and its log with it"},
	}, 3)
	got, file := state.Summary(failed)+"\n----\n\n"+text, filepath.Join("testdata", "check.golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("testdata/check.golden (-want +got):\n%s", diff)
	}
}

func TestSummaryOfNothing(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff("Run web-push-k7x2m of Pipeline web\n", state.Summary(run("", "", ""))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMuch: however much there is, it fits, and the end of each log is what is kept.
func TestMuch(t *testing.T) {
	t.Parallel()
	big := run("Failed", "JobFailed", "")
	for i := range 256 {
		big.Status.Jobs = append(big.Status.Jobs, job(fmt.Sprintf("job-%d", i), "Succeeded", "Error", strings.Repeat("<|>", 500)))
	}
	big.Status.Jobs[255].Phase = v1alpha1.JobFailed
	var logs []state.Log
	for i := range 10 {
		log := state.Log{Job: fmt.Sprintf("job-%d", i), Container: "main"}
		for range 100 {
			log.Lines = append(log.Lines, strings.Repeat("`", 400))
		}
		log.Lines[99] = fmt.Sprintf("the end of %d", i)
		logs = append(logs, log)
	}
	summary, text := state.Summary(big), state.Text(logs, 7)
	if len(summary)+len(text) > githost.MaxText {
		t.Errorf("the summary has %d bytes, the text %d", len(summary), len(text))
	}
	if !strings.Contains(summary, "---|\n| job-255 |") || !strings.Contains(summary, " jobs more\n") {
		t.Errorf("the summary is %.300s", summary)
	}
	for i := range 10 {
		if !strings.Contains(text, fmt.Sprintf("\nthe end of %d\n", i)) {
			t.Errorf("the end of log %d is missing", i)
		}
	}
	if !strings.Contains(text, " lines before these are left out\n") || !strings.HasSuffix(text, "7 failed jobs more\n") {
		t.Errorf("the text ends with %q", text[max(len(text)-300, 0):])
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	const said = "job test failed"
	long := strings.Repeat("x", 200)
	for name, tt := range map[string]struct {
		description string
		log         state.Log
		want        string
	}{
		"the last":                 {said, state.Log{Lines: []string{"a", "FAIL: b"}}, "job test failed: FAIL: b"},
		"the last that says a bit": {said, state.Log{Lines: []string{"FAIL:   größe", "---- \t---", "", "***"}}, "job test failed: FAIL: größe"},
		"none that does":           {said, state.Log{Lines: []string{"----"}}, said},
		"no log":                   {said, state.Log{Missing: "it is empty"}, "job test failed: no log: it is empty"},
		"too long":                 {said, state.Log{Lines: []string{long}}, "job test failed: " + long[:122] + "…"},
		"no room":                  {long[:125], state.Log{Lines: []string{"FAIL"}}, long[:125]},
	} {
		if diff := cmp.Diff(tt.want, state.Line(tt.description, &tt.log)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	of := run("", "", "")
	of.Spec.Origin.Trigger = "web-push"
	held := trigger(v1alpha1.Report{})
	held.UID = "0a0b"
	by := run("", "", "")
	by.Spec.Origin = nil
	got := []string{state.ID(of), state.HeldID(held), state.ID(by)}
	if diff := cmp.Diff([]string{"ci/web-push/web-push-k7x2m/6f1a", "ci/web-push//0a0b", "ci//web-push-k7x2m/6f1a"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
