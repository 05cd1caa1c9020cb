package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// signIn gives the page the token as a person does, and is led to a path.
func (p *place) signIn(ctx context.Context, t *testing.T, token, path string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(p.url+path), chromedp.SetValue(chromedp.CSS("#token"), token), chromedp.Submit(chromedp.CSS("#token")), chromedp.WaitVisible(chromedp.CSS("form[action='/logout']"))); err != nil {
		t.Fatalf("sign in: %v", err)
	}
}

// look opens a world of Runs that go on, as an account with these rights, at a path below
// its namespace.
func look(t *testing.T, namespace, path string, act bool) (context.Context, *world, *complaints) {
	t.Helper()
	now := clock.RealClock{}
	w := newWorld(t, newPlace(t, namespace, now), now.Now())
	rules := looks()
	if act {
		rules = acts()
	}
	token := w.token(t, "anna", rules)
	ctx, said := start(t)
	w.signIn(ctx, t, token, "/ns/"+namespace+path)
	return ctx, w, said
}

// silent fails the test if the browser has complained.
func silent(t *testing.T, said *complaints) {
	t.Helper()
	if texts := said.all(); len(texts) > 0 {
		t.Errorf("the browser complains: %q", texts)
	}
}

// TestRunToItsEnd looks at a Run until it has ended, without loading the page again.
func TestRunToItsEnd(t *testing.T) {
	ctx, w, said := look(t, "live", "/runs/web-push-live", false)
	ask[bool](ctx, t, `window.same = true`)
	run := &v1alpha1.Run{ObjectMeta: w.meta("web-push-live")}
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(run), run); err != nil {
		t.Fatal(err)
	}
	run.Status.Phase, run.Status.CompletionTime = v1alpha1.RunSucceeded, w.at(0)
	run.Status.Conditions = condition(metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "all jobs have succeeded", w.at(0))
	for i := range run.Status.Jobs {
		run.Status.Jobs[i] = w.done("web-push-live", run.Status.Jobs[i].Name, v1alpha1.JobSucceeded, 20, 19, 18, 1)
	}
	if err := w.Status().Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](`document.getElementById("run").dataset.live === "false"`)); err != nil {
		t.Fatal(err)
	}
	got := ask[[]string](ctx, t, `[String(window.same), document.title, document.querySelector("h1 .state").innerText, [...new Set([...document.querySelectorAll(".jobs .state")].map(e => e.innerText))].join()]`)
	if diff := cmp.Diff([]string{"true", "✓ web/130 Succeeded · KayCI", "✓ Succeeded", "✓ Succeeded"}, got); diff != "" {
		t.Errorf("the Run is shown otherwise (-want +got):\n%s", diff)
	}
	silent(t, said)
}

// TestDeletedRun looks at a Run that is deleted meanwhile.
func TestDeletedRun(t *testing.T) {
	ctx, w, _ := look(t, "deleted", "/runs/web-push-live", false)
	if err := w.Delete(t.Context(), &v1alpha1.Run{ObjectMeta: w.meta("web-push-live")}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](`/deleted/.test(document.body.innerText)`)); err != nil {
		t.Fatalf("the page says nothing of it: %v\n%s", err, ask[string](ctx, t, `document.body.innerText`))
	}
}

