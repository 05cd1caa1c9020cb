// Package author holds the commands of who writes pipelines: what a folder renders, what
// is wrong with it, what it would change, and what a Run of it comes to.
package author

import (
	"github.com/spf13/cobra"

	"github.com/kayci/kayci/cli"
)

// Tools are what these commands need beside what all commands share.
type Tools struct {
	*cli.Env
	// Evaluate returns the command that runs render.EvaluateCommand.
	Evaluate func() ([]string, error)
	// Image is KayCI's own of this very version, which the notifiers of the built-in
	// library run.
	Image string
}

// Commands returns them.
func Commands(tools *Tools) []*cobra.Command {
	return []*cobra.Command{
		newRenderCommand(tools),
		newLintCommand(tools),
		newDiffCommand(tools),
		newMatchCommand(tools),
		newTryCommand(tools),
	}
}
