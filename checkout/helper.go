package checkout

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/kayci/kayci/checkout/plan"
	"github.com/kayci/kayci/sync/git"
)

// What git calls its helpers as.
const (
	AsCredential = "credential"
	AsSSH        = "ssh"
)

// Answering says who of git's helpers is called, and what for.
type Answering struct {
	// As is AsCredential or AsSSH.
	As string
	// URL is the repository's, Host the one that the credentials are for.
	URL, Host string
	// Secret is the folder of the credentials' files, Scratch one to write to.
	Secret, Scratch string
}

func answering(opts Options, as, scratch string) Answering {
	return Answering{As: as, URL: opts.Source.Remote.String(), Host: opts.Source.Host, Secret: opts.Secret, Scratch: scratch}
}

func access(opts Options, auth secret, scratch string) plan.Access {
	a := plan.Access{Folder: scratch}
	if len(auth[keyCA]) > 0 {
		a.CAFile = filepath.Join(opts.Secret, keyCA)
	}
	switch {
	case len(auth[keyBearerToken]) > 0:
		a.BearerToken = string(auth[keyBearerToken])
	case len(auth[keyPassword]) > 0:
		a.Helper = "!" + plan.ShellWords(opts.Helper(answering(opts, AsCredential, scratch)))
	}
	return a
}

// maxQuestion is more than git asks its helpers with.
const maxQuestion = 64 << 10

// Credential answers git's question for credentials, by the protocol of
// git-credential(1): only for the host that they are for, and to get them alone. Git
// asks anew where a host redirects to another.
func Credential(a Answering, operation string, in io.Reader, out io.Writer) error {
	remote, err := plan.ReadURL(a.URL)
	if err != nil || operation != "get" || a.Secret == "" {
		return err
	}
	asked := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(in, maxQuestion))
	for lines.Scan() && lines.Text() != "" {
		name, value, _ := strings.Cut(lines.Text(), "=")
		asked[name] = value
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read git's question: %w", err)
	}
	if asked["protocol"] != remote.Scheme() || !remote.SameHost(asked["host"]) || !remote.SameHost(a.Host) {
		return nil
	}
	auth, err := readSecret(a.Secret, plan.Source{Remote: remote})
	if err != nil {
		return err
	}
	username, password := auth.login()
	_, err = fmt.Fprintf(out, "username=%s\npassword=%s\n", username, password)
	return err
}

// SSH runs a command of git's at the host, as ssh(1) does with git's arguments. It
// needs no account for the user that it runs as, which ssh does.
func SSH(ctx context.Context, a Answering, args []string, proxy git.Proxy, streams git.Streams) error {
	host, command, err := sshArguments(args)
	if err != nil {
		return err
	}
	remote, err := plan.ReadURL("ssh://" + host + "/repository")
	if err != nil {
		return err
	}
	if !remote.SameHost(a.Host) {
		return fmt.Errorf("the credentials are for %s: they are not sent to %s", a.Host, remote.Host())
	}
	auth, err := readSecret(a.Secret, plan.Source{Remote: remote})
	if err != nil {
		return err
	}
	request := git.Request{URL: remote.String(), Auth: auth, Store: filepath.Join(a.Scratch, "ssh"), Proxy: proxy}
	return git.Execute(ctx, request, command, streams)
}

// sshArguments reads what git gives to ssh: options, a host with its user, and a
// command.
func sshArguments(args []string) (host, command string, err error) {
	port := ""
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch {
		case args[0] == "-4", args[0] == "-6":
			args = args[1:]
		case len(args) > 1 && args[0] == "-o":
			args = args[2:]
		case len(args) > 1 && args[0] == "-p":
			port, args = ":"+args[1], args[2:]
		default:
			return "", "", fmt.Errorf("git calls ssh with an option that isn't known: %.20q", args[0])
		}
	}
	if len(args) != 2 {
		return "", "", errors.New("git calls ssh without a host and a command")
	}
	if program, _, _ := strings.Cut(args[1], " "); program != "git-upload-pack" && !plan.AsksForLFS(args[1]) {
		return "", "", fmt.Errorf("git asks the host for %.40q: only git-upload-pack is allowed", program)
	}
	return args[0] + port, args[1], nil
}
