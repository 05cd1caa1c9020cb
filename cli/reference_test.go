package cli

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// Each command of people has its section, with its flags, and those of the connection
// stand once.
func TestReference(t *testing.T) {
	c := at(t, interceptor.Funcs{})
	if code := c.give(t, "reference"); code != 0 {
		t.Fatalf("%d, %q", code, c.err)
	}
	page := c.out.String()
	for _, want := range []string{
		"| [`approve`](#kayci-approve) | Answer a job that waits for an approval |\n",
		"\n## kayci wait\n\nWait until a Run has ended.",
		"\n```text\nkayci wait [RUN]\n```\n\nFor example:\n\n```text\nkayci wait web/12 --timeout 30m && echo passed\n```\n\n```text\n      --timeout duration   how long to wait, 30m for one (default without end)\n```\n\nAnd the flags of [the connection](#the-connection).\n",
		"\n## The connection\n",
		"      --as-group stringArray",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, odd := range []string{"## kayci controller", "## kayci reference", "## kayci help"} {
		if strings.Contains(page, odd) {
			t.Errorf("the page has %q", odd)
		}
	}
	if n := strings.Count(page, "--kubeconfig string"); n != 1 {
		t.Errorf("--kubeconfig stands %d times", n)
	}
}
