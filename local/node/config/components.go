package config

import "fmt"

// Component is a process of the cluster.
type Component struct {
	// Name is unique and names the log and pid file.
	Name string
	// Program is the name of the program, to be looked up by whoever starts it.
	Program string
	Args    []string
}

// Components returns the cluster's processes in the order in which they are
// started, those that the API server needs before it and the rest after it.
func Components(v Values) (before, after []Component) {
	before = []Component{etcd(v), containerd(v), apiServer(v)}
	after = []Component{controllerManager(v), scheduler(v), kubelet(v), proxy(v), dns(v), provisioner(v)}
	return before, after
}

func etcd(v Values) Component {
	client := fmt.Sprintf("https://127.0.0.1:%d", v.Ports.EtcdClient)
	peer := fmt.Sprintf("https://127.0.0.1:%d", v.Ports.EtcdPeer)
	return Component{Name: "etcd", Program: "etcd", Args: []string{
		"--name=" + v.Node,
		"--data-dir=" + v.State + "/etcd",
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=" + v.Node + "=" + peer,
		"--client-cert-auth",
		"--trusted-ca-file=" + v.pki("etcd-ca.crt"),
		"--cert-file=" + v.pki("etcd.crt"),
		"--key-file=" + v.pki("etcd.key"),
		"--peer-client-cert-auth",
		"--peer-trusted-ca-file=" + v.pki("etcd-ca.crt"),
		"--peer-cert-file=" + v.pki("etcd.crt"),
		"--peer-key-file=" + v.pki("etcd.key"),
		"--log-level=warn",
		// A cluster that is started over after a crash has nothing to lose.
		"--unsafe-no-fsync",
	}}
}

func containerd(v Values) Component {
	return Component{Name: "containerd", Program: "containerd", Args: []string{
		"--config=" + v.State + "/config/containerd.toml",
	}}
}

func apiServer(v Values) Component {
	return Component{Name: "kube-apiserver", Program: "kube-apiserver", Args: []string{
		"--bind-address=" + v.Address,
		"--advertise-address=" + v.Address,
		fmt.Sprintf("--secure-port=%d", v.Ports.API),
		fmt.Sprintf("--etcd-servers=https://127.0.0.1:%d", v.Ports.EtcdClient),
		"--etcd-cafile=" + v.pki("etcd-ca.crt"),
		"--etcd-certfile=" + v.pki("etcd-client.crt"),
		"--etcd-keyfile=" + v.pki("etcd-client.key"),
		"--tls-cert-file=" + v.pki("apiserver.crt"),
		"--tls-private-key-file=" + v.pki("apiserver.key"),
		"--client-ca-file=" + v.pki("ca.crt"),
		"--requestheader-client-ca-file=" + v.pki("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + v.pki("front-proxy-client.crt"),
		"--proxy-client-key-file=" + v.pki("front-proxy-client.key"),
		"--service-account-issuer=https://kubernetes.default.svc." + v.Domain,
		"--service-account-key-file=" + v.pki("service-account.pub"),
		"--service-account-signing-key-file=" + v.pki("service-account.key"),
		"--kubelet-certificate-authority=" + v.pki("ca.crt"),
		"--kubelet-client-certificate=" + v.pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + v.pki("apiserver-kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-cluster-ip-range=" + v.ServiceCIDR,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--profiling=false",
	}}
}

func controllerManager(v Values) Component {
	kubeconfig := v.kubeconfig("kube-controller-manager")
	return Component{Name: "kube-controller-manager", Program: "kube-controller-manager", Args: []string{
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", v.Ports.ControllerManager),
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--root-ca-file=" + v.pki("ca.crt"),
		"--service-account-private-key-file=" + v.pki("service-account.key"),
		"--cluster-signing-cert-file=" + v.pki("ca.crt"),
		"--cluster-signing-key-file=" + v.pki("ca.key"),
		"--use-service-account-credentials=true",
		"--leader-elect=false",
		// The defaults (20 and 30) hold all Jobs of a cluster to about three a second.
		"--kube-api-qps=200",
		"--kube-api-burst=400",
		"--profiling=false",
	}}
}

func scheduler(v Values) Component {
	kubeconfig := v.kubeconfig("kube-scheduler")
	return Component{Name: "kube-scheduler", Program: "kube-scheduler", Args: []string{
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", v.Ports.Scheduler),
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		"--kube-api-qps=200",
		"--kube-api-burst=400",
		"--profiling=false",
	}}
}

func kubelet(v Values) Component {
	return Component{Name: "kubelet", Program: "kubelet", Args: []string{
		"--config=" + v.State + "/config/kubelet.yaml",
		"--kubeconfig=" + v.kubeconfig("kubelet"),
		"--root-dir=" + v.State + "/kubelet",
		"--cert-dir=" + v.State + "/kubelet/pki",
		"--hostname-override=" + v.Node,
		"--node-ip=" + v.Address,
	}}
}

func proxy(v Values) Component {
	return Component{Name: "kube-proxy", Program: "kube-proxy", Args: []string{
		"--config=" + v.State + "/config/kube-proxy.yaml",
	}}
}

func dns(v Values) Component {
	return Component{Name: "coredns", Program: "coredns", Args: []string{
		"-conf=" + v.State + "/config/Corefile",
		fmt.Sprintf("-dns.port=%d", v.Ports.DNS),
	}}
}

func provisioner(v Values) Component {
	return Component{Name: "provisioner", Program: "provisioner", Args: []string{
		"-name=" + v.Provisioner,
		"-kubeconfig=" + v.kubeconfig("provisioner"),
		"-dir=" + v.State + "/volumes",
	}}
}

func (v Values) pki(file string) string { return v.State + "/pki/" + file }

func (v Values) kubeconfig(user string) string {
	return v.State + "/config/" + user + ".kubeconfig"
}
