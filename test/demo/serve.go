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

	"github.com/kayci/kayci/test/githost"
)

// serveCommand runs the git host. It is a process of its own, because the
// cluster goes on syncing when the demo has ended. Whoever connects to its Unix
// socket ends it: unlike a process number, a socket can't come to mean another
// process.
const serveCommand = "serve"

const socketName = "stop.sock"

// serve reads its site from standard input, so that no list of processes shows
// the credentials, and says its address on standard output when it listens.
func serve(ctx context.Context, state string) error {
	var site githost.Site
	if err := json.NewDecoder(os.Stdin).Decode(&site); err != nil {
		return fmt.Errorf("read the site to serve: %w", err)
	}
	socket := filepath.Join(state, socketName)
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the socket of an earlier git host: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("listen for the end: %w", err)
	}
	host, err := githost.Start(ctx, site.Dir, site.Address, site.Credentials)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Println(host.Address)
	conn, err := listener.Accept()
	if err != nil {
		return errors.Join(fmt.Errorf("wait for the end: %w", err), host.Stop(ctx), listener.Close())
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	// The connection last: whoever waits on it finds no socket afterwards.
	return errors.Join(host.Stop(ctx), listener.Close(), conn.Close())
}

// startHost starts the git host in the background and returns its site.
func (d *demo) startHost(ctx context.Context, site githost.Site) (githost.Site, error) {
	self, err := os.Executable()
	if err != nil {
		return site, fmt.Errorf("find this program's own path: %w", err)
	}
	input, err := json.Marshal(site)
	if err != nil {
		return site, err
	}
	logFile, err := os.OpenFile(filepath.Join(d.state, "githost.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return site, fmt.Errorf("open the git host's log: %w", err)
	}
	defer logFile.Close()
	// Not CommandContext: the process outlives this one.
	cmd := exec.Command(self, serveCommand, d.state) //nolint:noctx // see above
	cmd.Stderr = logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return site, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return site, err
	}
	if err := cmd.Start(); err != nil {
		return site, fmt.Errorf("start the git host: %w", err)
	}
	_, err = stdin.Write(input)
	if err := errors.Join(err, stdin.Close()); err != nil {
		return site, fmt.Errorf("tell the git host what to serve: %w", err)
	}
	if _, err := fmt.Fscanln(bufio.NewReader(stdout), &site.Address); err != nil {
		return site, fmt.Errorf("the git host has not started; its log is %s: %w", logFile.Name(), err)
	}
	return site, ctx.Err()
}

// stopHost ends the git host, if it runs, and returns when it has ended.
func (d *demo) stopHost(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(d.state, socketName))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("connect to the git host: %w", err)
	}
	defer conn.Close()
	// It closes the connection last of all; that of a second one to end it, which
	// was never accepted, is reset with the socket.
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("wait for the git host to end: %w", err)
	}
	d.Progress.Say("stopped the git host")
	return nil
}
