package git

import (
	"context"
	"errors"
	"io"

	"golang.org/x/crypto/ssh"
)

// Streams are those of a command.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Execute runs a command at the host of an ssh URL, and connects the streams with it.
// Of the request's limits none holds: it is the git program that reads.
func Execute(ctx context.Context, req Request, command string, streams Streams) error {
	report := newReporter(req)
	to, err := parseTarget(req.URL, report)
	if err != nil {
		return err
	}
	doing := "connect to " + to.String()
	if to.url.Scheme != "ssh" {
		return report.fail(ReasonInvalidURL, "%s: commands are run by ssh alone", doing)
	}
	config, err := sshConfig(to, req, report)
	if err != nil {
		return err
	}
	proxy, err := req.proxyOf(to)
	if err != nil {
		return report.fail(ReasonFetchFailed, "%s: %v", doing, err)
	}
	dial := bound(ctx, req.Dial)
	if proxy != nil {
		dial = through(proxy, dial, report)
	}
	conn, err := dial(ctx, "tcp", to.address("22"))
	if err != nil {
		return report.wrap(ctx, doing, err)
	}
	client, err := shakeHands(ctx, conn, to, config, report)
	if err != nil {
		return report.wrap(ctx, doing, errors.Join(err, conn.Close()))
	}
	defer client.Close()
	return report.executed(ctx, client, command, to, streams)
}

func (r reporter) executed(ctx context.Context, client *ssh.Client, command string, to target, streams Streams) error {
	doing := "run git at " + to.String()
	run, err := client.NewSession()
	if err != nil {
		return r.wrap(ctx, doing, err)
	}
	defer run.Close()
	run.Stdout, run.Stderr = streams.Out, streams.Err
	// Given as Stdin, it would have to end before the command may.
	in, err := run.StdinPipe()
	if err != nil {
		return r.wrap(ctx, doing, err)
	}
	if err := run.Start(command); err != nil {
		return r.wrap(ctx, doing, err)
	}
	go func() {
		_, _ = io.Copy(in, streams.In)
		_ = in.Close()
	}()
	if err := run.Wait(); err != nil {
		return r.wrap(ctx, doing, err)
	}
	return nil
}
