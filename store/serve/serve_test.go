package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/api/v1alpha1"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/logs/mask"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/store/serve"
	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/stored"
)

// printer prints three lines.
type printer struct{}

func (printer) Read(_ context.Context, _ *runlogs.Container, _ runlogs.Options, each func(*runlogs.Line) error) (runlogs.End, error) {
	for _, text := range []string{"one", "two", "three"} {
		line := &runlogs.Line{Time: time.Unix(0, 0).UTC(), Stamp: []byte("1970-01-01T00:00:00Z"), Text: []byte(text)}
		if err := each(line); err != nil {
			return runlogs.End{}, err
		}
	}
	return runlogs.End{Complete: true, Missing: []string{"a part"}}, nil
}

// world is a store with one Run, at an API server that knows some tokens.
type world struct {
	*httptest.Server

	bucket *bucket.Memory
	clock  *clocktesting.FakePassiveClock
	asked  []string
}

// User says whose a token is. One of somebody/scope gives no rights.
func (w *world) User(_ context.Context, caller *serve.Caller) (string, error) {
	w.asked = append(w.asked, "who")
	name, is := strings.CutPrefix(caller.Token, "token-of-")
	name, _, _ = strings.Cut(name, "/")
	as := caller.As.Get("Impersonate-User")
	switch {
	case !is:
		return "", apierrors.NewUnauthorized("Unauthorized")
	case as == "":
		return name, nil
	case name != "page":
		return "", apierrors.NewForbidden(schema.GroupResource{Resource: "users"}, as, fmt.Errorf("user %q cannot impersonate", name))
	default:
		return as, nil
	}
}

// May lets the users runs and logs do in namespace ci what they are called.
func (w *world) May(ctx context.Context, caller *serve.Caller, this *authorizationv1.ResourceAttributes) (bool, error) {
	w.asked = append(w.asked, strings.Join([]string{this.Verb, this.Group, this.Resource, this.Subresource, this.Namespace}, " "))
	asked := w.asked
	name, err := w.User(ctx, caller)
	w.asked = asked
	scoped := strings.Contains(caller.Token, "/")
	return this.Namespace == "ci" && !scoped && (name == "runs" && this.Resource == "runs" || name == "logs" && this.Subresource == "log"), err
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{bucket: &bucket.Memory{}, clock: clocktesting.NewFakePassiveClock(time.Unix(0, 0))}
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1", UID: "uid-1"},
		Spec:       v1alpha1.RunSpec{Pipeline: "web"}, Status: v1alpha1.RunStatus{Phase: v1alpha1.RunFailed, Number: 1},
	}
	if err := records.Put(t.Context(), w.bucket, &records.Record{Run: run}); err != nil {
		t.Fatal(err)
	}
	masker, _ := mask.New(nil)
	keeper := &logs.Keeper{Bucket: w.bucket, Source: printer{}, Clock: clock.RealClock{}}
	log := place.Log{Run: records.PlaceOf(run), Job: "test", Pod: "pod-1", Container: "main"}
	if _, err := keeper.Keep(t.Context(), log, &runlogs.Container{}, masker, 0); err != nil {
		t.Fatal(err)
	}
	w.Server = httptest.NewServer(serve.New(serve.Options{Bucket: w.bucket, Reviewer: w, Clock: w.clock, Log: logr.Discard(), Streams: 1, Archives: stored.Limits()}))
	t.Cleanup(w.Close)
	return w
}

// get returns the answer's status and text.
func (w *world) get(t *testing.T, path, header, token string) (int, string) {
	t.Helper()
	return w.getAs(t, path, map[string]string{header: token})
}

func (w *world) getAs(t *testing.T, path string, headers map[string]string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	answer, err := w.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var status metav1.Status
	if json.Unmarshal(body, &status) == nil && status.Kind == "Status" {
		return answer.StatusCode, status.Message
	}
	return answer.StatusCode, string(body)
}

