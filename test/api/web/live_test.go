package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/web/limits"
)

// TestRunIsLive: a Run is shown as it changes, until it has ended, and is no more sent to
// who has seen it.
func TestRunIsLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	token := w.user(t, "anna", viewing()...)
	path := "/ns/" + w.namespace + "/runs/web-asking/events"
	l := w.listen(t, token, path)
	if got := l.header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("the type is %q", got)
	}
	first := l.next(t)
	if first.name != "run" || first.id != w.asking.ResourceVersion || !strings.Contains(first.data, `data-state="asking"`) || strings.Contains(first.data, hostile) {
		t.Fatalf("first %+v", first)
	}
	has := w.listen(t, token, path+"?rv="+first.id)
	status := &w.asking.Status
	status.Phase, status.CompletionTime = v1alpha1.RunFailed, before(1)
	status.Conditions = succeeded("False", v1alpha1.ReasonJobFailed, "publish was refused")
	status.Jobs[3].Phase, status.Jobs[3].Reason, status.Jobs[3].Message = v1alpha1.JobFailed, v1alpha1.ReasonApprovalRefused, "no"
	if err := w.client.Status().Update(t.Context(), w.asking); err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]*listening{"from the beginning": l, "from the version that was shown": has} {
		if got := l.next(t); got.name != "run" || got.id != w.asking.ResourceVersion || !strings.Contains(got.data, `data-state="failed"`) {
			t.Errorf("%s: then %+v", name, got)
		}
		if got := l.next(t); got.name != "end" {
			t.Errorf("%s: at its end %+v", name, got)
		}
		if got := l.next(t); got != (event{}) {
			t.Errorf("%s: after its end %+v", name, got)
		}
	}
	shows(t, token, first.data, w.log.String())
}

// TestRunIsDeletedWhileWatched: the page is told.
func TestRunIsDeletedWhileWatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	l := w.listen(t, w.user(t, "anna", viewing()...), "/ns/"+w.namespace+"/runs/web-asking/events")
	if got := l.next(t); got.name != "run" {
		t.Fatalf("first %+v", got)
	}
	if err := w.client.Delete(t.Context(), w.asking); err != nil {
		t.Fatal(err)
	}
	if got := l.next(t); got.name != "gone" || !strings.Contains(got.data, "deleted while you looked") {
		t.Errorf("then %+v", got)
	}
}

// TestListIsLive: a new Run comes to the top, as far as the filter lets it pass.
func TestListIsLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	token := w.user(t, "anna", viewing()...)
	all := w.listen(t, token, "/ns/"+w.namespace+"/events")
	failed := w.listen(t, token, "/ns/"+w.namespace+"/events?phase=Failed")
	if got := all.next(t); got.name != "runs" || strings.Count(got.data, "<tr>") != 4 {
		t.Fatalf("first %+v", got)
	}
	if got := failed.next(t); got.name != "runs" || strings.Count(got.data, "<tr>") != 2 {
		t.Fatalf("first, of failed ones, %+v", got)
	}
	w.run(t, "web-new", w.failed.Spec.Revision, 4, func(status *v1alpha1.RunStatus) { status.Phase = v1alpha1.RunFailed })
	for name, l := range map[string]*listening{"all": all, "failed": failed} {
		got := l.next(t)
		for !strings.Contains(got.data, ">web/4<") {
			if got = l.next(t); got.name == "" {
				t.Fatalf("%s: the stream has ended without the new Run", name)
			}
		}
	}
	if err := w.client.Delete(t.Context(), w.succeeded); err != nil {
		t.Fatal(err)
	}
	if got := all.next(t); got.name != "runs" || strings.Contains(got.data, "web-succeeded") {
		t.Errorf("after a deletion %+v", got)
	}
}

// TestTokenEndsWhileWatching: a watch that has begun would go on; the page isn't shown
// any more.
func TestTokenEndsWhileWatching(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	l := w.listen(t, w.user(t, "anna", viewing()...), "/ns/"+w.namespace+"/runs/web-asking/events")
	if got := l.next(t); got.name != "run" {
		t.Fatalf("first %+v", got)
	}
	eventually(t, "the stream waits for its next ping", func(context.Context) error {
		if !w.clock.HasWaiters() {
			return errors.New("it doesn't yet")
		}
		return nil
	})
	// The token is one of today's, for an hour.
	w.clock.SetTime(time.Now().Add(2 * time.Hour))
	if got := l.next(t); got.name != "signin" || got.data != "Your session is over." {
		t.Errorf("then %+v", got)
	}
}

// TestManyTabs: a viewer has so many streams and no more, which others don't feel.
func TestManyTabs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	path := "/ns/" + w.namespace + "/runs/web-asking/events"
	for _, name := range []string{"anna", "bert", "carl", "dora", "emil", "fred", "gina", "hans", "ines", "jack"} {
		token := w.user(t, name, viewing()...)
		var last *listening
		for range limits.PerViewer {
			if last = w.listen(t, token, path); last.status != http.StatusOK {
				t.Fatalf("%s: a tab is answered with %d", name, last.status)
			}
		}
		refused := w.get(t, token, path)
		if refused.status != http.StatusServiceUnavailable || refused.header.Get("Retry-After") != "10" || !strings.Contains(refused.body, "close a tab") {
			t.Errorf("%s: one more tab: %d %v\n%s", name, refused.status, refused.header, refused.body)
		}
		last.stop()
		eventually(t, "the tab that was closed makes room", func(context.Context) error {
			l := w.listen(t, token, path) //nolint:contextcheck // It lasts as long as the test.
			if l.status != http.StatusOK {
				return errors.New("not yet")
			}
			return nil
		})
	}
}
