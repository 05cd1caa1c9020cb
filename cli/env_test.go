package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// console is a person without a terminal, at a cluster that a test fills.
type console struct {
	*Env
	out, err *bytes.Buffer
}

// at returns a person's console at a cluster of objects, in the namespace ci.
func at(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) *console {
	t.Helper()
	known, err := scheme()
	if err != nil {
		t.Fatal(err)
	}
	c := &console{out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	c.Env = NewEnv(Program{
		Name: "kayci", Version: "v1.2.3", Revision: "abc", In: strings.NewReader(""), Out: c.out, Err: c.err,
		Getenv: func(string) string { return "" },
	})
	c.Now = func() time.Time { return time.Unix(1_800_000_000, 0) }
	c.waits = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	c.Cluster.overrides.Context.Namespace = "ci"
	c.Cluster.client = fake.NewClientBuilder().WithScheme(known).WithObjects(objects...).WithInterceptorFuncs(funcs).Build()
	return c
}

// run gives a command, and returns the exit code.
func (c *console) run(t *testing.T, args ...string) int {
	t.Helper()
	return c.runIn(t.Context(), args...)
}

func (c *console) runIn(ctx context.Context, args ...string) int {
	c.out.Reset()
	c.err.Reset()
	root := &cobra.Command{Use: "kayci", SilenceErrors: true, SilenceUsage: true}
	Add(root, c.Env) //nolint:contextcheck // cobra gives commands their context
	root.AddCommand(&cobra.Command{Use: "controller", RunE: func(*cobra.Command, []string) error { return errors.New("of no person") }})
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	code, is := c.End(ctx, cmd, err)
	if !is {
		return -1
	}
	return code
}

func TestVersion(t *testing.T) {
	c := at(t, interceptor.Funcs{})
	if code := c.run(t, "version"); code != 0 || c.out.String() != "v1.2.3 (abc)\n" {
		t.Errorf("%d, %q, %q", code, c.out, c.err)
	}
}

// A person's mistakes are code 2, whatever finds them; the errors of other commands are
// left to the program.
func TestUsageErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		code int
		text string
	}{
		"no such command":       {[]string{"versionx"}, 2, "kayci: unknown command \"versionx\" for \"kayci\"\n\nDid you mean this?\n  version\n\n"},
		"no such flag":          {[]string{"version", "--loud"}, 2, "kayci: unknown flag: --loud\n"},
		"an argument too many":  {[]string{"version", "x"}, 2, "kayci: unknown command \"x\" for \"kayci version\"\n"},
		"nothing is a question": {nil, 0, ""},
		"the controller's own":  {[]string{"controller"}, -1, ""},
	} {
		c := at(t, interceptor.Funcs{})
		if code := c.run(t, tt.args...); code != tt.code || strings.TrimRight(c.err.String(), "\n") != strings.TrimRight(tt.text, "\n") {
			t.Errorf("%s: %d, %q", name, code, c.err)
		}
	}
}

func TestPluginIsCalledByItsName(t *testing.T) {
	c := at(t, interceptor.Funcs{})
	c.Name = "kubectl kayci"
	if code := c.run(t, "versionx"); code != 2 || !strings.HasPrefix(c.err.String(), "kubectl kayci: unknown command \"versionx\" for \"kubectl kayci\"") {
		t.Errorf("%d, %q", code, c.err)
	}
	c.run(t, "--help")
	if !strings.Contains(c.out.String(), "kubectl kayci [command]") || !strings.Contains(c.out.String(), "In the cluster:") {
		t.Errorf("help is %q", c.out)
	}
}
