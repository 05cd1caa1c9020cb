package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/web"
	"github.com/kayci/kayci/web/viewer"
)

func editing() []string { return []string{"create", "patch", "approve"} }

// TestActions: each does what its button says, to what the page has shown.
func TestActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	token := w.user(t, "anna", append(viewing(), rule(v1alpha1.Group, "runs", editing()...), rule(v1alpha1.Group, "configrepos", "patch"))...)
	ns := "/ns/" + w.namespace
	post := func(path string, form url.Values) answer {
		t.Helper()
		return w.request(t, token, http.MethodPost, ns+path, form)
	}
	refused := map[string]answer{
		"another Run of that name": post("/runs/web-asking/cancel", url.Values{"uid": {"other"}}),
		"a job that has run":       post("/runs/web-asking/jobs/lint/approve", nil),
		"a Run that has succeeded": post("/runs/web-succeeded/retry", nil),
		"a Run that has ended":     post("/runs/web-failed/cancel", nil),
	}
	for name, got := range refused {
		if got.status != http.StatusConflict {
			t.Errorf("%s: %d\n%s", name, got.status, got.body)
		}
	}
	for _, done := range []struct{ path, next string }{
		{"/runs/web-asking/jobs/publish/approve", ns + "/runs/web-asking"},
		{"/runs/web-asking/cancel", ns + "/runs/web-asking"},
		{"/configrepos/config/sync", ns + "/configrepos/config"},
		{"/runs/web-failed/retry", ns + "/runs/web-"},
	} {
		form := url.Values{"reason": {"looks good"}}
		if strings.Contains(done.path, "asking") {
			form.Set("uid", string(w.asking.UID))
		}
		if got := post(done.path, form); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), done.next) {
			t.Errorf("%s: %d to %s\n%s", done.path, got.status, got.header.Get("Location"), got.body)
		}
	}
	w.read(t, w.asking)
	if diff := cmp.Diff([]v1alpha1.Approval{{Job: "publish", Message: "looks good"}}, w.asking.Spec.Approvals); diff != "" || !w.asking.Spec.Cancelled {
		t.Errorf("cancelled is %v, approvals are (-want +got):\n%s", w.asking.Spec.Cancelled, diff)
	}
	repo := &v1alpha1.ConfigRepo{ObjectMeta: w.meta("config")}
	w.read(t, repo)
	if repo.Annotations[fluxmeta.ReconcileRequestAnnotation] == "" {
		t.Error("no sync is asked for")
	}
}

// TestStart: parameters arrive as they were typed, and those that the Pipeline doesn't
// take bring the form back with what was typed.
func TestStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	token := w.user(t, "anna", append(viewing(), rule(v1alpha1.Group, "runs", "create"))...)
	path := "/ns/" + w.namespace + "/pipelines/web/runs"
	const typed = "it's \"quoted\"\r\n$(rm -rf /) <b>"
	wrong := w.request(t, token, http.MethodPost, path, url.Values{"param.greeting": {typed}, "param.level": {"middle"}, "param.other": {"x"}})
	if wrong.status != http.StatusUnprocessableEntity {
		t.Errorf("wrong parameters: %d", wrong.status)
	}
	w.golden(t, "pipeline-wrong", steady(wrong.body))

	right := w.request(t, token, http.MethodPost, path, url.Values{"param.greeting": {typed}, "param.level": {"low"}, "param.git_sha": {sha}})
	_, name, found := strings.Cut(right.header.Get("Location"), "/runs/")
	if right.status != http.StatusSeeOther || !found {
		t.Fatalf("right parameters: %d %v\n%s", right.status, right.header, right.body)
	}
	run := &v1alpha1.Run{ObjectMeta: w.meta(name)}
	w.read(t, run)
	want := map[string]string{"git_sha": sha, "greeting": "it's \"quoted\"\n$(rm -rf /) <b>"}
	if diff := cmp.Diff(want, run.Spec.Params); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

// TestOthersCantAct: another site's form, and whoever hasn't signed in, change nothing.
func TestOthersCantAct(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	token := w.user(t, "anna", append(viewing(), rule(v1alpha1.Group, "runs", editing()...))...)
	stored := w.stored(t)
	cross := w.request(t, token, http.MethodPost, "/ns/"+w.namespace+"/runs/web-asking/cancel", nil, func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	})
	if cross.status != http.StatusForbidden || !strings.Contains(cross.body, "Another site has sent this") {
		t.Errorf("another site's: %d\n%s", cross.status, cross.body)
	}
	// The account could; who looks as it can't.
	file := writeFile(t, token)
	w.url = w.serve(t, func(o *web.Options) { o.Viewers = viewer.First{o.Viewers, viewer.Anonymous{File: file}} })
	if got := w.request(t, "", http.MethodPost, "/ns/"+w.namespace+"/runs/web-asking/cancel", nil); got.status != http.StatusForbidden {
		t.Errorf("anonymous: %d\n%s", got.status, got.body)
	}
	if got := w.request(t, "", http.MethodPost, "/ns/"+w.namespace+"/pipelines/web/runs", url.Values{"param.git_sha": {sha}}); got.status != http.StatusForbidden {
		t.Errorf("anonymous start: %d\n%s", got.status, got.body)
	}
	page := w.request(t, "", http.MethodGet, "/ns/"+w.namespace+"/runs/web-asking", nil)
	if page.status != http.StatusOK || strings.Contains(page.body, "<button") || !strings.Contains(page.body, "You have not signed in") {
		t.Errorf("anonymous: %d\n%s", page.status, page.body)
	}
	if diff := cmp.Diff(stored, w.stored(t)); diff != "" {
		t.Errorf("something has changed (-before +after):\n%s", diff)
	}
	shows(t, token, page.body, w.log.String())
}
