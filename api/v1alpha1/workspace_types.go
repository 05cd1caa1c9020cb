package v1alpha1

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Workspace is a volume that the jobs and services of a Run share. Each Run gets one of its
// own, which is deleted with the Run, or at its end.
type Workspace struct {
	// MountPath is where the volume is mounted, in every container and init
	// container of every job and service. The pod annotation `kayci.dev/mount-workspace` names
	// the containers that get it, separated by commas; blank: none. A container that
	// mounts something at that path itself is refused.
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/[^/:]+)+$') && !self.matches('/[.][.]?(/|$)')",message="mountPath must be an absolute path, without ':', '.', '..' or a slash at its end"
	MountPath string `json:"mountPath"`

	// VolumeClaimTemplate of the PersistentVolumeClaim `<run>-workspace`, which is
	// created before the first Job. It must say how large the volume is
	// (spec.resources.requests.storage). accessModes is [ReadWriteOnce] if none is
	// given: then all pods that mount the workspace run on the node that the first
	// of them runs on, for as long as one of them does, and none of them can have a
	// required podAffinity of its own.
	// +kubebuilder:validation:XValidation:rule="!has(self.metadata) || (!has(self.metadata.name) && !has(self.metadata.namespace) && !has(self.metadata.finalizers))",message="name, namespace and finalizers are refused: remove them from the claim's metadata"
	// +kubebuilder:validation:XValidation:rule="has(self.spec.resources) && has(self.spec.resources.requests) && 'storage' in self.spec.resources.requests",message="a workspace says how large it is: set spec.resources.requests.storage"
	VolumeClaimTemplate corev1.PersistentVolumeClaimTemplate `json:"volumeClaimTemplate"`

	// Retain keeps the claim for as long as the Run. `false`: it is deleted when the
	// Run and the last of its pods have ended. Default: true.
	// +optional
	Retain *bool `json:"retain,omitempty"`
}

// WorkspaceState is what becomes of the claim of a workspace that isn't retained.
// +kubebuilder:validation:Enum=Deleting;Deleted
type WorkspaceState string

// States of a workspace that isn't retained, once its Run has ended.
const (
	WorkspaceDeleting WorkspaceState = "Deleting"
	WorkspaceDeleted  WorkspaceState = "Deleted"
)

// OnOneNode reports whether only pods of one node can mount the workspace at a
// time. A volume that only one pod can mount needs no such care: there is no
// other pod to stay with.
func (w *Workspace) OnOneNode() bool {
	modes := w.VolumeClaimTemplate.Spec.AccessModes
	return !slices.Contains(modes, corev1.ReadWriteMany) && !slices.Contains(modes, corev1.ReadWriteOncePod)
}
