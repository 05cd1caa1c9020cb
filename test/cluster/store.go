package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Store is the name of the store's Deployment, Service and claim.
const Store = Release + "-store"

// StorePods returns the running pods of the store.
func (c *Cluster) StorePods(ctx context.Context) ([]corev1.Pod, error) {
	pods, err := c.podsOf(ctx, "store")
	return running(pods), err
}

// AwaitStore returns when there are as many pods of the store as there should be, all of
// them up to date and ready, if it is installed.
func (c *Cluster) AwaitStore(ctx context.Context) error {
	err := c.Client.Get(ctx, c.storeKey(), &corev1.Service{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("get the store's Service: %w", err)
	}
	return c.awaitDeployment(ctx, "the store's replicas", Store, func(ctx context.Context) ([]corev1.Pod, error) {
		return c.podsOf(ctx, "store")
	})
}

func (c *Cluster) storeKey() client.ObjectKey {
	return client.ObjectKey{Namespace: c.Namespace, Name: Store}
}

// StoreLeader is the name of the pod of the store that follows, or was the last to. Blank:
// there is none yet.
func (c *Cluster) StoreLeader(ctx context.Context) (string, error) {
	pods, err := c.StorePods(ctx)
	if err != nil {
		return "", err
	}
	if len(pods) == 1 && slices.Contains(pods[0].Spec.Containers[0].Args, "--leader-elect=false") {
		return pods[0].Name, nil
	}
	var lease coordinationv1.Lease
	if err := c.Client.Get(ctx, c.storeKey(), &lease); err != nil {
		return "", fmt.Errorf("get the store's Lease: %w", err)
	}
	if lease.Spec.HolderIdentity == nil {
		return "", nil
	}
	pod, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_")
	return pod, nil
}

// StoreFolder is the folder of this machine that the store's claim is. It is blank of a
// cluster whose nodes are other machines.
func (c *Cluster) StoreFolder(ctx context.Context) (string, error) {
	if c.opts.Current {
		return "", nil
	}
	var claim corev1.PersistentVolumeClaim
	if err := c.Client.Get(ctx, c.storeKey(), &claim); err != nil {
		return "", fmt.Errorf("get the store's claim: %w", err)
	}
	var volume corev1.PersistentVolume
	if err := c.Client.Get(ctx, client.ObjectKey{Name: claim.Spec.VolumeName}, &volume); err != nil {
		return "", fmt.Errorf("get the store's volume: %w", err)
	}
	if volume.Spec.Local == nil {
		return "", fmt.Errorf("the store's volume %s is no folder", volume.Name)
	}
	return volume.Spec.Local.Path, nil
}

// StoreURL is where this machine reaches the store. The function ends what makes it
// reachable.
func (c *Cluster) StoreURL(ctx context.Context) (url string, stop func(), err error) {
	var service corev1.Service
	if err := c.Client.Get(ctx, c.storeKey(), &service); err != nil {
		return "", nil, fmt.Errorf("get the store's Service: %w", err)
	}
	return c.reach(ctx, "service/"+Store, service.Spec.ClusterIP, int(service.Spec.Ports[0].Port))
}
