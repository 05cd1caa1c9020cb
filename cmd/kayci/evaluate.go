package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/render"
)

// evaluateCommand is how this program calls itself to evaluate jsonnet in a
// process that may be killed.
func evaluateCommand() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's own path: %w", err)
	}
	return []string{self, "evaluate"}, nil
}

// defaultImage is the released image of this very version, if it is one.
func defaultImage() string {
	if version == "" {
		return render.DefaultImage
	}
	return render.DefaultImage + ":" + version
}

func newEvaluateCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "evaluate",
		Short:  "Evaluate files for another process of this program",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return render.EvaluateCommand(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
