package job

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// WorkspaceName returns the name of the claim of a Run's workspace. A Run's name
// leaves room for the suffix in a claim's, which may have 253 characters.
func WorkspaceName(run string) string {
	return run + "-workspace"
}

// Workspace returns the claim of the Run's workspace, which goes with the Run.
func Workspace(run *v1alpha1.Run, w *v1alpha1.Workspace) *corev1.PersistentVolumeClaim {
	template := w.VolumeClaimTemplate.DeepCopy()
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   run.Namespace,
			Name:        WorkspaceName(run.Name),
			Annotations: template.Annotations,
			Labels: merge(template.Labels, map[string]string{
				v1alpha1.RunLabel:      run.Name,
				v1alpha1.PipelineLabel: run.Spec.Pipeline,
			}),
			OwnerReferences: []metav1.OwnerReference{owner(run)},
		},
		Spec: template.Spec,
	}
	if len(claim.Spec.AccessModes) == 0 {
		claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	}
	return claim
}

// mountWorkspace mounts the workspace in the containers that the template's
// annotation names, by default in all.
func mountWorkspace(pod *corev1.PodTemplateSpec, run string, w *v1alpha1.Workspace) {
	if w == nil {
		return
	}
	chosen := named(pod, v1alpha1.MountWorkspaceAnnotation)
	mounted := false
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			if c := &containers[i]; chosen(c.Name) {
				c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: v1alpha1.WorkspaceVolume, MountPath: w.MountPath})
				mounted = true
			}
		}
	}
	if !mounted {
		return
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{
		Name: v1alpha1.WorkspaceVolume,
		VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: WorkspaceName(run)},
		},
	})
	pod.Labels[v1alpha1.WorkspaceLabel] = run
	if w.OnOneNode() {
		keepTogether(&pod.Spec, run)
	}
}

// keepTogether has the pod run where others run that mount the workspace. The
// scheduler lets the first one go anywhere, because it matches the term itself;
// pods that have ended don't count, so that a Run whose node was drained can go
// on at another.
func keepTogether(pod *corev1.PodSpec, run string) {
	if pod.Affinity == nil {
		pod.Affinity = &corev1.Affinity{}
	}
	if pod.Affinity.PodAffinity == nil {
		pod.Affinity.PodAffinity = &corev1.PodAffinity{}
	}
	required := &pod.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	*required = append(*required, corev1.PodAffinityTerm{
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.WorkspaceLabel: run}},
		TopologyKey:   corev1.LabelHostname,
	})
}
