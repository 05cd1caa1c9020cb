// The program provisioner makes a PersistentVolume, a folder of the machine, for
// each claim of the local cluster's storage class. The controller manager's own
// host-path provisioner has one fixed folder, and lets none but root write.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func main() {
	name := flag.String("name", "", "the provisioner that storage classes name")
	kubeconfig := flag.String("kubeconfig", "", "the kubeconfig to use")
	dir := flag.String("dir", "", "the folder to make volumes in")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *name, *kubeconfig, *dir)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "provisioner:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name, kubeconfig, dir string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("read kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	provisioner := controller.NewProvisionController(ctx, client, name, volumes{dir: dir},
		controller.LeaderElection(false), controller.MetricsPort(0))
	provisioner.Run(ctx)
	return nil
}
