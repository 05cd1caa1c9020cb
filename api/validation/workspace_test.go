package validation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func workspace(mountPath string) *v1alpha1.Workspace {
	w := &v1alpha1.Workspace{MountPath: mountPath}
	w.VolumeClaimTemplate.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	return w
}

func TestWorkspace(t *testing.T) {
	t.Parallel()
	const claim = "spec.workspace.volumeClaimTemplate."
	const path = "must be an absolute path, without ':', '.', '..' or a slash at its end"
	for name, tc := range map[string]struct {
		mountPath string
		change    func(*v1alpha1.Workspace)
		want      []string
	}{
		"valid":        {mountPath: "/workspace"},
		"deep":         {mountPath: "/home/me/.cache/..x"},
		"root":         {mountPath: "/", want: []string{`spec.workspace.mountPath: Invalid value: "/": ` + path}},
		"relative":     {mountPath: "src", want: []string{`spec.workspace.mountPath: Invalid value: "src": ` + path}},
		"upwards":      {mountPath: "/a/../b", want: []string{`spec.workspace.mountPath: Invalid value: "/a/../b": ` + path}},
		"slash at end": {mountPath: "/a/", want: []string{`spec.workspace.mountPath: Invalid value: "/a/": ` + path}},
		"colon":        {mountPath: "/a:b", want: []string{`spec.workspace.mountPath: Invalid value: "/a:b": ` + path}},
		"no size": {
			mountPath: "/src", change: func(w *v1alpha1.Workspace) { w.VolumeClaimTemplate.Spec.Resources.Requests = nil },
			want: []string{claim + "spec.resources.requests.storage: Required value: a workspace says how large it is"},
		},
		"block device": {
			mountPath: "/src", change: func(w *v1alpha1.Workspace) {
				w.VolumeClaimTemplate.Spec.VolumeMode = new(corev1.PersistentVolumeBlock)
			},
			want: []string{claim + `spec.volumeMode: Unsupported value: "Block": supported values: "Filesystem"`},
		},
		"named": {
			mountPath: "/src", change: func(w *v1alpha1.Workspace) { w.VolumeClaimTemplate.Name = "mine" },
			want: []string{claim + "metadata: Forbidden: KayCI names the claim, in the Pipeline's namespace: remove name and namespace"},
		},
		"kept": {
			mountPath: "/src", change: func(w *v1alpha1.Workspace) { w.VolumeClaimTemplate.Finalizers = []string{"example.com/keep"} },
			want: []string{claim + "metadata: Forbidden: the claim goes with its Run: remove finalizers and ownerReferences"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pipeline(job("a"))
			p.Spec.Workspace = workspace(tc.mountPath)
			if tc.change != nil {
				tc.change(p.Spec.Workspace)
			}
			if diff := cmp.Diff(tc.want, texts(validation.Pipeline(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWorkspaceInTemplates(t *testing.T) {
	t.Parallel()
	const pod = "spec.jobs[0].template.spec.template."
	const taken = "the Run's workspace is mounted there: choose another path, or leave this container out of the annotation kayci.dev/mount-workspace"
	mount := func(path string) func(*corev1.PodTemplateSpec) {
		return func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "x", MountPath: path}}
		}
	}
	only := func(names string, next func(*corev1.PodTemplateSpec)) func(*corev1.PodTemplateSpec) {
		return func(t *corev1.PodTemplateSpec) {
			t.Annotations = map[string]string{v1alpha1.MountWorkspaceAnnotation: names}
			next(t)
		}
	}
	require := func(t *corev1.PodTemplateSpec) {
		t.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "zone"}},
		}}
	}
	for name, tc := range map[string]struct {
		modes  []corev1.PersistentVolumeAccessMode
		change func(*corev1.PodTemplateSpec)
		want   []string
	}{
		"within":               {change: mount("/src/cache")},
		"same path":            {change: mount("/src"), want: []string{pod + `spec.containers[0].volumeMounts[0].mountPath: Invalid value: "/src": ` + taken}},
		"same path with slash": {change: mount("/src/"), want: []string{pod + `spec.containers[0].volumeMounts[0].mountPath: Invalid value: "/src/": ` + taken}},
		"left out":             {change: only("", mount("/src"))},
		"chosen":               {change: only("main", mount("/src")), want: []string{pod + `spec.containers[0].volumeMounts[0].mountPath: Invalid value: "/src": ` + taken}},
		"unknown container": {
			change: only("main,other", func(*corev1.PodTemplateSpec) {}),
			want:   []string{pod + `metadata.annotations[kayci.dev/mount-workspace]: Unsupported value: "other": supported values: "main"`},
		},
		"init container": {
			change: func(t *corev1.PodTemplateSpec) {
				t.Spec.InitContainers = []corev1.Container{{Name: "i", VolumeMounts: []corev1.VolumeMount{{MountPath: "/src"}}}}
			},
			want: []string{pod + `spec.initContainers[0].volumeMounts[0].mountPath: Invalid value: "/src": ` + taken},
		},
		"volume's name": {
			change: func(t *corev1.PodTemplateSpec) { t.Spec.Volumes = []corev1.Volume{{Name: "kayci-workspace"}} },
			want:   []string{pod + "spec.volumes[0].name: Forbidden: is the name of the workspace's volume: choose another"},
		},
		"affinity": {
			change: require,
			want: []string{pod + "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution: Forbidden: can't be combined with a workspace of access mode ReadWriteOnce, " +
				"which requires that pods run on one node: Kubernetes would look for one pod that is meant by both"},
		},
		"affinity without the workspace": {change: only(" ", require)},
		"affinity and a shared volume":   {modes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, change: require},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pipeline(with(job("a"), func(j *v1alpha1.Job) { tc.change(&j.Template.Spec.Template) }))
			p.Spec.Workspace = workspace("/src")
			p.Spec.Workspace.VolumeClaimTemplate.Spec.AccessModes = tc.modes
			if diff := cmp.Diff(tc.want, texts(validation.Pipeline(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}
