package cli

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestGraph(t *testing.T) {
	_, objects := world(t)
	c := looking(t, interceptor.Funcs{}, objects...)
	for name, args := range map[string][]string{
		"graph-pipeline.txt": {"graph", "web"},
		"graph-run.txt":      {"graph", "web/12"},
		"graph-newest.txt":   {"graph"},
		"graph.mmd":          {"graph", "web/", "-o", "mermaid"},
		"graph.dot":          {"graph", "web-push-k7x2m", "-o", "dot"},
	} {
		if code := c.give(t, args...); code != 0 {
			t.Errorf("%q: exit code %d: %s", args, code, c.err)
		}
		golden(t, name, c.out.String())
	}
	if code := c.give(t, "graph", "web", "--output=svg"); code != 0 || !strings.HasPrefix(c.out.String(), "<svg ") {
		t.Errorf("exit code %d: %s%s", code, c.out, c.err)
	}
	c.Terminal.Out = true
	if code := c.give(t, "graph", "web/12"); code != 0 {
		t.Errorf("exit code %d: %s", code, c.err)
	}
	golden(t, "graph-narrow.txt", c.out.String())
}

func TestGraphThatCantBeDrawn(t *testing.T) {
	run, objects := world(t)
	whole := looking(t, interceptor.Funcs{}, objects...)
	for name, tt := range map[string]struct {
		console *console
		args    []string
		want    string
	}{
		"no such format": {whole, []string{"graph", "-o", "png"}, `kayci: --output is "png": it takes text, dot, mermaid, svg` + "\n"},
		"no such Run":    {whole, []string{"graph", "web/7"}, "kayci: there is no Run"},
		"no revision any more": {
			looking(t, interceptor.Funcs{}, run),
			[]string{"graph", "web/12"},
			"kayci: draw Run web/12: the copy of the Pipeline that it executed was deleted; `kayci describe web/12` shows its jobs\n",
		},
	} {
		if code := tt.console.give(t, tt.args...); code != ExitFault || !strings.HasPrefix(tt.console.err.String(), tt.want) {
			t.Errorf("%s: exit code %d: %q", name, code, tt.console.err)
		}
	}
}
