package githost_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/controllers/githost"
)

// appKey is a key that signs, once for all tests: to make one takes long.
var appKey = func() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}()

func appSecret(id string) map[string][]byte {
	return map[string][]byte{"appID": []byte(id), "installationID": []byte("22"), "privateKey": appKey}
}

// tokenOf is what an app asks for first.
func tokenOf() exchange {
	return exchange{
		request: "POST /app/installations/22/access_tokens {}", code: 201,
		answer: fmt.Sprintf(`{"token":%q,"expires_at":%q}`, canary, noon.Add(time.Hour).Format(time.RFC3339)),
	}
}

// checker opens GitHub as an app.
func checker(t *testing.T, opener *githost.Opener, api, id string) githost.Checker {
	t.Helper()
	host, err := opener.Open(t.Context(), &githost.Access{Provider: "github", API: api, Secret: appSecret(id)})
	if err != nil {
		t.Fatal(err)
	}
	checker, is := host.(githost.Checker)
	if !is {
		t.Fatalf("a %T takes no checks", host)
	}
	return checker
}

func newOpener() *githost.Opener {
	return githost.NewOpener(clocktesting.NewFakePassiveClock(noon), nil)
}

func check(edits ...func(*githost.Check)) *githost.Check {
	c := &githost.Check{
		Status: githost.Status{State: githost.Running, Context: "kayci/web", Description: "1 of 2 jobs ended", URL: "https://ci.example.com/web-1"},
		ID:     "ci/web-push/web-1/uid", Started: noon, Summary: "| Job |",
	}
	for _, edit := range edits {
		edit(c)
	}
	return c
}

func ended(state githost.State) func(*githost.Check) {
	return func(c *githost.Check) { c.State, c.Ended, c.Text = state, noon.Add(time.Minute), "its log" }
}

func held(c *githost.Check) {
	*c = githost.Check{Status: githost.Status{State: githost.Pending, Context: "kayci/web", Description: "waits for a label"}, ID: "ci/web-push", ActionRequired: true}
}

const (
	checkRuns = "/repos/acme/web/check-runs"
	// said is how a check of the tests goes on behind its SHA.
	said = `"external_id":"ci/web-push/web-1/uid","details_url":"https://ci.example.com/web-1",`
)

var (
	listChecks = exchange{request: "GET /repos/acme/web/commits/" + head + "/check-runs?app_id=11&check_name=kayci%2Fweb&filter=all&page=1&per_page=3"}
	isRunning  = `"status":"in_progress","started_at":"2026-03-01T12:00:00Z","output":{"title":"1 of 2 jobs ended","summary":"| Job |"}}`
)

func hasEnded(conclusion string) string {
	return `"status":"completed","started_at":"2026-03-01T12:00:00Z","conclusion":"` + conclusion + `","completed_at":"2026-03-01T12:01:00Z","output":{"title":"1 of 2 jobs ended","summary":"| Job |","text":"its log"}}`
}

func listed(checks ...string) exchange {
	list := listChecks
	list.answer = `{"total_count":1,"check_runs":[` + strings.Join(checks, ",") + `]}`
	return list
}

func one(number int, id, status string) string {
	return fmt.Sprintf(`{"id":%d,"external_id":%q,"status":%q,"app":{"id":11,"client_id":"Iv1.a"}}`, number, id, status)
}

func created(body string) exchange {
	return exchange{request: "POST " + checkRuns + " " + body, code: 201, answer: one(5, "ci/web-push/web-1/uid", "in_progress")}
}

func changedTo(number int, body string) exchange {
	return exchange{request: fmt.Sprintf("PATCH %s/%d %s", checkRuns, number, body), answer: one(number, "ci/web-push/web-1/uid", "completed")}
}

