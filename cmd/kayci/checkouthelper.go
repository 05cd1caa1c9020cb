package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/checkout"
	"github.com/kayci/kayci/sync/git"
)

// helperCommand is how git calls this program for credentials, or in place of ssh. It
// adds arguments.
func helperCommand(self string, a checkout.Answering) []string {
	return []string{
		self, "checkout-helper", "--as=" + a.As, "--url=" + a.URL, "--host=" + a.Host,
		"--secret=" + a.Secret, "--scratch=" + a.Scratch, "--",
	}
}

func newCheckoutHelperCommand() *cobra.Command {
	var a checkout.Answering
	cmd := &cobra.Command{
		Use:    "checkout-helper",
		Short:  "Answer the git program that kayci checkout runs",
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case a.As == checkout.AsSSH:
				streams := git.Streams{In: cmd.InOrStdin(), Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr()}
				return checkout.SSH(cmd.Context(), a, args, environmentProxy, streams)
			case a.As == checkout.AsCredential && len(args) == 1:
				return checkout.Credential(a, args[0], cmd.InOrStdin(), cmd.OutOrStdout())
			default:
				return errors.New(fmt.Sprint("git asks for what it can't have: ", args))
			}
		},
	}
	f := cmd.Flags()
	f.StringVar(&a.As, "as", "", "what git asks")
	f.StringVar(&a.URL, "url", "", "the repository")
	f.StringVar(&a.Host, "host", "", "host that the credentials are for")
	f.StringVar(&a.Secret, "secret", "", "folder of the credentials")
	f.StringVar(&a.Scratch, "scratch", "", "folder to write to")
	return cmd
}
