package e2e

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// viewer is an account that the web page is looked at as, or nobody if it has no token.
type viewer struct {
	page, token string
}

// viewer makes an account that has a role of the cluster in the space, or none.
func (s *space) viewer(t *testing.T, page, name, role string) viewer {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: s.meta(name)}
	s.create(t, account)
	if role != "" {
		s.create(t, &rbacv1.RoleBinding{
			ObjectMeta: s.meta(name), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: s.namespace, Name: name}},
		})
	}
	request := &authenticationv1.TokenRequest{}
	if err := s.Client.SubResource("token").Create(s.ctx, account, request); err != nil {
		t.Fatal(err)
	}
	return viewer{page, request.Status.Token}
}

// asks the page, and returns the answer's status and text, or where it leads.
func (v viewer) asks(ctx context.Context, t *testing.T, method, path string, form url.Values) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, v.page+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if v.token != "" {
		request.Header.Set("Authorization", "Bearer "+v.token)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if to := answer.Header.Get("Location"); to != "" {
		return answer.StatusCode, to
	}
	return answer.StatusCode, string(body)
}

// TestPage: the page that the chart installs starts a Run, follows the log of its pod, and
// stops it, as its viewers may.
func TestPage(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	page, err := shared.PageURL(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if page == "" {
		t.Skip("this machine needn't be in the cluster's network")
	}
	s.create(t, s.pipeline("web", script("test", `for i in 1 2 3; do echo "line $i"; sleep 1; done`), script("long", s.patient(), "test")))
	editor, looker, stranger := s.viewer(t, page, "editor", "edit"), s.viewer(t, page, "looker", "view"), s.viewer(t, page, "stranger", "")
	pipeline := "/ns/" + s.namespace + "/pipelines/web"

	for who, v := range map[string]viewer{"who may look": looker, "a stranger": stranger} {
		if status, text := v.asks(s.ctx, t, http.MethodPost, pipeline+"/runs", nil); status != http.StatusForbidden {
			t.Errorf("%s starts a Run: %d: %s", who, status, text)
		}
	}
	if status, to := (viewer{page: page}).asks(s.ctx, t, http.MethodGet, pipeline, nil); status != http.StatusSeeOther || !strings.HasPrefix(to, "/login") {
		t.Errorf("nobody looks: %d, %s", status, to)
	}
	status, run := editor.asks(s.ctx, t, http.MethodPost, pipeline+"/runs", nil)
	if status != http.StatusSeeOther || !strings.HasPrefix(run, "/ns/"+s.namespace+"/runs/") {
		t.Fatalf("start a Run: %d: %s", status, run)
	}
	name := run[strings.LastIndex(run, "/")+1:]
	// Until the job has a pod there is no log, and from then on it is followed.
	var log string
	s.await(t, "the log of job test", func(ctx context.Context) (bool, string, error) {
		status, log = looker.asks(ctx, t, http.MethodGet, run+"/jobs/test/log?follow=1", nil)
		return status != http.StatusNotFound, http.StatusText(status), nil
	})
	if status != http.StatusOK || log != "line 1\nline 2\nline 3\n" {
		t.Errorf("the log: %d: %q", status, log)
	}
	s.awaitJob(t, name, "long", v1alpha1.JobRunning)
	if status, text := looker.asks(s.ctx, t, http.MethodGet, run, nil); status != http.StatusOK || !strings.Contains(text, "1/2 jobs") {
		t.Errorf("the page: %d: %s", status, text)
	}
	var now v1alpha1.Run
	s.get(t, name, &now)
	if status, to := editor.asks(s.ctx, t, http.MethodPost, run+"/cancel", url.Values{"uid": {string(now.UID)}}); status != http.StatusSeeOther {
		t.Errorf("cancel it: %d: %s", status, to)
	}
	s.awaitEnd(t, name, v1alpha1.RunCancelled)
}