func TestSetCheck(t *testing.T) {
	t.Parallel()
	const name, sha = `{"name":"kayci/web",`, `"head_sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",`
	const own = "ci/web-push/web-1/uid"
	other := one(4, "ci/web-push/web-0/uid", "completed")
	next := listed(one(9, own, "in_progress"))
	next.request = strings.Replace(next.request, "page=1&", "page=2&", 1)
	byClient := func(checks ...string) exchange {
		list := listed(checks...)
		list.request = strings.Replace(list.request, "app_id=11&", "", 1)
		return list
	}
	for title, tt := range map[string]struct {
		app     string
		check   *githost.Check
		asked   []exchange
		problem string
	}{
		"a new one":                {check: check(), asked: []exchange{listed(), created(name + sha + said + isRunning)}},
		"of another Run":           {check: check(), asked: []exchange{listed(other), created(name + sha + said + isRunning)}},
		"that is there":            {check: check(), asked: []exchange{listed(other, one(7, own, "in_progress")), changedTo(7, name+said+isRunning)}},
		"twice":                    {check: check(), asked: []exchange{listed(one(8, own, "queued"), one(7, own, "queued")), changedTo(8, name+said+isRunning)}},
		"on another page":          {check: check(), asked: []exchange{listed(other, other, other), next, changedTo(9, name+said+isRunning)}},
		"success":                  {check: check(ended(githost.Success)), asked: []exchange{listed(one(7, own, "in_progress")), changedTo(7, name+said+hasEnded("success"))}},
		"failure":                  {check: check(ended(githost.Failure)), asked: []exchange{listed(one(7, own, "in_progress")), changedTo(7, name+said+hasEnded("failure"))}},
		"cancelled":                {check: check(ended(githost.Cancelled)), asked: []exchange{listed(one(7, own, "completed")), changedTo(7, name+said+hasEnded("cancelled"))}},
		"late":                     {check: check(), asked: []exchange{listed(one(7, own, "completed"))}},
		"queued":                   {check: check(func(c *githost.Check) { c.State, c.Started, c.Summary, c.URL = githost.Pending, time.Time{}, "", "" }), asked: []exchange{listed(), created(name + sha + `"external_id":"` + own + `","status":"queued","output":{"title":"1 of 2 jobs ended","summary":"1 of 2 jobs ended"}}`)}},
		"held":                     {check: check(held), asked: []exchange{listed(), created(name + sha + `"external_id":"ci/web-push","status":"completed","conclusion":"action_required","output":{"title":"waits for a label","summary":"waits for a label"}}`)}},
		"by a client id":           {app: "Iv1.a", check: check(), asked: []exchange{byClient(one(7, own, "queued")), changedTo(7, name+said+isRunning)}},
		"by another app":           {app: "Iv1.b", check: check(), asked: []exchange{byClient(one(7, own, "queued")), created(name + sha + said + isRunning)}},
		"a token that isn't known": {check: check(), asked: []exchange{{request: listChecks.request, code: 401, answer: `{"message":"Bad credentials"}`}}, problem: "AuthenticationFailed: GET git.example.com/repos/acme/web/commits/" + head + "/check-runs is answered with 401: Bad credentials"},
		"a page":                   {check: check(), asked: []exchange{{request: listChecks.request, answer: "<html>"}}, problem: "is answered with what isn't the JSON that is expected"},
		"a page for an answer":     {check: check(), asked: []exchange{listed(), {request: "POST " + checkRuns + " " + name + sha + said + isRunning, answer: "<html>"}}, problem: "is answered with what isn't the JSON that is expected"},
		"an app without the right": {check: check(), asked: []exchange{listed(), refusedBy(403, nil, "Resource not accessible by integration", name+sha+said+isRunning)}, problem: "Forbidden: POST git.example.com/repos/acme/web/check-runs is answered with 403: Resource not accessible by integration; the token lacks a permission"},
		"too often":                {check: check(), asked: []exchange{listed(), refusedBy(403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(noon.Add(time.Minute).Unix())}, "API rate limit exceeded", name+sha+said+isRunning)}, problem: "RateLimited: POST git.example.com/repos/acme/web/check-runs is answered with 403: API rate limit exceeded; the host takes more requests in 1m"},
		"no such repository":       {check: check(), asked: []exchange{{request: listChecks.request, code: 404, answer: `{"message":"Not Found"}`}}, problem: "NotFound: GET "},
		"no such commit":           {check: check(), asked: []exchange{listed(), refusedBy(422, nil, "No commit found for SHA", name+sha+said+isRunning)}, problem: "Refused: POST git.example.com/repos/acme/web/check-runs is answered with 422: No commit found for SHA"},
		"down":                     {check: check(), asked: []exchange{listed(), refusedBy(500, nil, "Server Error", name+sha+said+isRunning)}, problem: "is answered with 500: Server Error"},
		"a redirect elsewhere":     {check: check(), asked: []exchange{listed(), refusedBy(307, map[string]string{"Location": "http://127.0.0.2:1/x"}, "", name+sha+said+isRunning)}, problem: "InvalidURL: POST git.example.com/repos/acme/web/check-runs is answered by a redirect to another host"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if tt.app == "" {
				tt.app = "11"
			}
			tt.asked = append([]exchange{tokenOf()}, tt.asked...)
			server := &answerer{t: t, left: tt.asked}
			err := checker(t, newOpener(), serve(t, server), tt.app).SetCheck(t.Context(), "acme/web", head, tt.check)
			got := ownerOf(err)
			if (err != nil) != (tt.problem != "") || !strings.Contains(got.Text, tt.problem) || strings.Contains(got.Text, canary) {
				t.Errorf("the error is %s, want %q in it", got.Text, tt.problem)
			}
			expectAsked(t, server, tt.asked)
		})
	}
}

