package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/checkout"
	"github.com/kayci/kayci/checkout/plan"
)

// The variables that say what to check out, for which a Run's parameters are.
const (
	checkoutURL = "CHECKOUT_URL"
	checkoutSHA = "CHECKOUT_SHA"
	checkoutRef = "CHECKOUT_REF"
	// checkoutMerge is a branch.
	checkoutMerge = "CHECKOUT_MERGE"
)

// terminationLog is where a container leaves its last words.
const terminationLog = "/dev/termination-log"

type checkoutFlags struct {
	input   plan.Input
	dir     string
	secret  string
	output  string
	timeout time.Duration
}

func newCheckoutCommand() *cobra.Command {
	var flags checkoutFlags
	cmd := &cobra.Command{
		Use:   "checkout",
		Short: "Fetch a commit into a folder, as the first step of a job",
		Long: `Fetch one commit with git and write its files into a folder, which has to be empty.
In a Pipeline ci.checkout makes it a job's step.

The URL and the commit come from flags, or from the variables ` + checkoutURL + `,
` + checkoutSHA + `, ` + checkoutRef + ` and ` + checkoutMerge + `. A commit is its whole hash; anything
else is a branch, a tag or a ref, as it is now. The fetched commit is compared with the
one asked for.

The credentials are files of a folder, named as the keys of a ConfigRepo's Secret:
username and password, or bearerToken, and ca.crt for https; identity and
known_hosts, and password for the identity's passphrase, for ssh. They are sent to
one host alone, and are nowhere in the folder afterwards.

What the repository holds configures nothing: no hook, no filter and no other
configuration of it is used. By --lfs alone files of Git LFS are fetched, by the
program git-lfs and from the server that belongs to the URL, whatever .lfsconfig
says. Submodules are fetched by --submodules alone, and get the credentials only if
they are at the same host. Git's own environment has nothing but the path, the proxy
and the certificates of this one. Nothing bounds how much is fetched but the time and
the volume.`,
		Example: `  kayci checkout --url https://git.example.com/acme/web.git --sha main --dir web`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.input.URL, "url", "", "the repository: https://, ssh:// or http:// (default $"+checkoutURL+")")
	f.StringVar(&flags.input.SHA, "sha", "", "the commit's whole hash, or a branch, tag or ref (default $"+checkoutSHA+")")
	f.StringVar(&flags.input.Ref, "ref", "", "branch to look for the commit in at a host that lets nobody fetch it by its hash (default $"+checkoutRef+", or all branches and tags)")
	f.StringVar(&flags.dir, "dir", ".", "folder to write, below the current one")
	f.IntVar(&flags.input.Depth, "depth", 1, "how many commits of history; 0 is all")
	f.BoolVar(&flags.input.Tags, "tags", false, "fetch all tags, too")
	f.StringArrayVar(&flags.input.Paths, "path", nil, "folder of the repository to write, instead of all; may be repeated. The files of the folders above it come along")
	f.BoolVar(&flags.input.Submodules, "submodules", false, "check out submodules, and theirs")
	f.BoolVar(&flags.input.LFS, "lfs", false, "fetch files of Git LFS, which else stay pointers, also those of submodules")
	f.StringVar(&flags.input.Mirror, "mirror", "", "folder of a mirror of the repository: what it has is copied from there rather than fetched. One that can't be used is a warning")
	f.StringVar(&flags.input.Merge, "merge", "", "branch to merge the commit into, as it is now; its files are written (default $"+checkoutMerge+", or none)")
	f.StringVar(&flags.secret, "secret", "", "folder with the files of the credentials")
	f.StringVar(&flags.input.Host, "host", "", "host that the credentials are for, with its port if it has one of its own (default that of the URL)")
	f.BoolVar(&flags.input.PlainHTTP, "http", false, "let the credentials be sent over http://")
	f.StringVar(&flags.output, "output", "", "leave the commit as this output of the job")
	f.DurationVar(&flags.timeout, "timeout", 15*time.Minute, "when to give up")
	return cmd
}

func (flags *checkoutFlags) run(cmd *cobra.Command) error {
	commit, err := flags.checkOut(cmd)
	if err != nil {
		return lastWords(err)
	}
	if flags.output == "" {
		return nil
	}
	text, err := json.Marshal(map[string]string{flags.output: commit})
	if err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return leave(string(text))
}

func (flags *checkoutFlags) checkOut(cmd *cobra.Command) (string, error) {
	input := flags.input
	input.URL = cmp.Or(input.URL, os.Getenv(checkoutURL))
	input.SHA = cmp.Or(input.SHA, os.Getenv(checkoutSHA))
	input.Ref = cmp.Or(input.Ref, os.Getenv(checkoutRef))
	input.Merge = cmp.Or(input.Merge, os.Getenv(checkoutMerge))
	input.Credentials = flags.secret != ""
	if input.Mirror != "" {
		path, err := filepath.Abs(input.Mirror)
		if err != nil {
			return "", fmt.Errorf("find the mirror: %w", err)
		}
		input.Mirror = path
	}
	source, err := plan.Read(input)
	if err != nil {
		return "", err
	}
	root, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the current folder: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's own path: %w", err)
	}
	// A step that runs as another user of the pod's group may change the files.
	shareWithGroup()
	ctx, cancel := context.WithTimeout(cmd.Context(), flags.timeout)
	defer cancel()
	return checkout.Run(ctx, checkout.Options{
		Source: source, Root: root, Dir: flags.dir, Secret: flags.secret,
		Helper:  func(a checkout.Answering) []string { return helperCommand(self, a) },
		Environ: os.Environ(), Out: cmd.OutOrStdout(), Wait: pause,
	})
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// lastWords leaves the error where the Run's reason is taken from, too.
func lastWords(err error) error {
	return errors.Join(err, leave(v1alpha1.CheckoutFailed+err.Error()))
}

// leave writes the termination message, outside of a container to nobody.
func leave(text string) error {
	file, err := os.OpenFile(terminationLog, os.O_WRONLY|os.O_TRUNC, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("leave a termination message: %w", err)
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("leave a termination message: %w", err)
	}
	return nil
}
