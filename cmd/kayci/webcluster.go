package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/cert"
	ctrl "sigs.k8s.io/controller-runtime"
)

// Where a pod has what it knows of the API server, and the token of its account there.
const (
	accountDir  = "/var/run/secrets/kubernetes.io/serviceaccount"
	accountFile = accountDir + "/token"
)

// webCluster says where the API server is. In a pod that takes no token of the pod's
// account, unlike rest.InClusterConfig: the page has its viewers', and its pods needn't
// have another. Elsewhere a kubeconfig says it.
func webCluster(getenv func(string) string, dir string) (*rest.Config, error) {
	host, port := getenv("KUBERNETES_SERVICE_HOST"), getenv("KUBERNETES_SERVICE_PORT")
	if getenv(clientcmd.RecommendedConfigPathEnvVar) != "" || host == "" || port == "" {
		return ctrl.GetConfig()
	}
	file := filepath.Join(dir, "ca.crt")
	_, err := cert.NewPool(file)
	if errors.Is(err, fs.ErrNotExist) {
		if config, err := ctrl.GetConfig(); err == nil {
			return config, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read whom to trust as API server: mount the ConfigMap kube-root-ca.crt, or set KUBECONFIG: %w", err)
	}
	// The file is read again when it changes.
	return &rest.Config{Host: "https://" + net.JoinHostPort(host, port), TLSClientConfig: rest.TLSClientConfig{CAFile: file}}, nil
}