// ask asks with the right to get Runs.
func (w *world) ask(t *testing.T, path string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer token-of-runs")
	answer, err := w.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// decode reads the answer.
func (w *world) decode(t *testing.T, path string, into any) {
	t.Helper()
	answer := w.ask(t, path)
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", path, answer.StatusCode, err)
	}
}

const (
	ofRun = "/v1/namespaces/ci/runs/web-1"
	ofLog = ofRun + "/logs/test/pod-1/main"
)

// TestWhoMay: each reads what the API server says he may, and nobody else does.
func TestWhoMay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path, header, token string
		status              int
		text                string
	}{
		"a record":             {ofRun, "Authorization", "Bearer token-of-runs", 200, `"name":"web-1"`},
		"through the proxy":    {ofRun, serve.TokenHeader, "bearer token-of-runs", 200, `"name":"web-1"`},
		"by number":            {"/v1/namespaces/ci/pipelines/web/runs/1", serve.TokenHeader, "Bearer token-of-runs", 200, `"name":"web-1"`},
		"a list":               {"/v1/namespaces/ci/runs", "Authorization", "Bearer token-of-runs", 200, `"name":"web-1"`},
		"a log":                {ofLog, "Authorization", "Bearer token-of-logs", 200, "{\"first\":1,\"from\":1,\"end\":{"},
		"no token":             {ofRun, "", "", 401, "the request has no token: send it in the header Authorization, or through the API server's proxy in Kayci-Token"},
		"a password":           {ofRun, "Authorization", "Basic token-of-runs", 401, "the request has no token"},
		"a token of nobody":    {ofRun, "Authorization", "Bearer x", 401, "the API server doesn't take the token"},
		"a record, not a log":  {ofLog, "Authorization", "Bearer token-of-runs", 403, "forbidden: runs may not get pods/log in namespace ci"},
		"a log, not a record":  {ofRun, "Authorization", "Bearer token-of-logs", 403, "forbidden: logs may not get runs in namespace ci"},
		"another namespace":    {"/v1/namespaces/other/runs/web-1", "Authorization", "Bearer token-of-runs", 403, "forbidden: runs may not get runs in namespace other"},
		"no such Run":          {"/v1/namespaces/ci/runs/web-2", "Authorization", "Bearer token-of-runs", 404, "run web-2: no object has this name"},
		"no such log":          {ofRun + "/logs/test/pod-2/main", "Authorization", "Bearer token-of-logs", 404, "the log of container main of pod pod-2 of run web-1: no object has this name"},
		"a name that is none":  {"/v1/namespaces/ci/runs/..%2f..%2fother", "Authorization", "Bearer token-of-runs", 400, `no name: run "../../other"`},
		"another that is none": {ofRun + "?uid=a/b", "Authorization", "Bearer token-of-runs", 400, `no name: uid "a/b"`},
		"no number":            {"/v1/namespaces/ci/pipelines/web/runs/-1", "Authorization", "Bearer token-of-runs", 400, `no name: "-1" is no number`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if status, text := w.get(t, tt.path, tt.header, tt.token); status != tt.status || !strings.Contains(text, tt.text) {
				t.Errorf("%d: %s", status, text)
			}
		})
	}
}

// TestAnswersAreKept: the API server is asked once for a while, and then anew.
func TestAnswersAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.get(t, ofRun, "Authorization", "Bearer token-of-runs")
	}
	w.get(t, ofLog, "Authorization", "Bearer token-of-runs")
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.get(t, ofRun, "Authorization", "Bearer token-of-runs")
	want := []string{"who", "get kayci.dev runs  ci", "get  pods log ci", "who", "get kayci.dev runs  ci"}
	if diff := cmp.Diff(want, w.asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestScopes: what one token of a user may, another of the same user may not.
func TestScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for token, want := range map[string]int{"token-of-runs": 200, "token-of-runs/none": 403} {
		for range 2 {
			if got, text := w.get(t, ofRun, "Authorization", "Bearer "+token); got != want {
				t.Errorf("%s: %d: %s", token, got, text)
			}
		}
	}
}

