package webhook

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
)

func withIf(source string) func(*v1alpha1.TriggerSpec) {
	return func(s *v1alpha1.TriggerSpec) { s.Webhook.If = source }
}

// pushOf is a push of GitHub with a field that is given in JSON.
func pushOf(t testing.TB, field string) string {
	t.Helper()
	head, _, _ := strings.Cut(payload(t, "github-push"), `"commits"`)
	return head + `"head_commit": {"id": "` + "6113728f27ae82c7b1a177c8d03f9e96e0adf246" + `"}, ` + field + "}"
}

// TestBodiesCostWhatTheyWeigh sends bodies that would take much memory for their
// size, and measures all that is allocated for them, kept or not.
func TestBodiesCostWhatTheyWeigh(t *testing.T) {
	const most = 32
	commit := `{"id":"","added":["a"],"removed":[],"modified":[]},`
	for name, field := range map[string]string{
		"nothing":       `"x": 0`,
		"empty lists":   `"x": [` + strings.Repeat("[],", 200_000) + `0]`,
		"objects":       `"x": [` + strings.Repeat(`{"a":1},`, 100_000) + `0]`,
		"empty commits": `"commits": [` + strings.Repeat("{},", 200_000) + `{}]`,
		"commits":       `"commits": [` + strings.Repeat(commit, 40_000) + `{}]`,
		"paths":         `"commits": [{"added": [` + strings.Repeat(`"ab",`, 200_000) + `""]}]`,
		"a long path":   `"commits": [{"added": ["` + strings.Repeat("a", 1<<20) + `"]}]`,
		"a long text":   `"head_commit": {"id": "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "message": "` + strings.Repeat("a", 1<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderGitHub))})
			req := signedGitHub("/hooks/ci/web-push", "d1", "push", pushOf(t, field))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w := f.send(req)
			runtime.ReadMemStats(&after)
			if w.Code != http.StatusCreated {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			took := int(after.TotalAlloc - before.TotalAlloc)
			if limit := 3<<20 + most*len(req.body); took > limit {
				t.Errorf("a body of %d bytes allocated %d, want at most %d", len(req.body), took, limit)
			}
		})
	}
}

// TestDecodedBodiesShareMemory takes the memory for decoded bodies: who asks for a
// body has to come again, who doesn't is served.
func TestDecodedBodiesShareMemory(t *testing.T) {
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary),
		trigger("a-asks", v1alpha1.ProviderGitHub, withIf("body.x == []")),
		trigger("b-asks-not", v1alpha1.ProviderGitHub, withIf("event.branch == 'dev' && body.x == []")),
		trigger("c-asks", v1alpha1.ProviderGitHub, withParams(map[string]string{"git_sha": "body.after"})),
		trigger("d-asks-not", v1alpha1.ProviderGitHub),
	)})
	body := pushOf(t, `"x": [`+strings.Repeat("[],", 200_000)+`0]`)
	weight, err := expr.Weigh([]byte(body))
	if err != nil || weight > expr.MaxWeight {
		t.Fatalf("the body weighs %d, %v", weight, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	asked := &document{raw: []byte(body), weight: weight, memory: f.memory}
	asked.decoded(t.Context())
	if err := f.memory.take(gone, weight); err == nil {
		t.Error("two such bodies are decoded at once")
	}
	asked.release()
	if err := f.memory.take(t.Context(), expr.MaxWeight); err != nil {
		t.Fatalf("what was decoded isn't given back: %v", err)
	}

	d := delivery{provider: v1alpha1.ProviderGitHub, id: "d1", body: &document{raw: []byte(body), weight: weight, memory: f.memory, asked: true, err: errNoMemory}}
	d.event = f.parsed(t, body)
	later := "too many large requests at once: send it again"
	for name, want := range map[string]result{
		"a-asks":     {Trigger: "a-asks", Outcome: failed, Reason: later, transient: true},
		"b-asks-not": {Trigger: "b-asks-not", Outcome: notMatched, Reason: "spec.webhook.if is false: event.branch == 'dev' && body.x == []"},
		"c-asks":     {Trigger: "c-asks", Outcome: failed, Reason: later, transient: true},
		"d-asks-not": {Trigger: "d-asks-not", Outcome: created, Run: start.RunName("d-asks-not", "d1"), Reason: "a push of refs/heads/main"},
	} {
		if diff := cmp.Diff(want, f.deliver(t.Context(), f.trigger(t, name), d, true), cmp.AllowUnexported(result{})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

// TestAllMemoryIsGivenBack sends good and bad bodies, after which none is taken.
func TestAllMemoryIsGivenBack(t *testing.T) {
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary),
		trigger("web-push", v1alpha1.ProviderGitHub, withIf("body.ref != ''")), trigger("by-hand", v1alpha1.ProviderGeneric))})
	for _, body := range []string{payload(t, "github-push"), "{", "[]", "", `{"ref": 1}`, `{"x": "` + strings.Repeat("a", 2<<20) + `"}`, `{"ref": 1e999}`} {
		f.send(signedGitHub("/hooks/ci/web-push", "d1", "push", body))
		f.send(signedGitHub("/hooks/ci", "d1", "push", body))
		f.send(bearer("/hooks/ci/by-hand", "d2", body))
	}
	if !f.memory.left.TryAcquire(expr.MaxWeight) {
		t.Error("memory is still taken")
	}
	expectUntaken(t, f.Server)
}
