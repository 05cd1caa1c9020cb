// Command kayci is the one binary of KayCI: the controller, and what a person
// or the controller itself calls on the command line.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	_ "time/tzdata" // The image has no time zones, and schedules name them.

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/cli/author"
	"github.com/kayci/kayci/cli/doctor"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx := ctrl.SetupSignalHandler()
	env := newEnv()
	cmd, err := newProgram(env).ExecuteContextC(ctx)
	if code, is := env.End(ctx, cmd, err); is {
		return code
	}
	fmt.Fprintln(os.Stderr, "kayci:", err)
	return 1
}

func newRootCommand() *cobra.Command { return newProgram(newEnv()) }

// newEnv is what the commands of people know of this process. kubectl finds the same
// program as its plugin, by another name.
func newEnv() *cli.Env {
	name := "kayci"
	if strings.HasPrefix(filepath.Base(os.Args[0]), "kubectl-kayci") {
		name = "kubectl kayci"
	}
	build := buildInfo()
	return cli.NewEnv(cli.Program{
		Name: name, Version: build.Version, Revision: build.Revision,
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv,
	})
}

func newProgram(env *cli.Env) *cobra.Command {
	root := &cobra.Command{
		Use:           "kayci",
		Short:         "Kubernetes-native CI, driven by GitOps",
		Version:       buildInfo().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		// Programs say what they do themselves, and how it ends. Without a logger
		// controller-runtime prints a stack trace after 30 seconds. The controller has
		// a logger of its own.
		PersistentPreRun: func(*cobra.Command, []string) { ctrl.SetLogger(logr.Discard()) },
	}
	cli.Add(root, env)
	cli.Join(root, cli.AuthorGroup, author.Commands(&author.Tools{Env: env, Evaluate: evaluateCommand, Image: defaultImage()})...)
	cli.Join(root, cli.UseGroup, doctor.Command(env))
	add(root, cli.ClusterGroup, newControllerCommand(), newInstallConfigReposCommand(), newProbeCommand(), newNotifyCommand(), newCheckoutCommand(), newWebCommand(), newStoreCommand(), newKeepCommand(), newFetchCommand(), newCacheCommand())
	root.AddCommand(newEvaluateCommand(), newCheckoutHelperCommand())
	return root
}

func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.GroupID = group
		root.AddCommand(cmd)
	}
}
