// Package node runs a single-node cluster on this machine: it starts the
// components that package config describes, says whether they live, and removes
// every trace of them.
//
// A cluster either lives whole or is started over, empty. There is one on a
// machine at most: its bridge, ports and control group have fixed names.
package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kayci/kayci/local/debian"
	"github.com/kayci/kayci/local/node/config"
	"github.com/kayci/kayci/local/node/process"
	"github.com/kayci/kayci/local/progress"
)

// Node is the cluster whose files are under one folder.
type Node struct {
	values config.Values
	// bin holds the programs that were built.
	bin   string
	out   *progress.Printer
	table process.Table
}

// New returns the cluster under the folder state. The folder becomes the
// cluster's own: stopping the cluster deletes it.
func New(state, bin string, out *progress.Printer) (*Node, error) {
	// A socket's path has 107 characters at most, and the kubelet and containerd
	// make theirs some folders down.
	if !filepath.IsAbs(state) || filepath.Clean(state) != state || state == "/" || len(state) > 60 {
		return nil, fmt.Errorf("the state folder must be an absolute path of 60 characters at most, not %q", state)
	}
	values := config.Default(state)
	if managed := "/run/systemd/resolve/resolv.conf"; debian.There(managed) {
		values.ResolvConf = managed // /etc/resolv.conf then names a server that pods can't reach
	}
	text, err := os.ReadFile(values.ResolvConf)
	values.Forward = err == nil && config.NamesServer(string(text))
	return &Node{values: values, bin: bin, out: out, table: process.Proc()}, nil
}

// Kubeconfig is the path of the administrator's kubeconfig.
func (n *Node) Kubeconfig() string { return n.path("kubeconfig") }

// Address is the node's address, by which pods and this machine reach each other.
func (n *Node) Address() string { return n.values.Address }

func (n *Node) path(elements ...string) string {
	return filepath.Join(append([]string{n.values.State}, elements...)...)
}

func (n *Node) logFile(component string) string { return n.path("log", component+".log") }

func (n *Node) pidFile(component string) string { return n.path("run", component+".pid") }

func components(v config.Values) []config.Component {
	before, after := config.Components(v)
	return append(before, after...)
}

// State is what is known of one component.
type State struct {
	Name string
	PID  int
	Runs bool
	Log  string
}

// States returns the state of every component.
func (n *Node) States() ([]State, error) {
	var states []State
	for _, c := range components(n.values) {
		record, found, err := process.Read(n.pidFile(c.Name))
		if err != nil {
			return nil, err
		}
		states = append(states, State{
			Name: c.Name, PID: record.PID, Runs: found && n.table.Runs(record), Log: n.logFile(c.Name),
		})
	}
	return states, nil
}

// Check returns nil if every component runs and the API server says that it is
// ready, and otherwise what is wrong.
func (n *Node) Check(ctx context.Context) error {
	states, err := n.States()
	if err != nil {
		return err
	}
	var stopped []string
	for _, s := range states {
		if !s.Runs {
			stopped = append(stopped, s.Name)
		}
	}
	if len(stopped) > 0 {
		return fmt.Errorf("not running: %s", strings.Join(stopped, ", "))
	}
	client, err := n.client()
	if err != nil {
		return err
	}
	if err := n.apiServerReady(client)(ctx); err != nil {
		return err
	}
	return n.nodeReady(client)(ctx)
}

// Exists says whether the folder of the cluster does.
func (n *Node) Exists() bool { return debian.There(n.values.State) }

// client returns an HTTP client with the administrator's rights.
func (n *Node) client() (*http.Client, error) {
	ca, err := os.ReadFile(n.path("pki/ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("read the cluster's certificate: %w", err)
	}
	cert, err := tls.LoadX509KeyPair(n.path("pki/admin.crt"), n.path("pki/admin.key"))
	if err != nil {
		return nil, fmt.Errorf("read the administrator's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{
			Proxy:           nil, // the cluster is on this machine
			TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		},
	}, nil
}

type condition = func(context.Context) error

func (n *Node) get(ctx context.Context, client *http.Client, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.values.Server()+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return errors.Unwrap(err) // without the URL
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, response.Status)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}

func (n *Node) apiServerReady(client *http.Client) condition {
	return func(ctx context.Context) error { return n.get(ctx, client, "/readyz", nil) }
}

func (n *Node) nodeReady(client *http.Client) condition {
	return func(ctx context.Context) error {
		var node struct {
			Status struct {
				Conditions []struct{ Type, Status, Message string }
			}
		}
		if err := n.get(ctx, client, "/api/v1/nodes/"+n.values.Node, &node); err != nil {
			return err
		}
		for _, c := range node.Status.Conditions {
			if c.Type == "Ready" && c.Status == "True" {
				return nil
			} else if c.Type == "Ready" {
				return errors.New(c.Message)
			}
		}
		return errors.New("the kubelet hasn't reported yet")
	}
}

func (n *Node) accountExists(client *http.Client) condition {
	return func(ctx context.Context) error {
		return n.get(ctx, client, "/api/v1/namespaces/default/serviceaccounts/default", nil)
	}
}

// dnsAnswers asks the cluster's DNS server for the API server's service.
func (n *Node) dnsAnswers(ctx context.Context) error {
	resolver := &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, fmt.Sprintf("%s:%d", n.values.Address, n.values.Ports.DNS))
		},
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	name := "kubernetes.default.svc." + n.values.Domain + "."
	addresses, err := resolver.LookupHost(ctx, name)
	if err != nil {
		return err
	}
	if len(addresses) != 1 || addresses[0] != n.values.APIServiceAddress {
		return fmt.Errorf("%s is said to be at %s", name, strings.Join(addresses, ", "))
	}
	return nil
}
