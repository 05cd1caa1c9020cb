package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/page"
	"github.com/kayci/kayci/web"
)

// right is one that the page's account has in the name of others.
type right struct{ Verb, Group, Resource string }

func (r right) String() string { return r.Verb + " " + r.Group + "/" + r.Resource }

// taken are the rights that the page's requests have taken, each with a request that did.
type taken struct {
	mu     sync.Mutex
	rights map[right]*http.Request
}

// take notes what the request takes.
func (k *taken) take(r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, right := range takes(r) {
		k.rights[right] = r
	}
}

// await waits until a request has taken the right.
func (k *taken) await(t *testing.T, right right) {
	t.Helper()
	eventually(t, "it is asked to "+right.String(), func(context.Context) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.rights[right] == nil {
			return errors.New("not yet")
		}
		return nil
	})
}

// takes are the rights that an account needs to send the request in another's name.
func takes(r *http.Request) []right {
	const authentication = "authentication.k8s.io"
	rights := []right{requested(r)}
	if r.Header.Get("Impersonate-User") != "" {
		rights = append(rights, right{"impersonate:user-info", authentication, "users"})
	}
	if r.Header.Get("Impersonate-Group") != "" {
		rights = append(rights, right{"impersonate:user-info", authentication, "groups"})
	}
	return rights
}

// requested is what the API server is asked to do, as RBAC names it.
func requested(r *http.Request) right {
	var group string
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if path[0] == "apis" {
		group, path = path[1], path[1:]
	}
	if path = path[2:]; path[0] == "namespaces" && len(path) > 2 {
		path = path[2:]
	}
	verb, resource := strings.ToLower(r.Method), path[0]
	if len(path) > 2 {
		resource += "/" + path[2]
	}
	switch {
	case r.URL.Query().Has("watch"):
		verb = "watch"
	case r.Method == http.MethodGet && len(path) == 1:
		verb = "list"
	case r.Method == http.MethodPost:
		verb = "create"
	}
	return right{"impersonate-on:user-info:" + verb, group, resource}
}

// given are the rights of the rules, one by one.
func given(rules []rbacv1.PolicyRule) []right {
	var rights []right
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					rights = append(rights, right{verb, group, resource})
				}
			}
		}
	}
	return rights
}

// without are the rules but for a right of theirs.
func without(rules []rbacv1.PolicyRule, lost right) []rbacv1.PolicyRule {
	var rest []rbacv1.PolicyRule
	for _, rule := range rules {
		if slices.Contains(rule.APIGroups, lost.Group) && slices.Contains(rule.Resources, lost.Resource) {
			rule.Verbs = slices.DeleteFunc(slices.Clone(rule.Verbs), func(verb string) bool { return verb == lost.Verb })
		}
		if len(rule.Verbs) > 0 {
			rest = append(rest, rule)
		}
	}
	return rest
}

// TestActingTakesTheChartsRights: the rights that the chart gives the page's account are
// those that the page takes for who may do all, no more and no fewer, and each of them is
// one that the API server asks for.
func TestActingTakesTheChartsRights(t *testing.T) {
	t.Parallel()
	if server == nil {
		t.Skipf("%s is not set: run `make test-api`, which builds the API server and sets it", assetsVariable)
	}
	k := &taken{rights: map[right]*http.Request{}}
	through := page.Proxy(t, server)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.take(r)
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	w, _ := person(t, anEditor, func(o *web.Options) { o.Config = &rest.Config{Host: proxy.URL} })
	for _, e := range endpoints() {
		w.try(t, "", e, e.want[anEditor])
	}
	// A stream that is ended at its first word may not have come to its watch. The log of
	// a container that hasn't started waits for that.
	following, stop := context.WithCancel(t.Context())
	w.follow(following, t, "/ns/"+w.namespace+"/events")
	w.follow(following, t, "/ns/"+w.namespace+"/runs/web-asking/jobs/build/log?follow=1")
	k.await(t, right{"impersonate-on:user-info:watch", v1alpha1.Group, "runs"})
	k.await(t, right{"impersonate-on:user-info:watch", "", "pods"})
	stop()
	k.mu.Lock()
	defer k.mu.Unlock()
	rules := acting(t)
	names := func(rights []right) []string {
		var names []string
		for _, right := range rights {
			names = append(names, right.String())
		}
		slices.Sort(names)
		return names
	}
	var took []right
	for right := range k.rights {
		took = append(took, right)
	}
	if diff := cmp.Diff(names(given(append(rules, reach(reachForOthers)))), names(took)); diff != "" {
		t.Errorf("the chart's rights, and those that are taken (-chart +taken):\n%s", diff)
	}
	for lost, r := range k.rights {
		t.Run(lost.String(), func(t *testing.T) {
			account := "without-" + strings.NewReplacer(":", "-", ".", "-", "/", "-", " ", "-").Replace(lost.String())
			w.refuses(t, w.actor(t, account, without(rules, lost)), r, lost)
		})
	}
}

// follow asks for what has no end before the context is done.
func (w *world) follow(ctx context.Context, t *testing.T, path string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range w.cookies {
		r.AddCookie(cookie)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if answer, err := http.DefaultTransport.RoundTrip(r); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	}()
	t.Cleanup(func() { <-ended })
}

// refuses sends the request again by the account's token, and fails unless the API server
// says that the account lacks the right.
func (w *world) refuses(t *testing.T, token string, r *http.Request, lost right) {
	t.Helper()
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(server))
	if err != nil {
		t.Fatal(err)
	}
	again, err := http.NewRequestWithContext(t.Context(), r.Method, server.Host+r.URL.RequestURI(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	again.Header = r.Header.Clone()
	again.Header.Set("Authorization", "Bearer "+token)
	again.Header.Set("Accept", "application/json")
	answer, err := transport.RoundTrip(again)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "cannot "+lost.Verb+" resource") {
		t.Errorf("%s %s: %d without that right\n%s", r.Method, r.URL, answer.StatusCode, body)
	}
}
