package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/test/copies"
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
	// There is no store: no request would get there.
	c.Cluster.store = ""
	c.Cluster.kubeconfig = &clientcmdapi.Config{
		CurrentContext: "here", Contexts: map[string]*clientcmdapi.Context{"here": {Cluster: "c", Namespace: "ci"}},
		Clusters: map[string]*clientcmdapi.Cluster{"c": {Server: "https://127.0.0.1:1"}},
	}
	c.Cluster.client = fake.NewClientBuilder().WithScheme(known).WithObjects(copies.Of(objects...)...).WithInterceptorFuncs(funcs).
		WithIndex(&v1alpha1.Run{}, v1alpha1.CompletionTimeField, func(o client.Object) []string {
			if run, is := o.(*v1alpha1.Run); is && run.Status.CompletionTime != nil {
				return []string{"ended"}
			}
			return []string{""}
		}).Build()
	return c
}

// answer has somebody sit at the console, who types the lines.
func (c *console) answer(lines ...string) {
	c.In = strings.NewReader(strings.Join(lines, "\n") + "\n")
	c.Terminal = terminal.New(c.In, c.out, c.err, c.Getenv)
	c.Terminal.In, c.Terminal.Err = true, true
}

// give gives a command, and returns the exit code.
func (c *console) give(t *testing.T, args ...string) int {
	t.Helper()
	return c.giveIn(t.Context(), args...)
}

func (c *console) giveIn(ctx context.Context, args ...string) int {
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
	if code := c.give(t, "version"); code != 0 || c.out.String() != "v1.2.3 (abc)\n" {
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
		if code := c.give(t, tt.args...); code != tt.code || strings.TrimRight(c.err.String(), "\n") != strings.TrimRight(tt.text, "\n") {
			t.Errorf("%s: %d, %q", name, code, c.err)
		}
	}
}

func TestPluginIsCalledByItsName(t *testing.T) {
	c := at(t, interceptor.Funcs{})
	c.Name = "kubectl kayci"
	if code := c.give(t, "versionx"); code != 2 || !strings.HasPrefix(c.err.String(), "kubectl kayci: unknown command \"versionx\" for \"kubectl kayci\"") {
		t.Errorf("%d, %q", code, c.err)
	}
	c.give(t, "--help")
	if !strings.Contains(c.out.String(), "kubectl kayci [command]") || !strings.Contains(c.out.String(), "In the cluster:") {
		t.Errorf("help is %q", c.out)
	}
}

// A command that is advised can be given as it is said.
func TestAdvisedCommands(t *testing.T) {
	c := at(t, interceptor.Funcs{})
	if got := c.command("kayci approve web/12 deploy"); got != "kayci approve web/12 deploy" {
		t.Error(got)
	}
	c.Name, c.Cluster.overrides.Context.Namespace = "kubectl kayci", "ci"
	if got := c.command("kayci approve web/12 deploy"); got != "kubectl kayci approve web/12 deploy -n ci" {
		t.Error(got)
	}
}
