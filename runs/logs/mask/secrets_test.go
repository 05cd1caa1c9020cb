package mask

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestSecretsOf(t *testing.T) {
	t.Parallel()
	ref := func(name string) *corev1.LocalObjectReference { return &corev1.LocalObjectReference{Name: name} }
	env := func(name string) []corev1.EnvVar {
		return []corev1.EnvVar{{Name: "PLAIN", Value: "x"}, {Name: "NODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{}}}, {
			Name: "X", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: *ref(name), Key: "k"}},
		}}
	}
	volume := func(source corev1.VolumeSource) corev1.Volume { return corev1.Volume{Name: "v", VolumeSource: source} }
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Env: env("env-of-init")}},
		Containers: []corev1.Container{{Env: env("env"), EnvFrom: []corev1.EnvFromSource{
			{ConfigMapRef: &corev1.ConfigMapEnvSource{}}, {SecretRef: &corev1.SecretEnvSource{LocalObjectReference: *ref("env-from")}},
		}}, {Env: env("env")}},
		EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Env: env("env-of-debug")}}},
		ImagePullSecrets:    []corev1.LocalObjectReference{*ref("pull"), {}},
		Volumes: []corev1.Volume{
			volume(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}),
			volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "volume"}}),
			volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{}}, {Secret: &corev1.SecretProjection{LocalObjectReference: *ref("projected")}},
			}}}),
			volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{NodePublishSecretRef: ref("csi")}}),
			volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{}}),
			volume(corev1.VolumeSource{FlexVolume: &corev1.FlexVolumeSource{SecretRef: ref("flex")}}),
			volume(corev1.VolumeSource{AzureFile: &corev1.AzureFileVolumeSource{SecretName: "azure"}}),
			volume(corev1.VolumeSource{CephFS: &corev1.CephFSVolumeSource{SecretRef: ref("cephfs")}}),
			volume(corev1.VolumeSource{RBD: &corev1.RBDVolumeSource{SecretRef: ref("rbd")}}),
			volume(corev1.VolumeSource{ISCSI: &corev1.ISCSIVolumeSource{SecretRef: ref("iscsi")}}),
			volume(corev1.VolumeSource{ScaleIO: &corev1.ScaleIOVolumeSource{SecretRef: ref("scaleio")}}),
			volume(corev1.VolumeSource{StorageOS: &corev1.StorageOSVolumeSource{SecretRef: ref("storageos")}}),
			volume(corev1.VolumeSource{Cinder: &corev1.CinderVolumeSource{SecretRef: ref("cinder")}}),
		},
	}}
	want := []string{
		"azure", "cephfs", "cinder", "csi", "env", "env-from", "env-of-debug", "env-of-init", "flex", "iscsi", "projected", "pull", "rbd", "scaleio", "storageos", "volume",
	}
	if diff := cmp.Diff(want, Secrets(pod)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEveryVolumeIsKnown fails when Kubernetes has a kind of volume that names a Secret
// and isn't looked at.
func TestEveryVolumeIsKnown(t *testing.T) {
	t.Parallel()
	volumes := reflect.TypeFor[corev1.VolumeSource]()
	for i := range volumes.NumField() {
		var filled corev1.VolumeSource
		source := reflect.New(volumes.Field(i).Type.Elem())
		if !nameSecrets(source.Elem()) {
			continue
		}
		reflect.ValueOf(&filled).Elem().Field(i).Set(source)
		if got := Secrets(&corev1.Pod{Spec: corev1.PodSpec{Volumes: []corev1.Volume{{VolumeSource: filled}}}}); len(got) == 0 {
			t.Errorf("the Secret of a volume %s is overlooked", volumes.Field(i).Name)
		}
	}
}

// nameSecrets sets what names a Secret in a volume, and reports whether anything does.
func nameSecrets(volume reflect.Value) bool {
	found := false
	for i := range volume.NumField() {
		field, isSecret := volume.Field(i), strings.Contains(volume.Type().Field(i).Name, "Secret")
		switch {
		case isSecret && field.Kind() == reflect.String:
			field.SetString("x")
			found = true
		case isSecret && field.Kind() == reflect.Pointer && field.Type().Elem().Kind() == reflect.Struct:
			field.Set(reflect.New(field.Type().Elem()))
			field.Elem().FieldByName("Name").SetString("x")
			found = true
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			found = nameSecrets(field.Index(0)) || found
		}
	}
	return found
}
