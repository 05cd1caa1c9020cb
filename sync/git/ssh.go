package git

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	fluxgit "github.com/fluxcd/pkg/git"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

func openSSH(ctx context.Context, to target, dial Dial, req Request, report reporter) (session, error) {
	config, err := sshConfig(to, req, report)
	if err != nil {
		return nil, err
	}
	conn, err := dial(ctx, "tcp", to.address("22"))
	if err != nil {
		return nil, err
	}
	s := &stream{closers: []io.Closer{conn}, conn: conn, packed: true, words: &words{}}
	if err := s.start(ctx, conn, to, config, req, report); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// start shakes hands and runs upload-pack.
func (s *stream) start(ctx context.Context, conn net.Conn, to target, config *ssh.ClientConfig, req Request, report reporter) error {
	client, err := shakeHands(ctx, conn, to, config, report)
	if err != nil {
		return err
	}
	run, err := client.NewSession()
	if err != nil {
		return errors.Join(err, client.Close())
	}
	s.closers = []io.Closer{run, client}
	run.Stderr = s.words
	stdout, err := run.StdoutPipe()
	if err != nil {
		return err
	}
	s.out = &limitedReader{stdout, req.Limits.PackBytes + maxAdvertised}
	if s.in, err = run.StdinPipe(); err != nil {
		return err
	}
	if err := run.Start(transport.UploadPackServiceName + " " + quote(to.url.Path)); err != nil {
		return err
	}
	s.packed, s.wait = false, run.Wait
	return nil
}

// shakeHands proves to each side who the other is.
func shakeHands(ctx context.Context, conn net.Conn, to target, config *ssh.ClientConfig, report reporter) (*ssh.Client, error) {
	proven := false
	check := config.HostKeyCallback
	config.HostKeyCallback = func(host string, remote net.Addr, key ssh.PublicKey) error {
		if err := check(host, remote, key); err != nil {
			return report.fail(ReasonAuthenticationFailed, "connect to %s: the server's %s key is not the one in known_hosts", to, key.Type())
		}
		proven = true
		return nil
	}
	c, channels, requests, err := ssh.NewClientConn(conn, to.address("22"), config)
	switch {
	case ctx.Err() != nil:
		return nil, report.ended(ctx, "connect to "+to.String())
	case err != nil:
		return nil, handshakeError(err, proven, to, report)
	}
	return ssh.NewClient(c, channels, requests), nil
}

// handshakeError tells a refused key from a lost connection: the ssh package has
// no type for the former. Once the server has proven who it is, only the
// authentication is left to fail.
func handshakeError(err error, proven bool, to target, report reporter) error {
	var known *Error
	var network net.Error
	switch {
	case errors.As(err, &known):
		return known
	case proven && !errors.As(err, &network) && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed):
		return report.fail(ReasonAuthenticationFailed, "connect to %s: the server refused the key", to)
	default:
		return err
	}
}

func sshConfig(to target, req Request, report reporter) (*ssh.ClientConfig, error) {
	options, err := fluxgit.NewAuthOptions(*to.url, trimmedAuth(req.Auth))
	if err != nil {
		return nil, report.fail(ReasonInvalidSecret, "the Secret doesn't fit the URL: %v", err)
	}
	if len(options.Identity) == 0 || len(options.KnownHosts) == 0 {
		return nil, report.fail(ReasonInvalidSecret, "ssh needs a Secret with the keys identity and known_hosts")
	}
	signer, err := parseIdentity(options, report)
	if err != nil {
		return nil, err
	}
	hosts, err := parseKnownHosts(filepath.Dir(req.Store), options.KnownHosts, report)
	if err != nil {
		return nil, err
	}
	algorithms := hosts.HostKeyAlgorithms(to.address("22"))
	if len(algorithms) == 0 {
		return nil, report.fail(ReasonInvalidSecret, "the Secret's known_hosts has no key of %s", to.url.Host)
	}
	return &ssh.ClientConfig{
		User:              options.Username,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   hosts.HostKeyCallback(),
		HostKeyAlgorithms: algorithms,
	}, nil
}

func parseIdentity(options *fluxgit.AuthOptions, report reporter) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(options.Identity)
	if options.Password != "" {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(options.Identity, []byte(options.Password))
	}
	var missing *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &missing):
		return nil, report.fail(ReasonInvalidSecret, "the Secret's identity is encrypted: add its passphrase as the key password")
	case err != nil:
		return nil, report.fail(ReasonInvalidSecret, "the Secret's identity is no private key, or its password is wrong")
	}
	return signer, nil
}

// parseKnownHosts goes through a file, because the library reads nothing else.
func parseKnownHosts(folder string, data []byte, report reporter) (*knownhosts.HostKeyDB, error) {
	file, err := os.CreateTemp(folder, "known_hosts-")
	if err != nil {
		return nil, report.fail(ReasonStorageFailed, "keep known_hosts: %v", err)
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, report.fail(ReasonStorageFailed, "keep known_hosts: %v", err)
	}
	hosts, err := knownhosts.NewDB(file.Name())
	if err != nil {
		return nil, report.fail(ReasonInvalidSecret, "the Secret's known_hosts is malformed")
	}
	return hosts, nil
}

// quote makes a path one word of the POSIX shell that may stand behind the
// server.
func quote(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }
