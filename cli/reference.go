package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// referenceColumns is how wide the flags of the reference are set.
const referenceColumns = 110

// newReferenceCommand prints the reference of the command line, which stands in the
// documentation.
func newReferenceCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:    "reference",
		Short:  "Print the reference of the commands, as Markdown",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(env.Out, Reference(cmd.Root()))
			return err
		},
	}
}

// Reference is a page about the commands that people give, with all that their help
// says.
func Reference(root *cobra.Command) string {
	var page strings.Builder
	page.WriteString("# The command line\n\nGenerated from the commands by `make generate`; `kayci COMMAND --help` says the same.\n" +
		"[At the terminal](../cli.md) says how Runs are called, and what the exit codes mean.\n")
	var commands []*cobra.Command
	for _, group := range []string{UseGroup, AuthorGroup} {
		for _, cmd := range root.Commands() {
			if _, is := cmd.Annotations[personal]; (is || group == AuthorGroup) && cmd.GroupID == group && !cmd.Hidden {
				commands = append(commands, cmd)
			}
		}
	}
	slices.SortStableFunc(commands, func(a, b *cobra.Command) int {
		return cmp.Or(-cmp.Compare(a.GroupID, b.GroupID), strings.Compare(a.Name(), b.Name()))
	})
	page.WriteString("\n| Command | |\n|---|---|\n")
	for _, cmd := range commands {
		fmt.Fprintf(&page, "| [`%s`](#%s) | %s |\n", cmd.Name(), anchor(cmd), cell(cmd.Short))
	}
	for _, cmd := range commands {
		page.WriteString(section(cmd))
	}
	page.WriteString(connection())
	return page.String()
}

func anchor(cmd *cobra.Command) string { return "kayci-" + cmd.Name() }

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func section(cmd *cobra.Command) string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n## kayci %s\n\n%s\n", cmd.Name(), cmp.Or(cmd.Long, cmd.Short+"."))
	fmt.Fprintf(&text, "\n```text\nkayci %s\n```\n", cmd.Use)
	if cmd.Example != "" {
		fmt.Fprintf(&text, "\nFor example:\n\n```text\n%s\n```\n", unindented(cmd.Example))
	}
	own := pflag.NewFlagSet(cmd.Name(), pflag.ContinueOnError)
	own.SortFlags = true
	shared := connectionFlags()
	connects := false
	cmd.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
		if shared.Lookup(flag.Name) != nil {
			connects = true
		} else if flag.Name != "help" {
			own.AddFlag(flag)
		}
	})
	if own.HasAvailableFlags() {
		fmt.Fprintf(&text, "\n```text\n%s```\n", own.FlagUsagesWrapped(referenceColumns))
	}
	if connects {
		text.WriteString("\nAnd the flags of [the connection](#the-connection).\n")
	}
	return text.String()
}

// unindented takes the two spaces off that examples begin with.
func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}

// connectionFlags are those of the cluster, none of them hidden.
func connectionFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("connection", pflag.ContinueOnError)
	(&Cluster{}).AddFlags(flags)
	flags.VisitAll(func(flag *pflag.Flag) { flag.Hidden = false })
	return flags
}

func connection() string {
	return "\n## The connection\n\nThe commands that reach a cluster take these, as kubectl does. `--help` lists the first few.\n" +
		"\n```text\n" + connectionFlags().FlagUsagesWrapped(referenceColumns) + "```\n"
}
