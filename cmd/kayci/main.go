// Command kayci is the one binary of KayCI: the controller, and what a person
// or the controller itself calls on the command line.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	if err := newRootCommand().ExecuteContext(ctrl.SetupSignalHandler()); err != nil {
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
	}
	root.AddCommand(newControllerCommand(), newRenderCommand(), newEvaluateCommand(), newInstallConfigReposCommand(), newProbeCommand(), newNotifyCommand())
	return root
}
