package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kayci/kayci/local/debian"
	"github.com/kayci/kayci/local/node/config"
	"github.com/kayci/kayci/local/node/machine"
	"github.com/kayci/kayci/local/node/process"
)

// Up starts a cluster that nothing is left of, and returns when it can be used.
// pauseImage is a tar with the image that config.Values.PauseImage names. If it
// fails, nothing runs, and the logs stay.
func (n *Node) Up(ctx context.Context, pauseImage string) error {
	if err := n.checkFree(ctx); err != nil {
		return err
	}
	if err := n.claim(); err != nil {
		return err
	}
	err := n.prepare(ctx)
	if err == nil {
		err = n.start(ctx, pauseImage)
	}
	if err != nil {
		// The context may be what ended the start.
		return errors.Join(err, n.stop(context.WithoutCancel(ctx)))
	}
	return nil
}

// checkFree says what already uses a port or an address of the cluster.
func (n *Node) checkFree(ctx context.Context) error {
	for _, cidr := range []string{n.values.PodCIDR, n.values.ServiceCIDR} {
		other, err := machine.OverlappingInterface(cidr, n.values.Bridge)
		if err != nil {
			return err
		}
		if other != "" {
			return fmt.Errorf("the cluster's network %s overlaps with that of interface %s", cidr, other)
		}
	}
	p := n.values.Ports
	for _, port := range []int{
		p.EtcdClient, p.EtcdPeer, p.ControllerManager, p.Scheduler, p.KubeletHealth, p.ProxyHealth, p.ProxyMetrics,
		p.DNSReady, p.API, p.Kubelet,
	} {
		// The bridge's address isn't there yet; a listener on loopback alone is
		// no clash for the last two, but worth the same message.
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return fmt.Errorf("port %d is needed and another program uses it: %w", port, err)
		}
		l.Close()
	}
	return nil
}

// prepare writes the cluster's files and sets up the machine.
func (n *Node) prepare(ctx context.Context) error {
	for _, dir := range []string{"", "config/cni", "etcd", "log/pods", "pki", "run", "volumes"} {
		if err := os.MkdirAll(n.path(dir), 0o700); err != nil {
			return fmt.Errorf("make the state folder: %w", err)
		}
	}
	files, err := config.Files(n.values)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := os.WriteFile(n.path(f.Path), []byte(f.Text), 0o600); err != nil {
			return fmt.Errorf("write configuration: %w", err)
		}
	}
	if err := n.issue(time.Now()); err != nil {
		return err
	}
	if err := machine.AddBridge(n.values.Bridge, n.values.BridgeAddress()); err != nil {
		return err
	}
	if err := machine.Route(ctx); err != nil {
		return err
	}
	if err := machine.LoadTables(ctx, n.path("config/nftables")); err != nil {
		return err
	}
	return machine.AddCgroup(n.values.CgroupRoot)
}

func (n *Node) start(ctx context.Context, pauseImage string) error {
	before, after := config.Components(n.values)
	if err := n.startAll(before); err != nil {
		return err
	}
	client, err := n.client()
	if err != nil {
		return err
	}
	wait := func(text string, limit time.Duration, ask condition) error {
		return n.out.Wait(ctx, text, limit, ask, n.anyDead)
	}
	if err := wait("containerd answers", time.Minute, n.containerdAnswers); err != nil {
		return n.explain(err, "containerd")
	}
	if err := n.Load(ctx, pauseImage); err != nil {
		return err
	}
	if err := wait("the API server is ready", 2*time.Minute, n.apiServerReady(client)); err != nil {
		return n.explain(err, "kube-apiserver")
	}
	// Before those who need the rights that are given there.
	if err := n.kubectl(ctx, "create", "--validate=false", "-f", n.path("config/manifests.yaml")); err != nil {
		return err
	}
	if err := n.startAll(after); err != nil {
		return err
	}
	for _, w := range []struct {
		text, blame string
		ask         condition
	}{
		{"the node is ready", "kubelet", n.nodeReady(client)},
		{"DNS answers", "coredns", n.dnsAnswers},
		{"the default service account exists", "kube-controller-manager", n.accountExists(client)},
	} {
		if err := wait(w.text, time.Minute, w.ask); err != nil {
			return n.explain(err, w.blame)
		}
	}
	return nil
}

func (n *Node) startAll(components []config.Component) error {
	for _, c := range components {
		path := filepath.Join(n.bin, c.Program)
		if !debian.There(path) {
			var err error
			if path, err = debian.Find(c.Program); err != nil {
				return err
			}
		}
		_, err := process.Start(n.table, process.Spec{
			Path: path, Args: append([]string{c.Program}, c.Args...), Env: environment(os.Environ()),
			Log: n.logFile(c.Name), PIDFile: n.pidFile(c.Name),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// environment makes sure that programs in the administrator's folders are found,
// and that no proxy comes between the components.
func environment(inherited []string) []string {
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	var env []string
	for _, e := range inherited {
		key, value, _ := strings.Cut(e, "=")
		switch strings.ToUpper(key) {
		case "PATH":
			path = value + ":" + path
		case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "KUBECONFIG", "NOTIFY_SOCKET":
		default:
			env = append(env, e)
		}
	}
	return append(env, "PATH="+path)
}

// DeadError says which component has ended.
type DeadError struct{ Component string }

// Error implements error.
func (e DeadError) Error() string { return e.Component + " has ended" }

// anyDead returns an error if a component that was started has ended.
func (n *Node) anyDead(context.Context) error {
	for _, c := range components(n.values) {
		record, found, err := process.Read(n.pidFile(c.Name))
		if err != nil {
			return err
		}
		if found && !n.table.Runs(record) {
			return DeadError{Component: c.Name}
		}
	}
	return nil
}

// explain adds the end of the log of the component that ended, or else of the
// one that was waited for.
func (n *Node) explain(err error, component string) error {
	if dead, ok := errors.AsType[DeadError](err); ok {
		component = dead.Component
	}
	text, readErr := os.ReadFile(n.logFile(component))
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	return fmt.Errorf("%w\nThe end of %s:\n%s", err, n.logFile(component), lastLines(string(text), 20))
}

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}

func (n *Node) containerdAnswers(ctx context.Context) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", n.values.ContainerdSocket)
	if err != nil {
		return err
	}
	conn.Close()
	return n.ctr(ctx, "version")
}

// Load puts the images of a tar, as docker save or the OCI layout have it, where
// the kubelet finds them.
func (n *Node) Load(ctx context.Context, tar string) error {
	return n.ctr(ctx, "images", "import", "--no-unpack=false", tar)
}

func (n *Node) ctr(ctx context.Context, args ...string) error {
	path, err := debian.Find("ctr")
	if err != nil {
		return err
	}
	return run(ctx, path, append([]string{"--address", n.values.ContainerdSocket, "--namespace", "k8s.io"}, args...)...)
}

func (n *Node) kubectl(ctx context.Context, args ...string) error {
	return run(ctx, filepath.Join(n.bin, "kubectl"), append([]string{"--kubeconfig", n.Kubeconfig()}, args...)...)
}

func run(ctx context.Context, path string, args ...string) error {
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(path), err, bytes.TrimSpace(output.Bytes()))
	}
	return nil
}
