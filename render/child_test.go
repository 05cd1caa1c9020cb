package render_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/render"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a.jsonnet": "[{ kind: 'X' } for i in std.range(1, 50)]", "b.yaml": trigger, "c.yaml": strings.ReplaceAll(trigger, "name: t}", "name: t2}")}
	dir := repository(t, files)
	notAllowed := `apiVersion "", kind "X" is not allowed: a config repository holds Pipelines and Triggers of kayci.dev/v1alpha1`
	tests := map[string]struct {
		limits render.Limits
		want   []string
	}{
		"errors":  {render.Limits{Errors: 2}, []string{"a.jsonnet: [0]: " + notAllowed, "a.jsonnet: [1]: " + notAllowed, "only the first 2 errors are shown"}},
		"files":   {render.Limits{Files: 2}, []string{".: holds more than 2 entry files"}},
		"objects": {render.Limits{Objects: 1, Errors: 100}, nil},
		"size": {render.Limits{Size: 157, Errors: 51}, []string{
			"c.yaml:1: Trigger/t2: is 158 bytes as JSON, more than 157, which is all that the cluster is sure to store",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options(t, dir)
			opts.Limits = test.limits
			got := rendered(t, opts)
			switch name {
			case "objects":
				got, test.want = got[len(got)-1:], []string{"c.yaml:1: Trigger/t2: the commit renders more than 1 objects"}
			case "size":
				got = got[50:]
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An object must fit into etcd, which nothing asks before it is applied.
func TestObjectsAreBounded(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": strings.ReplaceAll(trigger, "name: t}", "name: t, annotations: {x: "+strings.Repeat("x", 600000)+"}}")})
	want := []string{"a.yaml:1: Trigger/t: is 600180 bytes as JSON, more than 524288, which is all that the cluster is sure to store"}
	if diff := cmp.Diff(want, rendered(t, options(t, dir))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCancel shows that a cancelled context is no fault of the commit, and that
// the child is gone when Render returns.
func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(testContext(t))
	dir := repository(t, map[string]string{"a.jsonnet": "local f(n) = if n == 0 then 0 else f(n - 1) + f(n - 1); f(100)"})
	done := make(chan error, 1)
	go func() {
		_, err := render.Render(ctx, options(t, dir))
		done <- err
	}()
	cancel()
	err := <-done
	var faults render.Errors
	if !errors.Is(err, context.Canceled) || errors.As(err, &faults) {
		t.Errorf("got %v", err)
	}
}

// TestUntrustedChild answers with what a child that was taken over might say.
func TestUntrustedChild(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": trigger})
	begin, end := `{"file":"a.yaml","begin":true}`+"\n", `{"file":"a.yaml","end":true}`+"\n"
	tests := map[string]struct{ says, want string }{
		"nothing":          {"", "the evaluation crashed: EOF"},
		"no JSON":          {"hello\n", "the evaluation crashed: invalid character 'h' looking for beginning of value"},
		"no end of a line": {begin[:len(begin)-1], "the evaluation crashed: EOF"},
		"another file":     {`{"file":"b.yaml","begin":true}` + "\n", "the evaluation crashed: unexpected answer for a.yaml"},
		"no begin":         {`{"file":"a.yaml","value":[]}` + "\n", "the evaluation crashed: unexpected answer for a.yaml"},
		"two begins":       {begin + begin, "a.yaml: the evaluation crashed: unexpected answer for a.yaml"},
		"value and fault":  {begin + `{"file":"a.yaml","value":[],"fault":{"message":"x"}}` + "\n", "a.yaml: the evaluation crashed: unexpected answer for a.yaml"},
		"no end":           {begin + `{"file":"a.yaml","value":[]}` + "\n", "a.yaml: the evaluation crashed: EOF"},
		"another kind":     {begin + `{"file":"a.yaml","value":{"kind":"Pod"},"lines":[3,0]}` + "\n" + end, `a.yaml:3: apiVersion "", kind "Pod" is not allowed: a config repository holds Pipelines and Triggers of kayci.dev/v1alpha1`},
		"wrong lines":      {begin + `{"file":"a.yaml","value":{"kind":"Pod"},"lines":[3]}` + "\n" + end, `a.yaml: apiVersion "", kind "Pod" is not allowed: a config repository holds Pipelines and Triggers of kayci.dev/v1alpha1`},
		"no object":        {begin + `{"file":"a.yaml","place":"x","value":7}` + "\n" + end, "a.yaml: x: expected an object with apiVersion and kind, a list or null; found a number"},
		"duplicate keys":   {begin + `{"file":"a.yaml","value":{"x":[],"x":[]}}` + "\n" + end, "a.yaml: the evaluation crashed: an answer can't be read: a field stands there twice"},
		"deep nesting":     {begin + `{"file":"a.yaml","value":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}\n" + end, "a.yaml: the evaluation crashed: an answer can't be read: the output is nested more than 100 deep"},
		"a long answer":    {begin + `{"file":"a.yaml","value":"` + strings.Repeat("x", 7<<20), "a.yaml: the evaluation crashed: an answer is too long"},
		"a large value":    {begin + `{"file":"a.yaml","value":[` + strings.Repeat("0,", 300_000) + "0]}\n" + end, "a.yaml: the evaluation crashed: an answer can't be read: its value is too large"},
		"a fault of ours":  {begin + `{"file":"a.yaml","fault":{"line":7,"object":"o","field":"f","message":"x"}}` + "\n" + end, "a.yaml:7: o: f: x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			says := repository(t, map[string]string{"says": test.says}) + "/says"
			opts := options(t, dir)
			opts.Exec = []string{"/bin/cat", says}
			_, err := render.Render(testContext(t), opts)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	opts := options(t, dir)
	opts.Exec = []string{dir + "/no-such-program"}
	var faults render.Errors
	if _, err := render.Render(testContext(t), opts); err == nil || errors.As(err, &faults) {
		t.Errorf("a program that can't be started is no fault of the commit; got %v", err)
	}
}

// TestEnvironment shows that nothing of this process reaches the child.
func TestEnvironment(t *testing.T) {
	t.Setenv("KAYCI_CANARY", "canary")
	opts := options(t, repository(t, map[string]string{"a.yaml": trigger}))
	opts.Exec = []string{"/bin/sh", "-c", "pwd >&2; tr '\\0' ' ' </proc/$$/environ >&2; exit 3"}
	_, err := render.Render(testContext(t), opts)
	want := "the evaluation crashed: exit status 3: /"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
