package mask

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Secrets are the names of the Secrets that the pod names, sorted: those whose values
// its containers may print.
func Secrets(pod *corev1.Pod) []string {
	found := names{}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			found.ofEnvironment(containers[i].Env, containers[i].EnvFrom)
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		found.ofEnvironment(pod.Spec.EphemeralContainers[i].Env, pod.Spec.EphemeralContainers[i].EnvFrom)
	}
	for i := range pod.Spec.Volumes {
		found.ofVolume(&pod.Spec.Volumes[i].VolumeSource)
	}
	for i := range pod.Spec.ImagePullSecrets {
		found.of(&pod.Spec.ImagePullSecrets[i])
	}
	return slices.Sorted(maps.Keys(found))
}

type names map[string]bool

func (n names) add(name string) {
	if name != "" {
		n[name] = true
	}
}

func (n names) of(reference *corev1.LocalObjectReference) {
	if reference != nil {
		n.add(reference.Name)
	}
}

func (n names) ofEnvironment(env []corev1.EnvVar, from []corev1.EnvFromSource) {
	for i := range env {
		if source := env[i].ValueFrom; source != nil && source.SecretKeyRef != nil {
			n.add(source.SecretKeyRef.Name)
		}
	}
	for i := range from {
		if source := from[i].SecretRef; source != nil {
			n.add(source.Name)
		}
	}
}

func (n names) ofVolume(volume *corev1.VolumeSource) {
	if volume.Secret != nil {
		n.add(volume.Secret.SecretName)
	}
	if volume.Projected != nil {
		for i := range volume.Projected.Sources {
			if source := volume.Projected.Sources[i].Secret; source != nil {
				n.add(source.Name)
			}
		}
	}
	n.ofDriver(volume)
}

// ofDriver adds what mounts a volume rather than being in it: a driver's log may be in
// a container's.
func (n names) ofDriver(volume *corev1.VolumeSource) {
	switch {
	case volume.CSI != nil:
		n.of(volume.CSI.NodePublishSecretRef)
	case volume.FlexVolume != nil:
		n.of(volume.FlexVolume.SecretRef)
	case volume.AzureFile != nil:
		n.add(volume.AzureFile.SecretName)
	case volume.CephFS != nil:
		n.of(volume.CephFS.SecretRef)
	case volume.RBD != nil:
		n.of(volume.RBD.SecretRef)
	case volume.ISCSI != nil:
		n.of(volume.ISCSI.SecretRef)
	case volume.ScaleIO != nil:
		n.of(volume.ScaleIO.SecretRef)
	case volume.StorageOS != nil:
		n.of(volume.StorageOS.SecretRef)
	case volume.Cinder != nil:
		n.of(volume.Cinder.SecretRef)
	}
}
