package evidence_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/controllers/run/evidence"
)

// Of a container's last words only those of a checkout are part of the reason, and fit
// for eyes: a program's own may be anything, its log for one.
func TestContainerFailureRepeatsACheckout(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ message, want string }{
		"none":       {"", "container checkout exited with code 1"},
		"a program":  {"panic: canary", "container checkout exited with code 1"},
		"outputs":    {`{"a": "b"}`, "container checkout exited with code 1"},
		"a checkout": {"kayci checkout: git.example.com refused\n", "container checkout exited with code 1: git.example.com refused"},
		"a terminal": {"kayci checkout: \x1b[31mred\u202e", `container checkout exited with code 1: \x1b[31mred\u202e`},
		"a long one": {"kayci checkout: " + strings.Repeat("x", 4000), "container checkout exited with code 1: " + strings.Repeat("x", evidence.MaxMessage-40) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status := &corev1.ContainerStatus{Name: "checkout", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				Reason: "Error", ExitCode: 1, Message: tt.message,
			}}}
			if reason, got := evidence.ContainerFailure(status); reason != "Error" || got != tt.want {
				t.Errorf("%s: %q, want %q", reason, got, tt.want)
			}
		})
	}
}
