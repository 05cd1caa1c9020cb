package node

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// shimSockets returns the sockets that shims remove when they end by themselves.
func (n *Node) shimSockets() []string {
	var sockets []string
	for _, f := range glob(n.path("containerd/state/io.containerd.runtime.v2.task/k8s.io/*/address")) {
		text, err := os.ReadFile(f)
		socket, ok := strings.CutPrefix(string(text), "unix://")
		if err == nil && ok && filepath.Dir(socket) == "/run/containerd/s" {
			sockets = append(sockets, socket)
		}
	}
	return sockets
}

// removeStrays removes the files that components leave outside of the state
// folder, by paths that can't be configured, and their folders if nobody else
// uses them.
func (n *Node) removeStrays(ctx context.Context, sockets []string) error {
	strays := sockets
	for _, result := range glob("/var/lib/cni/results/*") {
		if text, err := os.ReadFile(result); err == nil && strings.Contains(string(text), n.values.State+"/") {
			strays = append(strays, result)
		}
	}
	for _, link := range glob("/var/log/containers/*.log") {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, n.values.State+"/") {
			strays = append(strays, link)
		}
	}
	const devices = "/var/lib/kubelet/device-plugins"
	if socket := devices + "/kubelet.sock"; !listened(ctx, socket) {
		strays = append(strays, socket)
	}
	var failed error
	for _, path := range strays {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	for _, dir := range []string{
		devices, "/var/lib/kubelet", "/var/log/containers", "/var/lib/cni/results", "/var/lib/cni", "/run/containerd/s", "/run/containerd",
	} {
		_ = os.Remove(dir) // fails if it isn't empty, as it should
	}
	return failed
}

func listened(ctx context.Context, socket string) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// glob returns the files that match a pattern. A malformed one, for which alone
// there is an error, matches none.
func glob(pattern string) []string {
	files, _ := filepath.Glob(pattern)
	return files
}
