// Command kayci is the one binary of KayCI: the controller, and what a person
// or the controller itself calls on the command line.
package main

import (
	"errors"
	"fmt"
	"os"
	_ "time/tzdata" // The image has no time zones, and schedules name them.

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	err := newRootCommand().ExecuteContext(ctrl.SetupSignalHandler())
	if errors.Is(err, errNothingStarts) {
		os.Exit(exitNothingStarts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kayci:", err)
		os.Exit(1)
	}
}

func newRootCommand() *cobra.Command {
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
	root.AddCommand(newControllerCommand(), newRenderCommand(), newExplainCommand(), newEvaluateCommand(), newInstallConfigReposCommand(), newProbeCommand(), newNotifyCommand())
	return root
}
