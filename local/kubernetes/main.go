// The program kubernetes is every component of a single-node cluster in one
// binary, so that one link replaces seven. The component is chosen by the name
// that the program was called by (a symlink named kubelet is a kubelet) or, if
// that says nothing, by its first argument.
//
// Each component is to be a process of its own: they register metrics, flags
// and feature gates in package variables and would trample on each other.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // CronJobs name time zones, which the machine may lack

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func components() []string {
	return []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet"}
}

func main() {
	name, args, ok := choose(os.Args)
	if !ok {
		fmt.Fprintf(os.Stderr, "usage: %s COMPONENT [ARGUMENT...], COMPONENT being one of %s\n",
			filepath.Base(os.Args[0]), strings.Join(components(), ", "))
		os.Exit(2)
	}
	os.Args = append([]string{name}, args...)
	os.Exit(run(name))
}

// choose says which component the command line asks for, and its arguments.
func choose(argv []string) (name string, args []string, ok bool) {
	for range 2 {
		if len(argv) == 0 {
			return "", nil, false
		}
		if name = filepath.Base(argv[0]); slices.Contains(components(), name) {
			return name, argv[1:], true
		}
		argv = argv[1:]
	}
	return "", nil, false
}

func run(name string) int {
	switch name {
	case "etcd":
		etcdmain.Main(os.Args)
		return 0
	case "kubectl":
		// Before the command is built: plugins and preferences are read then.
		if _, err := logs.GlogSetter(kubectl.GetLogVerbosity(os.Args)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err)
		}
		return 0
	default:
		return cli.Run(server(name))
	}
}

func server(name string) *cobra.Command {
	switch name {
	case "kube-apiserver":
		return apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		return controllermanager.NewControllerManagerCommand()
	case "kube-scheduler":
		return scheduler.NewSchedulerCommand()
	case "kube-proxy":
		return proxy.NewProxyCommand()
	default:
		return kubelet.NewKubeletCommand(context.Background())
	}
}