// TestForOthers: who may act for another gets what that one may, nobody else does, and no
// more of it than for that one.
func TestForOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tt := range map[string]struct {
		headers map[string]string
		status  int
		text    string
	}{
		"through the proxy":      {map[string]string{serve.TokenHeader: "Bearer token-of-page", "Kayci-Impersonate-User": "runs"}, 200, `"name":"web-1"`},
		"without it":             {map[string]string{"Authorization": "Bearer token-of-page", "Impersonate-User": "runs"}, 200, `"name":"web-1"`},
		"one who may not":        {map[string]string{serve.TokenHeader: "Bearer token-of-page", "Kayci-Impersonate-User": "logs"}, 403, "forbidden: logs may not get runs"},
		"by one who may not":     {map[string]string{serve.TokenHeader: "Bearer token-of-runs", "Kayci-Impersonate-User": "runs"}, 403, `user "runs" cannot impersonate`},
		"for himself":            {map[string]string{serve.TokenHeader: "Bearer token-of-page"}, 403, "forbidden: page may not get runs"},
		"groups of nobody":       {map[string]string{serve.TokenHeader: "Bearer token-of-runs", "Kayci-Impersonate-Group": "g"}, 400, "the request says groups"},
		"not what both say":      {map[string]string{serve.TokenHeader: "Bearer token-of-page", "Impersonate-User": "runs"}, 403, "forbidden: page may not get runs"},
		"by nobody's token":      {map[string]string{serve.TokenHeader: "Bearer x", "Kayci-Impersonate-User": "runs"}, 401, "the API server doesn't take the token"},
		"other words are none's": {map[string]string{serve.TokenHeader: "Bearer token-of-runs", "Kayci-Impersonated": "x"}, 200, `"name":"web-1"`},
	} {
		if status, text := w.getAs(t, ofRun, tt.headers); status != tt.status || !strings.Contains(text, tt.text) {
			t.Errorf("%s: %d: %s", name, status, text)
		}
	}
}

// TestMethods: the store is read, and nothing else.
func TestMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		request, err := http.NewRequestWithContext(t.Context(), method, w.URL+ofLog, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer token-of-logs")
		answer, err := w.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, answer.Status)
		}
	}
	if len(w.asked) != 0 {
		t.Errorf("asked %v", w.asked)
	}
}

// TestLog: a log comes from a line on or before.
func TestLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lines = "1970-01-01T00:00:00Z one\n1970-01-01T00:00:00Z two\n1970-01-01T00:00:00Z three\n"
	for query, from := range map[string]int64{"": 1, "?from=2": 2, "?tail=1": 3, "?tail=9": 1, "?from=9": 9, "?tail=0": 4} {
		_, text := w.get(t, ofLog+query, "Authorization", "Bearer token-of-logs")
		head, rest, _ := strings.Cut(text, "\n")
		var got serve.Head
		if err := json.Unmarshal([]byte(head), &got); err != nil {
			t.Fatal(err)
		}
		want := serve.Head{First: 1, From: from, End: &logs.End{Lines: 3, Bytes: 14, First: time.Unix(0, 0).UTC(), Last: time.Unix(0, 0).UTC(), Complete: true, Missing: []string{"a part"}}}
		if diff := cmp.Diff(want, got); diff != "" || rest != lines {
			t.Errorf("%s: %q (-want +got):\n%s", query, rest, diff)
		}
	}
	// Where the store stopped following, the log has no end.
	log := place.Log{Run: ofWorld(), Job: "test", Pod: "pod-1", Container: "main"}
	if err := w.bucket.Delete(t.Context(), log.End()); err != nil {
		t.Fatal(err)
	}
	_, text := w.get(t, ofLog+"?tail=2", "Authorization", "Bearer token-of-logs")
	if want := `{"first":1,"from":2}` + "\n" + lines; text != want {
		t.Errorf("without an end: %q", text)
	}
}
