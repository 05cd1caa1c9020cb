package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/webhook"
)

// pullRequest is one of GitHub's, whose head is in a fork.
func (s *space) pullRequest(t *testing.T, number int) webhook.Delivery {
	t.Helper()
	repository := func(id int, name string) map[string]any {
		return map[string]any{"id": id, "full_name": name, "clone_url": "https://git.example.com/" + name + ".git"}
	}
	body, err := json.Marshal(map[string]any{
		"action": "opened", "number": number,
		"repository": repository(1, "acme/web"), "sender": map[string]any{"login": "mallory"},
		"pull_request": map[string]any{
			"number": number, "title": "Fix it", "user": map[string]any{"login": "mallory"},
			"head": map[string]any{"ref": "main", "sha": strings.Repeat(fmt.Sprint(number), 40), "repo": repository(2, "mallory/web")},
			"base": map[string]any{"ref": "main", "sha": sha, "repo": repository(1, "acme/web")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	delivery, err := webhook.Signed(v1alpha1.ProviderGitHub, "pull_request", body, hookToken, fmt.Sprintf("pull-%d", number))
	if err != nil {
		t.Fatal(err)
	}
	return delivery
}

// TestForksChangeNoCacheOfMain: what a fork's Run saves under a key no Run of main reads,
// before main has saved one of that key and after, though the fork reads main's.
func TestForksChangeNoCacheOfMain(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{"web.jsonnet": fmt.Sprintf(`local ci = import 'kayci.libsonnet';
[
  ci.pipeline('web', jobs=[ci.job('build', [
    ci.cache('modules', 'pkg/**'),
    ci.script('%s', 'cat pkg/by 2>/dev/null || echo none; mkdir -p pkg; echo "$KAYCI_RUN_NUMBER" > pkg/by'),
  ])]),
  ci.trigger.github('push', 'web', secret='hook', events=['push', 'pull_request']) + { spec+: { webhook+: { forks: 'Run' } } },
]
`, busybox)})
	s.create(t, s.configRepo("web", repository.URL))
	s.syncTo(t, "web", commit)
	path := s.awaitTrigger(t, "push")
	type saw struct {
		Fork bool
		Said string
	}
	var got []saw
	var runs []string
	for _, delivery := range []webhook.Delivery{
		s.pullRequest(t, 1), // it saves what it likes
		s.githubPush(t, "first"),
		s.pullRequest(t, 2),
		s.githubPush(t, "second"),
	} {
		answer := s.post(t, path, delivery)
		decision, err := answer.Decision()
		if err != nil || answer.Status != http.StatusCreated || len(decision.Results) != 1 {
			t.Fatalf("%d %s, %v", answer.Status, answer.Body, err)
		}
		run := s.awaitEnd(t, decision.Results[0].Run, v1alpha1.RunSucceeded)
		said := lines(s.log(t, run.Name, "build", "main"))
		runs = append(runs, run.Name)
		got = append(got, saw{run.Spec.Origin.Fork, said[len(said)-1]})
	}
	want := []saw{{true, "none"}, {false, "none"}, {true, "2"}, {false, "2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the Runs found (-want +got):\n%s", diff)
	}
	keep := s.log(t, runs[0], "build", "kayci-keep")
	if !strings.Contains(keep, "saved cache modules") {
		t.Errorf("the first fork's Run says of its cache:\n%s", keep)
	}
}
