package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func options(name, node string) controller.ProvisionOptions {
	return controller.ProvisionOptions{
		PVName: name, SelectedNodeName: node, StorageClass: &storagev1.StorageClass{},
		PVC: &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		}},
	}
}

func TestProvisionAndDelete(t *testing.T) {
	v := volumes{dir: t.TempDir()}
	path := filepath.Join(v.dir, "pvc-1")
	mode := corev1.PersistentVolumeFilesystem
	want := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pvc-1"},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			VolumeMode:                    &mode,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: path}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "kubernetes.io/hostname", Operator: "In", Values: []string{"n1"}}},
			}}}},
		},
	}
	for range 2 { // the second time after a crash, say
		got, state, err := v.Provision(t.Context(), options("pvc-1", "n1"))
		if err != nil || state != controller.ProvisioningFinished {
			t.Fatalf("%v, %v", state, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeDir|0o777 {
		t.Errorf("the folder: %v, %v", info, err)
	}
	for range 2 {
		if err := v.Delete(t.Context(), want); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestRefused(t *testing.T) {
	root := t.TempDir()
	v := volumes{dir: filepath.Join(root, "volumes")}
	keep := filepath.Join(root, "keep")
	if err := os.WriteFile(keep, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "../keep", "a/b", "/x"} {
		if _, _, err := v.Provision(t.Context(), options(name, "n1")); err == nil {
			t.Errorf("volume %q was made", name)
		}
		if err := v.Delete(t.Context(), &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}}); err == nil {
			t.Errorf("volume %q was deleted", name)
		}
	}
	if _, _, err := v.Provision(t.Context(), options("pvc-1", "")); err == nil {
		t.Error("a volume was made for no node")
	}
	if _, err := os.Stat(keep); err != nil {
		t.Error(err)
	}
}
