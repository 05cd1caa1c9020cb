package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// The groups that `kayci --help` lists commands in.
const (
	// UseGroup is of the commands about Runs.
	UseGroup = "use"
	// AuthorGroup is of the commands about files of pipelines.
	AuthorGroup = "author"
	// ClusterGroup is of what runs in a cluster.
	ClusterGroup = "cluster"
)

// personal marks the commands of people: their errors are told to a person, and
// have exit codes.
const personal = "kayci.dev/personal"

// Add adds the commands of people to the program's root, and the groups of all.
func Add(root *cobra.Command, env *Env) {
	root.AddGroup(
		&cobra.Group{ID: UseGroup, Title: "Use:"},
		&cobra.Group{ID: AuthorGroup, Title: "Author:"},
		&cobra.Group{ID: ClusterGroup, Title: "In the cluster:"},
	)
	root.SetHelpCommandGroupID(UseGroup)
	root.SetCompletionCommandGroupID(UseGroup)
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	if env.Name != root.Name() {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: env.Name}
	}
	Join(root, UseGroup, newWatchCommand(env), newDescribeCommand(env), newGraphCommand(env))
	Join(root, UseGroup,
		newStartCommand(env), newRunsCommand(env), newWaitCommand(env), newCancelCommand(env), newRetryCommand(env),
		newApproveCommand(env), newOpenCommand(env), newUICommand(env), newLogsCommand(env), newArtifactsCommand(env), newDownloadCommand(env),
		newSyncCommand(env), newVersionCommand(env), newReferenceCommand(env),
	)
}

// Join adds commands of people to a group of the program's root.
func Join(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.GroupID = group
		cmd.Annotations = map[string]string{personal: ""}
		root.AddCommand(cmd)
	}
}

// End says what went wrong of a command that people give, and returns the program's
// exit code. It reports false of other commands' errors, and says nothing.
func (e *Env) End(ctx context.Context, cmd *cobra.Command, err error) (int, bool) {
	if err == nil {
		return 0, true
	}
	// The root is asked where no command is found.
	if _, is := cmd.Annotations[personal]; !is && cmd.HasParent() {
		return 0, false
	}
	status := code(ctx, err)
	var exit *ExitError
	if silent := errors.As(err, &exit) && exit.Err == nil; !silent && status != ExitInterrupted {
		fmt.Fprintf(e.Err, "%s: %s\n", e.Name, text(err))
	}
	return status, true
}
