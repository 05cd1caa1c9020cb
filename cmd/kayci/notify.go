package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kayci/kayci/notify"
)

// maxAddress is far more than an address needs.
const maxAddress = 16 << 10

type notifyFlags struct {
	format  string
	title   string
	urlFile string
	timeout time.Duration
}

func newNotifyCommand() *cobra.Command {
	var flags notifyFlags
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Tell a chat, a mailbox or a web address what became of a Run",
		Long: `Send one message about the Run that the environment describes: KAYCI_RUN,
KAYCI_PIPELINE, KAYCI_NAMESPACE, KAYCI_RUN_NUMBER and KAYCI_RUN_PHASE, which must
be set, KAYCI_FAILED_JOBS (names, separated by commas), KAYCI_RUN_MESSAGE, and
the Run's parameters as KAYCI_<NAME>.

The address is a credential and comes from the variable KAYCI_NOTIFY_URL or from
the file that --url-file names, both of them best taken from a Secret:

  https://hooks.slack.com/services/…                       a Slack incoming webhook
  https://user:password@example.com/hook                   JSON by POST, also with http://
  smtps://user:password@example.com?from=…&to=…&to=…       e-mail, TLS from the start
  smtp://user:password@example.com:587?from=…&to=…         e-mail, STARTTLS
  smtp://relay.example.com:25?from=…&to=…&tls=none         e-mail in the clear, without a password

Redirects are not followed. Failures that may pass are tried again until
--timeout; then, and after any other failure, the exit code is not 0.`,
		Example: `  KAYCI_NOTIFY_URL=https://hooks.slack.com/services/… kayci notify --title 'Release failed'
  kayci notify --url-file /secrets/url --format slack`,
		// An address that was given as an argument must not come back in an error.
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errors.New("notify takes no arguments: the address comes from " + notify.EnvURL + " or --url-file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd, os.Environ()) },
	}
	cmd.SetFlagErrorFunc(notifyFlagError)
	f := cmd.Flags()
	f.StringVar(&flags.format, "format", "", "json or slack, for http and https addresses (default slack for hooks.slack.com, else json)")
	f.StringVar(&flags.title, "title", "", "what the message begins with, and an e-mail's subject (default \"<pipeline> #<number> <phase>\")")
	f.StringVar(&flags.urlFile, "url-file", "", "file that holds the address, instead of "+notify.EnvURL)
	f.DurationVar(&flags.timeout, "timeout", time.Minute, "when to give up")
	return cmd
}

// notifyFlagError leaves out what was given: it may be the address.
func notifyFlagError(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("--%s can't take that value: see %s --help", invalid.GetFlag().Name, cmd.CommandPath())
	}
	if valueless, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("--%s needs a value: see %s --help", valueless.GetFlag().Name, cmd.CommandPath())
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return fmt.Errorf("there is no flag %s: see %s --help", unknown.GetSpecifiedName(), cmd.CommandPath())
	}
	return fmt.Errorf("the flags can't be read: see %s --help", cmd.CommandPath())
}

func (flags *notifyFlags) run(cmd *cobra.Command, environ []string) error {
	message, err := notify.FromEnvironment(environ, flags.title)
	if err != nil {
		return err
	}
	address, err := flags.address()
	if err != nil {
		return err
	}
	sender, err := notify.NewSender(address, notify.Options{Format: notify.Format(flags.format)})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), flags.timeout)
	defer cancel()
	if err := sender.Send(ctx, message); err != nil {
		return fmt.Errorf("send the message: %w", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "the message was sent")
	return nil
}

// address prefers the file, which somebody has asked for by a flag: a variable
// may come with all that a Secret or ConfigMap holds.
func (flags *notifyFlags) address() (string, error) {
	if flags.urlFile == "" {
		address := os.Getenv(notify.EnvURL)
		if address == "" {
			return "", errors.New("there is no address: set " + notify.EnvURL + " or --url-file")
		}
		return address, nil
	}
	file, err := os.Open(flags.urlFile)
	if err != nil {
		return "", unreadable(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxAddress))
	if err != nil {
		return "", unreadable(err)
	}
	return string(text), nil
}

// unreadable leaves out the path, lest somebody gave the address in its place.
func unreadable(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("read the file of --url-file: %w", err)
}
