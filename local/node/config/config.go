// Package config says what a single-node cluster consists of: its addresses and
// ports, the text of every configuration file, and the command line of every
// component. It is pure; package node writes the files and starts the programs.
package config

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// Ports are the ports that the components listen on. All but the API server's
// and the kubelet's are on loopback, and none is Kubernetes' default, so that a
// cluster of another kind may live on the same machine.
type Ports struct {
	API, Kubelet, DNS                        int
	EtcdClient, EtcdPeer                     int
	ControllerManager, Scheduler             int
	KubeletHealth, ProxyHealth, ProxyMetrics int
	DNSReady                                 int
}

// Values is what the files and command lines of a cluster vary with. The paths
// are absolute; State holds everything that the cluster writes.
type Values struct {
	// Node is the node's name, and Address its address and the pods' gateway:
	// an address of the cluster's own bridge, which no other machine can reach
	// and no lease can change.
	Node, Address string

	Bridge, PodCIDR, ServiceCIDR, Domain string
	// APIServiceAddress is the first address of ServiceCIDR, by which pods know
	// the API server.
	APIServiceAddress string

	State, ContainerdSocket string
	CNIBin                  string
	PauseImage              string
	// CgroupRoot is the control group, as the kubelet names it, that holds every
	// pod: what is left in it after a crash belongs to this cluster.
	CgroupRoot string
	// NFTable is the nftables table that lets pods reach other networks.
	NFTable string
	// Provisioner is the name by which the storage class asks for volumes.
	Provisioner string
	// ResolvConf names the machine's DNS servers, and Forward says whether it
	// names any.
	ResolvConf string
	Forward    bool

	Ports Ports
}

// Default returns the values of a cluster whose files are under state.
func Default(state string) Values {
	return Values{
		Node:              "kayci-local",
		Address:           "10.213.0.1",
		Bridge:            "kayci0",
		PodCIDR:           "10.213.0.0/16",
		ServiceCIDR:       "10.214.0.0/16",
		APIServiceAddress: "10.214.0.1",
		Domain:            "cluster.local",
		State:             state,
		ContainerdSocket:  state + "/run/containerd.sock",
		CNIBin:            "/usr/lib/cni",
		PauseImage:        "kayci.local/pause:1",
		CgroupRoot:        "/kayci-local",
		NFTable:           "kayci-local",
		Provisioner:       "kayci.local/folder",
		ResolvConf:        "/etc/resolv.conf",
		Ports: Ports{
			API: 16443, Kubelet: 16250, DNS: 53,
			EtcdClient: 16379, EtcdPeer: 16380,
			ControllerManager: 16257, Scheduler: 16259,
			KubeletHealth: 16248, ProxyHealth: 16256, ProxyMetrics: 16249,
			DNSReady: 16253,
		},
	}
}

// BridgeAddress is Address with the length of the pods' network.
func (v Values) BridgeAddress() string {
	_, length, _ := strings.Cut(v.PodCIDR, "/")
	return v.Address + "/" + length
}

// Server is the URL of the API server.
func (v Values) Server() string { return fmt.Sprintf("https://%s:%d", v.Address, v.Ports.API) }

// File is a file of the state folder; its path is relative to that.
type File struct {
	Path string
	Text string
}

// Files returns every configuration file but the kubeconfigs, which hold keys.
func Files(v Values) ([]File, error) {
	var files []File
	for _, f := range []struct{ path, template string }{
		{"config/containerd.toml", "containerd.toml"},
		{"config/cni/10-bridge.conflist", "cni.conflist"},
		{"config/nftables", "nftables"},
		{"config/kubelet.yaml", "kubelet.yaml"},
		{"config/kube-proxy.yaml", "kube-proxy.yaml"},
		{"config/Corefile", "Corefile"},
		{"config/manifests.yaml", "manifests.yaml"},
	} {
		text, err := render(f.template, v)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Path: f.path, Text: text})
	}
	return files, nil
}

// Credentials are what a client proves itself with, in PEM.
type Credentials struct{ CA, Cert, Key []byte }

// Kubeconfig returns a kubeconfig that carries its credentials in itself, so
// that it still works where it is copied to.
func Kubeconfig(v Values, user string, c Credentials) (string, error) {
	encode := base64.StdEncoding.EncodeToString
	return render("kubeconfig.yaml", map[string]string{
		"Name": v.Node, "Server": v.Server(), "User": user,
		"CA": encode(c.CA), "Cert": encode(c.Cert), "Key": encode(c.Key),
	})
}

func render(name string, data any) (string, error) {
	t, err := template.New(name).Option("missingkey=error").ParseFS(templates, "templates/"+name)
	if err != nil {
		return "", fmt.Errorf("read template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return out.String(), nil
}

// NamesServer says whether the text of a resolv.conf names a DNS server.
func NamesServer(resolvConf string) bool {
	for line := range strings.Lines(resolvConf) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "nameserver" {
			return true
		}
	}
	return false
}
