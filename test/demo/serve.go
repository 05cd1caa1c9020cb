package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kayci/kayci/test/gitclone"
	"github.com/kayci/kayci/test/gitea"
)

// serveCommand runs Gitea until it is told to end it. It is a process of its own,
// because a person looks around when the demo has ended, and the cluster goes on
// syncing. Whoever connects to its Unix socket ends it: unlike a process number, a
// socket can't come to mean another process.
const serveCommand = "serve"

const socketName = "stop.sock"

// hostPatience is how long Gitea may take to end, which it does in its own time.
const hostPatience = time.Minute

// site is what Gitea is to be: where, and who has an account.
type site struct {
	gitea.Options

	Login gitclone.Credentials
}

// serve reads its site from standard input, so that no list of processes shows
// the password, and says Gitea's address on standard output when that answers.
func serve(ctx context.Context, state string) error {
	var site site
	if err := json.NewDecoder(os.Stdin).Decode(&site); err != nil {
		return fmt.Errorf("read the site to serve: %w", err)
	}
	socket := filepath.Join(state, socketName)
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the socket of an earlier demo: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("listen for the end: %w", err)
	}
	server, err := gitea.Start(ctx, site.Options)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if _, err := server.Admin().CreateUser(ctx, site.Login.Username, site.Login.Password); err != nil {
		return errors.Join(err, server.Stop(), listener.Close())
	}
	fmt.Println(server.URL)
	conn, err := listener.Accept()
	if err != nil {
		return errors.Join(fmt.Errorf("wait for the end: %w", err), server.Stop(), listener.Close())
	}
	// The connection last: whoever waits on it finds no socket afterwards.
	return errors.Join(server.Stop(), listener.Close(), conn.Close())
}

// startHost starts Gitea in the background and returns its address.
func (d *demo) startHost(ctx context.Context, site site) (url string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's own path: %w", err)
	}
	input, err := json.Marshal(site)
	if err != nil {
		return "", err
	}
	logFile, err := os.OpenFile(filepath.Join(d.state, "githost.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return "", fmt.Errorf("open the log of Gitea's start: %w", err)
	}
	defer logFile.Close()
	// Not CommandContext: the process outlives this one.
	cmd := exec.Command(self, serveCommand, d.state) //nolint:noctx // see above
	cmd.Stderr = logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start Gitea's keeper: %w", err)
	}
	_, err = stdin.Write(input)
	if err := errors.Join(err, stdin.Close()); err != nil {
		return "", fmt.Errorf("tell Gitea's keeper what to serve: %w", err)
	}
	if _, err := fmt.Fscanln(bufio.NewReader(stdout), &url); err != nil {
		return "", fmt.Errorf("start Gitea: see %s: %w", logFile.Name(), err)
	}
	return url, ctx.Err()
}

// stopHost ends Gitea, if it runs, and returns when it has ended.
func (d *demo) stopHost(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(d.state, socketName))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("connect to Gitea's keeper: %w", err)
	}
	defer conn.Close()
	// It closes the connection last of all; that of a second one to end it, which
	// was never accepted, is reset with the socket.
	if err := conn.SetReadDeadline(time.Now().Add(hostPatience)); err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("wait for Gitea to end: %w", err)
	}
	d.Progress.Say("stopped Gitea")
	return nil
}
