package node

import (
	"fmt"
	"os"
	"time"

	"github.com/kayci/kayci/local/node/config"
	"github.com/kayci/kayci/local/node/pki"
)

type certificate struct {
	file    string
	subject pki.Subject
}

// issue makes every key and certificate, and the kubeconfigs that carry them.
func (n *Node) issue(now time.Time) error {
	v := n.values
	loopback := []string{"127.0.0.1"}
	clients := []certificate{
		{"admin", pki.Subject{Name: "kubernetes-admin", Groups: []string{"system:masters"}}},
		{"kubelet", pki.Subject{Name: "system:node:" + v.Node, Groups: []string{"system:nodes"}}},
		{"kube-controller-manager", pki.Subject{Name: "system:kube-controller-manager"}},
		{"kube-scheduler", pki.Subject{Name: "system:kube-scheduler"}},
		{"kube-proxy", pki.Subject{Name: "system:kube-proxy"}},
		{"coredns", pki.Subject{Name: "system:coredns"}},
		{"provisioner", pki.Subject{Name: "system:kayci-local-provisioner"}},
	}
	for authority, certificates := range map[string][]certificate{
		"ca": append([]certificate{
			{"apiserver", pki.Subject{
				Name: "kube-apiserver", Addresses: []string{v.Address, v.APIServiceAddress},
				DNSNames: []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + v.Domain},
			}},
			{"kubelet-server", pki.Subject{Name: "kubelet", Addresses: []string{v.Address}, DNSNames: []string{v.Node}}},
			{"apiserver-kubelet-client", pki.Subject{Name: "kube-apiserver", Groups: []string{"system:masters"}}},
		}, clients...),
		"etcd-ca": {
			{"etcd", pki.Subject{Name: "etcd", Addresses: loopback}},
			{"etcd-client", pki.Subject{Name: "kube-apiserver"}},
		},
		// Whoever holds a certificate of it may speak to the API server for
		// anyone, so the authority is one of its own.
		"front-proxy-ca": {{"front-proxy-client", pki.Subject{Name: "front-proxy-client"}}},
	} {
		ca, err := pki.NewAuthority(n.path("pki"), authority, now)
		if err != nil {
			return err
		}
		for _, c := range certificates {
			if err := ca.Issue(c.file, c.subject); err != nil {
				return err
			}
		}
	}
	if err := pki.WriteKeyPair(n.path("pki"), "service-account"); err != nil {
		return err
	}
	for _, c := range clients {
		path := n.path("config", c.file+".kubeconfig")
		if c.file == "admin" {
			path = n.Kubeconfig()
		}
		if err := n.writeKubeconfig(path, c.file); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) writeKubeconfig(path, user string) error {
	var credentials config.Credentials
	for file, into := range map[string]*[]byte{
		"ca.crt": &credentials.CA, user + ".crt": &credentials.Cert, user + ".key": &credentials.Key,
	} {
		text, err := os.ReadFile(n.path("pki", file))
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		*into = text
	}
	text, err := config.Kubeconfig(n.values, user, credentials)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}