func refusedBy(code int, header map[string]string, message, body string) exchange {
	return exchange{request: "POST " + checkRuns + " " + body, code: code, header: header, answer: fmt.Sprintf(`{"message":%q}`, message)}
}

func expectAsked(t *testing.T, server *answerer, asked []exchange) {
	t.Helper()
	var want []string
	for _, each := range asked {
		want = append(want, each.request)
	}
	if diff := cmp.Diff(want, server.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestCheckIsRemembered: a process asks once which check run is the one, and again
// after GitHub hasn't taken what it said.
func TestCheckIsRemembered(t *testing.T) {
	t.Parallel()
	const name, sha = `{"name":"kayci/web",`, `"head_sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",`
	refused := changedTo(5, name+said+isRunning)
	refused.code = 500
	asked := []exchange{
		tokenOf(), listed(), created(name + sha + said + isRunning), refused,
		listed(one(5, "ci/web-push/web-1/uid", "in_progress")), changedTo(5, name+said+hasEnded("success")),
	}
	server := &answerer{t: t, left: asked}
	opener, api := newOpener(), serve(t, server)
	for _, each := range []*githost.Check{check(), check(), check(ended(githost.Success)), check()} {
		// The errors are those of the other test.
		_ = checker(t, opener, api, "11").SetCheck(t.Context(), "acme/web", head, each)
	}
	expectAsked(t, server, asked)
}

// TestCheckTokenIsRevoked: an app asks for another token where GitHub doesn't take the
// one that it has.
func TestCheckTokenIsRevoked(t *testing.T) {
	t.Parallel()
	const own = "ci/web-push/web-1/uid"
	for _, code := range []int{401, 403} {
		refused := exchange{request: listChecks.request, code: code, answer: `{"message":"no"}`}
		changed := changedTo(7, `{"name":"kayci/web",`+said+isRunning)
		asked := []exchange{tokenOf(), refused, tokenOf(), listed(one(7, own, "in_progress")), changed}
		server := &answerer{t: t, left: asked}
		opener, api := newOpener(), serve(t, server)
		var errs []error
		for range 2 {
			errs = append(errs, checker(t, opener, api, "11").SetCheck(t.Context(), "acme/web", head, check()))
		}
		if errs[0] == nil || errs[1] != nil {
			t.Errorf("%d: %v", code, errs)
		}
		expectAsked(t, server, asked)
	}
}

// TestCheckNames: no name is put into an address that isn't one.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	for _, names := range [][2]string{{"acme/..", head}, {"acme", head}, {"acme/web", "main"}, {"acme/web?x", head}} {
		server := &answerer{t: t, left: []exchange{tokenOf()}}
		err := checker(t, newOpener(), serve(t, server), "11").SetCheck(context.Background(), names[0], names[1], check())
		if got := ownerOf(err); got.Reason != "InvalidSpec" || len(server.asked) != 1 {
			t.Errorf("%q: %s, after %q", names, got.Text, server.asked)
		}
	}
}

// TestCheckTokenStays: neither does the app's token follow a redirect.
func TestCheckTokenStays(t *testing.T) {
	t.Parallel()
	var taken []string
	other := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { taken = append(taken, r.Header.Get("Authorization")) }))
	asked := []exchange{tokenOf(), {code: 307, header: map[string]string{"Location": other + "/x"}}}
	err := checker(t, newOpener(), serve(t, &answerer{t: t, left: asked}), "11").SetCheck(t.Context(), "acme/web", head, check())
	if got := ownerOf(err); got.Reason != "InvalidURL" || len(taken) > 0 {
		t.Errorf("%s; another host got %q", got.Text, taken)
	}
}
