package githost_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
)

// FuzzAnswers checks that whatever a host answers, what is made of it keeps its limits, and
// the token stands in no error.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		hubPull(hubRepo("anna/web")), hubPull("null"), `{"number":7}`, "[]", "<html>", "", strings.Repeat("[", 1000), `{"permission":"write"}`, `[{"filename":"a"}]`,
		`{"id":7,"source":{"commit":{"hash":"` + head[:12] + `"}},"hash":"` + head + `","values":[{"permission":"admin"}]}`,
		`{"iid":7,"sha":"` + head + `","source_project_id":2,"path_with_namespace":"a/b"}`,
		`{"id":7,"fromRef":{"latestCommit":"` + head + `","repository":{"slug":"web","project":{"key":"A"}}},"values":[{"name":"anna","active":true}]}`,
	} {
		f.Add(uint16(200), []byte(seed))
		f.Add(uint16(404), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, code uint16, answer []byte) {
		api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200 + int(code)%400)
			_, _ = w.Write(answer)
		}))
		for _, provider := range everyHost() {
			host := open(t, provider, api+path(provider))
			for _, ask := range asks() {
				if _, err := ask(t.Context(), host); strings.Contains(fmt.Sprint(err), canary) {
					t.Errorf("the token is in %v", err)
				}
			}
			expectPull(t, provider, api)
		}
	})
}

func expectPull(t *testing.T, provider v1alpha1.Provider, api string) {
	t.Helper()
	e, err := open(t, provider, api+path(provider)).PullRequest(t.Context(), "acme/web", 7)
	if err != nil {
		return
	}
	pr := &e.PullRequest
	if pr.Number < 1 || e.SHA == "" || len(pr.Title) > 1024 || len(pr.Labels) > 100 || len(e.URL) > 2048 || len(pr.HeadRepository) > 1024 {
		t.Errorf("%s: the pull request %+v", provider, e)
	}
	if !pr.Fork && pr.HeadRepository == "" {
		t.Errorf("%s: a pull request from nowhere counts as none of a fork", provider)
	}
}
