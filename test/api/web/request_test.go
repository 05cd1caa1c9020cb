package web_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the pages in testdata anew")

// await waits until the API server's authorizer knows of the account's role.
func (s *site) await(t *testing.T, account string) {
	t.Helper()
	s.awaitUser(t, "system:serviceaccount:"+s.namespace+":"+account)
}

// awaitUser waits until the API server's authorizer lets the user, of these groups, look
// at Runs.
func (s *site) awaitUser(t *testing.T, user string, groups ...string) {
	t.Helper()
	s.awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: user, Groups: groups, ResourceAttributes: &authorizationv1.ResourceAttributes{
		Namespace: s.namespace, Verb: "get", Group: v1alpha1.Group, Resource: "runs",
	}})
}

func (s *site) awaitRight(t *testing.T, right authorizationv1.SubjectAccessReviewSpec) {
	t.Helper()
	eventually(t, "the role of "+right.User+" counts", func(ctx context.Context) error {
		review, err := s.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: right}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		if !review.Status.Allowed {
			return errors.New("not yet")
		}
		return nil
	})
}

// answer is what came of a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// request sends one as a proxy would for the holder of the token; blank: for nobody.
// What it is changed by comes last.
func (s *site) request(t *testing.T, token, method, path string, form url.Values, change ...func(*http.Request)) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, cookie := range s.cookies {
		r.AddCookie(cookie)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, change := range change {
		change(r)
	}
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := stay.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// signIn has all that is asked for after it carry the cookies of the answer.
func (s *site) signIn(t *testing.T, in answer) {
	t.Helper()
	if in.status != http.StatusSeeOther {
		t.Fatalf("signed in with %d\n%s", in.status, in.body)
	}
	s.cookies = nil
	for _, cookie := range (&http.Response{Header: in.header}).Cookies() {
		if cookie.MaxAge >= 0 {
			s.cookies = append(s.cookies, cookie)
		}
	}
}

func (s *site) get(t *testing.T, token, path string) answer {
	t.Helper()
	return s.request(t, token, http.MethodGet, path, nil)
}

// golden compares the page with that of testdata, with the namespace's name and the
// files' hash put out of the way.
func (s *site) golden(t *testing.T, name, html string) {
	t.Helper()
	html = strings.ReplaceAll(html, s.namespace, "NAMESPACE")
	html = regexp.MustCompile(`/static/[0-9a-f]{16}/`).ReplaceAllString(html, "/static/HASH/")
	html = regexp.MustCompile(`[ \t]+\n|\n{2,}`).ReplaceAllString(html, "\n")
	file := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(file, []byte(html), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), html); diff != "" {
		t.Errorf("%s (-want +got); -update writes it anew:\n%s", file, diff)
	}
}