// TestWithoutRights: who may only look sees no button, and is refused what is asked for by
// hand.
func TestWithoutRights(t *testing.T) {
	ctx, w, _ := look(t, "readonly", "/runs/web-push-asking", false)
	for _, tt := range []struct{ run, path, post string }{
		{"web-push-asking", "/runs/web-push-asking", "/runs/web-push-asking/cancel"},
		{"web-push-failed", "/runs/web-push-failed", "/runs/web-push-failed/retry"},
		{"web-push-asking", "/runs/web-push-asking", "/runs/web-push-asking/jobs/publish/approve"},
		{"web-push-asking", "/pipelines/docs", "/pipelines/docs/runs"},
		{"web-push-asking", "/configrepos/pipelines", "/configrepos/pipelines/sync"},
	} {
		if err := chromedp.Do(ctx, chromedp.Navigate(w.url+"/ns/readonly"+tt.path)); err != nil {
			t.Fatal(err)
		}
		if buttons := ask[int](ctx, t, `document.querySelectorAll("main form[method=post]").length`); buttons != 0 {
			t.Errorf("%s shows %d buttons", tt.path, buttons)
		}
		var run v1alpha1.Run
		if err := w.Get(t.Context(), client.ObjectKey{Namespace: "readonly", Name: tt.run}, &run); err != nil {
			t.Fatal(err)
		}
		post := fmt.Sprintf(`fetch("/ns/readonly%s", {method: "POST", body: new URLSearchParams({uid: %q, "param.git_sha": "x"})}).then(r => r.status)`, tt.post, run.UID)
		status, err := chromedp.Run(ctx, chromedp.Evaluate[int](post, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		if status != 403 {
			t.Errorf("POST %s is answered with %d", tt.post, status)
		}
	}
}

// TestApprove: who may approve sees the question and answers it.
func TestApprove(t *testing.T) {
	ctx, w, said := look(t, "approve", "/runs/web-push-asking", true)
	if question := ask[string](ctx, t, `document.querySelector("form[action$='/approve']").closest("tr").innerText`); !strings.Contains(question, "Publish the release?") {
		t.Errorf("the question isn't there: %q", question)
	}
	if err := chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS("input[name=reason]"), "looks good"), chromedp.Click(chromedp.CSS("form[action$='/approve'] button:not([name])"))); err != nil {
		t.Fatal(err)
	}
	var run v1alpha1.Run
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		err := w.Get(ctx, client.ObjectKey{Namespace: "approve", Name: "web-push-asking"}, &run)
		return len(run.Spec.Approvals) == 1, err
	})
	if err != nil {
		t.Fatalf("the approval isn't recorded: %v", err)
	}
	if got := run.Spec.Approvals[0]; got.Job != "publish" || got.Message != "looks good" || got.Refused {
		t.Errorf("it is recorded as %+v", got)
	}
	silent(t, said)
}

// TestStart fills in the form of a Pipeline.
func TestStart(t *testing.T) {
	ctx, w, said := look(t, "start", "/pipelines/web", true)
	if err := chromedp.Do(ctx,
		chromedp.SetValue(chromedp.CSS("form.start input"), `8f3c1d0'"<`), chromedp.SetValue(chromedp.CSS("form.start select"), "debug"),
		chromedp.Click(chromedp.CSS("form.start button")), chromedp.WaitVisible(chromedp.CSS("#run")),
	); err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(ask[string](ctx, t, `location.pathname`), "/ns/start/runs/")
	var run v1alpha1.Run
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "start", Name: name}, &run); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"git_sha": `8f3c1d0'"<`, "log_level": "debug"}, run.Spec.Params); diff != "" {
		t.Errorf("it has other parameters (-want +got):\n%s", diff)
	}
	silent(t, said)
}

// TestFind: the browser's own search finds the last of 50,000 lines.
func TestFind(t *testing.T) {
	ctx, w, said := look(t, "find", "/runs/web-push-live", false)
	var text strings.Builder
	for i := range 49_998 {
		fmt.Fprintf(&text, "line %d of what the tests say\n", i+3)
	}
	w.node.Print(t, "web-push-live", "test-go125", text.String())
	w.node.End(t, "web-push-live", "test-go125", 0)
	if err := chromedp.Do(ctx, chromedp.Navigate(w.url+"/ns/find/runs/web-push-live/jobs/test-go125"), chromedp.Poll[chromedp.Void](ended)); err != nil {
		t.Fatal(err)
	}
	got := ask[[]string](ctx, t, `[String(document.querySelectorAll("#log .block > div").length), String(window.find("line 50000 of")), getSelection().toString()]`)
	if diff := cmp.Diff([]string{"50000", "true", "line 50000 of"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	silent(t, said)
}

// TestListOfRuns: a new Run comes into a list of hundreds by itself.
func TestListOfRuns(t *testing.T) {
	ctx, w, said := look(t, "many", "", false)
	for n := range 300 {
		w.earlier(t, 20+n)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(w.url+"/ns/many?limit=500"), chromedp.Poll[chromedp.Void](`document.querySelectorAll("table.runs tbody tr").length === 312`)); err != nil {
		t.Fatal(err)
	}
	ask[bool](ctx, t, `window.same = true`)
	w.run(t, "web-push-new", 999, 0, "Say hello", func(s *v1alpha1.RunStatus) { s.Phase = v1alpha1.RunRunning })
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](`window.same && document.querySelector("table.runs tbody tr").innerText.includes("web/999")`)); err != nil {
		t.Fatal(err)
	}
	silent(t, said)
}
