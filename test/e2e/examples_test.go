package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/webhook"
)

// expectedLog is a line that an example's job must print. An example that isn't
// listed must succeed all the same.
func expectedLog() map[string][3]string {
	return map[string][3]string{
		"hello-world":  {"greet", "main", "Hello, world!"},
		"concurrency":  {"check", "main", "test is up."},
		"dependencies": {"release", "main", "Released as number 1."},
		"diamond":      {"step-5", "main", "step-5 has begun."},
		"matrix":       {"build-arm64", "main", "Building for linux/arm64."},
		"artifacts":    {"release", "main", "Releasing: Hello from number 1."},
		"cache":        {"build", "main", "Fetched it anew."},
		"approval":     {"deploy", "main", "Deploying number 1."},
		"conditions":   {"warn", "main", "Only 82 percent are covered."},
		"finally":      {"take-down", "main", "Taking down host-1."},
		"images":       {"check", "main", "Checking acme/web:v1.4.0"},
		"limits":       {"test", "main", "Tested in time."},
		"notifiers":    {"test", "main", "All is well."},
		"outputs":      {"publish", "main", "Publishing 1.4.1: Now with \"quotes\"."},
		"parameters":   {"deploy", "main", "Deploying 1.0.0 to test."},
		"poll":         {"release", "main", "Releasing v0"},
		"resource":     {"roll-out", "main", "Rolling out version 1.4.1 of settings."},
		"schedule":     {"clean", "main", "older than today."},
		"services":     {"read-again", "main", "Hello from the server."},
		"workspace":    {"publish", "main", "one and two"},
		"go-build":     {"build", "test", "ok  \texample.com/greeting"},
		"go-artifacts": {"run", "main", "Hello"},
	}
}

// Each example is a config repository as it is. Every Trigger in it that takes
// requests must start a Run that succeeds.
func TestExamplesRun(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob(filepath.Join("../../examples", "*", "*.jsonnet"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	for _, entry := range folders {
		folder := filepath.Dir(entry)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			// Each of these compiles Go's library, which takes all processors: one at a time.
			if !strings.HasPrefix(filepath.Base(folder), "go-") {
				t.Parallel()
			}
			runExample(t, folder)
		})
	}
}

func runExample(t *testing.T, folder string) {
	t.Helper()
	s := newSpace(t)
	s.create(t, s.secret("webhook", map[string]string{"token": hookToken}))
	repository := s.repository(t, "")
	if err := repository.Copy(os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	commit := s.commit(t, repository)
	s.create(t, s.configRepo("example", repository.URL))
	s.syncTo(t, "example", commit)
	var triggers v1alpha1.TriggerList
	if names, err := s.names(s.ctx, &triggers); err != nil || len(names) == 0 {
		t.Fatalf("the example has no Trigger: %v", err)
	}
	for _, trigger := range triggers.Items {
		if trigger.Spec.Webhook == nil {
			continue
		}
		path := s.awaitTrigger(t, trigger.Name)
		answer := s.post(t, path, s.exampleDelivery(t, folder, &trigger))
		decision, err := answer.Decision()
		if err != nil || answer.Status != http.StatusCreated {
			t.Fatalf("answer %d %s: %v", answer.Status, answer.Body, err)
		}
		s.approveAll(t, trigger.Spec.Pipeline, decision.Results[0].Run)
		run := s.awaitEnd(t, decision.Results[0].Run, v1alpha1.RunSucceeded)
		if want, listed := expectedLog()[filepath.Base(folder)]; listed {
			if log := s.log(t, run.Name, want[0], want[1]); !strings.Contains(log, want[2]) {
				t.Errorf("the log of %s doesn't say %q:\n%s", want[0], want[2], log)
			}
		}
	}
}

// exampleDelivery is what the example's trigger waits for: for a git host's, a
// real push of the program in its folder app; for a registry's, what the example has
// of that.
func (s *space) exampleDelivery(t *testing.T, folder string, trigger *v1alpha1.Trigger) webhook.Delivery {
	t.Helper()
	if trigger.Spec.Webhook.Provider == v1alpha1.ProviderGeneric {
		delivery := s.generic(t, nil)
		if trigger.Spec.Webhook.Each != "" {
			request, err := os.ReadFile(filepath.Join(folder, "_requests", trigger.Name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			delivery.Body = request
		}
		return delivery
	}
	app := s.repository(t, "app-")
	if err := app.Copy(os.DirFS(filepath.Join(folder, "app"))); err != nil {
		t.Fatal(err)
	}
	commit := s.commit(t, app)
	push := webhook.Push{Repository: "acme/app", CloneURL: app.URL, Branch: "main", SHA: commit, Message: "Change the program"}
	delivery, err := webhook.GitHub(push, hookToken, commit)
	if err != nil {
		t.Fatal(err)
	}
	return delivery
}
