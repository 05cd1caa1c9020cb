package cluster

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

const kinds = "configrepos,pipelines,triggers,runs"

// Diagnose writes what explains a failure in a namespace: objects, events, the
// logs of its Runs' pods, and the state and the logs of controller and store.
func (c *Cluster) Diagnose(ctx context.Context, out io.Writer, namespace string) {
	if _, err := c.Clientset.Discovery().ServerVersion(); err != nil {
		fmt.Fprintf(out, "the cluster can't be reached any more: %v\n", err)
		return
	}
	in := "--namespace=" + namespace
	for _, args := range [][]string{
		{"get", kinds + ",jobs,pods", in, "--output=wide"},
		{"describe", "configrepos,triggers,runs", in},
		{"describe", "pods", in, "--selector=" + v1alpha1.RunLabel},
		{"get", "events", in, "--sort-by=.lastTimestamp"},
		{"logs", in, "--selector=" + v1alpha1.RunLabel, "--all-containers", "--prefix", "--tail=40", "--ignore-errors", "--max-log-requests=50"},
		{"get", "pods", "--namespace=" + c.Namespace, "--output=wide"},
		{"describe", "pods", "--namespace=" + c.Namespace},
		{"logs", "--namespace=" + c.Namespace, "--selector=app.kubernetes.io/component in (controller, store)", "--prefix", "--tail=80", "--max-log-requests=20"},
	} {
		text, err := c.Kubectl(ctx, args...)
		fmt.Fprintf(out, "--- kubectl %s\n%s", strings.Join(args, " "), text)
		if err != nil {
			fmt.Fprintln(out, err)
		}
	}
}
