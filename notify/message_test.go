package notify

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

func environment(more ...string) []string {
	return append([]string{
		"KAYCI_RUN=web-3f9k2c", "KAYCI_PIPELINE=web", "KAYCI_NAMESPACE=ci", "KAYCI_RUN_NUMBER=12", "KAYCI_RUN_PHASE=Failed",
	}, more...)
}

func TestFromEnvironment(t *testing.T) {
	base := func(change func(*Message)) Message {
		m := Message{
			Title: "web #12 Failed", Run: "web-3f9k2c", Pipeline: "web", Namespace: "ci", Number: 12, Phase: v1alpha1.RunFailed,
			FailedJobs: []string{}, Params: map[string]string{},
		}
		change(&m)
		return m
	}
	tests := map[string]struct {
		environ []string
		title   string
		want    Message
	}{
		"only what must be set": {environment(), "", base(func(*Message) {})},
		"all of it": {
			environment("KAYCI_FAILED_JOBS=test, lint,", "KAYCI_RUN_MESSAGE=job test failed", "KAYCI_GIT_SHA=8f3=", "PATH=/bin"), "Oh no",
			base(func(m *Message) {
				m.Title = "Oh no"
				m.FailedJobs = []string{"test", "lint"}
				m.Message = "job test failed"
				m.Params = map[string]string{"git_sha": "8f3="}
			}),
		},
		"a value is no template": {
			environment("KAYCI_RUN_MESSAGE={{.Params}} $(KAYCI_X) ${X} %s", "KAYCI_X={{1}}"), "{{.Run}} %d",
			base(func(m *Message) {
				m.Title = "{{.Run}} %d"
				m.Message = "{{.Params}} $(KAYCI_X) ${X} %s"
				m.Params = map[string]string{"x": "{{1}}"}
			}),
		},
		"variables that are no parameters": {
			environment("KAYCI_JOB=test", "KAYCI_NOTIFY_URL=https://canary", "KAYCI_NOTIFY_X=canary",
				"KAYCI_SERVICE_DB=db:5432", "KAYCI_OUTPUT_TEST_VERSION=1"), "",
			base(func(*Message) {}),
		},
		"a kubelet's variables for Services": {
			environment("KAYCI_HOOKS_SERVICE_HOST=10.0.0.1", "KAYCI_HOOKS_SERVICE_PORT=80", "KAYCI_HOOKS_SERVICE_PORT_HTTP=80",
				"KAYCI_HOOKS_PORT=tcp://10.0.0.1:80", "KAYCI_HOOKS_PORT_80_TCP_ADDR=10.0.0.1", "KAYCI_DB_PORT=5432",
				"KAYCI_DB_SERVICE_HOST=only a parameter"), "",
			base(func(m *Message) {
				m.Params = map[string]string{"db_port": "5432", "db_service_host": "only a parameter"}
			}),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := FromEnvironment(test.environ, test.title)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFromEnvironmentRefuses(t *testing.T) {
	for _, name := range []string{"KAYCI_RUN", "KAYCI_PIPELINE", "KAYCI_NAMESPACE", "KAYCI_RUN_NUMBER", "KAYCI_RUN_PHASE"} {
		without := slices.DeleteFunc(environment(), func(v string) bool { return strings.HasPrefix(v, name+"=") })
		_, err := FromEnvironment(without, "")
		if want := "the environment variable " + name + " is not set: it says what the message is about"; err == nil || err.Error() != want {
			t.Errorf("without %s: got %v, want %q", name, err, want)
		}
	}
	tests := map[string]string{
		"KAYCI_RUN_PHASE=Exploded":     "KAYCI_RUN_PHASE takes Queued, Running, Succeeded, Failed or Cancelled",
		"KAYCI_RUN_NUMBER=1; rm -rf /": "KAYCI_RUN_NUMBER is not a number",
	}
	for variable, want := range tests {
		if _, err := FromEnvironment(environment(variable), ""); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %q", variable, err, want)
		}
	}
}
