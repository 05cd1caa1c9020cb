package defaults

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/v1alpha1"
)

func parse(t *testing.T, text string) *Defaults {
	t.Helper()
	d, err := Parse(map[string]string{Key: text})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func template(t *testing.T, text string) batchv1.JobTemplateSpec {
	t.Helper()
	var decoded batchv1.JobTemplateSpec
	if err := yaml.UnmarshalStrict([]byte(text), &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

// inPod is a template whose pod has a spec of these lines.
func inPod(spec string) string { return "spec: {template: {spec: {" + spec + "}}}" }

// Each case is an author's template, defaults, and what comes of them.
func TestUnder(t *testing.T) {
	for name, tt := range map[string]struct{ defaults, author, want string }{
		"what nobody else says counts": {
			defaults: `{metadata: {labels: {queue: ci}}, spec: {template: {metadata: {annotations: {a: b}}, spec: {nodeSelector: {pool: ci}, imagePullSecrets: [{name: company}], priorityClassName: low}}}}`,
			author:   inPod(`containers: [{name: main, image: i}]`),
			want:     `{metadata: {labels: {queue: ci}}, spec: {template: {metadata: {annotations: {a: b}}, spec: {nodeSelector: {pool: ci}, imagePullSecrets: [{name: company}], priorityClassName: low, containers: [{name: main, image: i}]}}}}`,
		},
		"the author's maps and fields win, key by key": {
			defaults: `{metadata: {labels: {queue: ci, team: none}}, spec: {template: {spec: {nodeSelector: {pool: ci, arch: amd64}, priorityClassName: low}}}}`,
			author:   `{metadata: {labels: {team: web}}, spec: {template: {spec: {nodeSelector: {pool: gpu}, priorityClassName: high, containers: [{name: main, image: i}]}}}}`,
			want:     `{metadata: {labels: {queue: ci, team: web}}, spec: {template: {spec: {nodeSelector: {pool: gpu, arch: amd64}, priorityClassName: high, containers: [{name: main, image: i}]}}}}`,
		},
		"lists add up, and an item of the author's takes the place of its namesake": {
			defaults: inPod(`tolerations: [{key: ci, operator: Exists}], imagePullSecrets: [{name: a}, {name: b}], volumes: [{name: cache, emptyDir: {}}, {name: ca, configMap: {name: ca}}]`),
			author:   inPod(`tolerations: [{key: gpu, operator: Exists}], imagePullSecrets: [{name: b}, {name: c}], volumes: [{name: cache, persistentVolumeClaim: {claimName: cache}}], containers: [{name: main, image: i}]`),
			want:     inPod(`tolerations: [{key: ci, operator: Exists}, {key: gpu, operator: Exists}], imagePullSecrets: [{name: a}, {name: b}, {name: c}], volumes: [{name: ca, configMap: {name: ca}}, {name: cache, persistentVolumeClaim: {claimName: cache}}], containers: [{name: main, image: i}]`),
		},
		"of an item the author has all": {
			defaults: inPod(`resourceClaims: [{name: gpu, resourceClaimName: shared}, {name: nic, resourceClaimName: nic}], schedulingGates: [{name: z}, {name: b}]`),
			author:   inPod(`resourceClaims: [{name: gpu, resourceClaimTemplateName: own}], schedulingGates: [{name: b}, {name: a}], containers: [{name: main, image: i}]`),
			want:     inPod(`resourceClaims: [{name: nic, resourceClaimName: nic}, {name: gpu, resourceClaimTemplateName: own}], schedulingGates: [{name: z}, {name: b}, {name: a}], containers: [{name: main, image: i}]`),
		},
		"* is every container, a name the nearer one": {
			defaults: inPod(`containers: [{name: main, env: [{name: A, value: main}]}, {name: "*", imagePullPolicy: Always, env: [{name: A, value: all}, {name: B, value: all}]}, {name: other, env: [{name: A, value: other}]}]`),
			author:   inPod(`initContainers: [{name: second, image: i}, {name: first, image: i}], containers: [{name: main, image: i, env: [{name: C, value: $(B)}]}]`),
			want: inPod(`initContainers: [{name: second, image: i, imagePullPolicy: Always, env: [{name: A, value: all}, {name: B, value: all}]}, {name: first, image: i, imagePullPolicy: Always, env: [{name: A, value: all}, {name: B, value: all}]}],
				containers: [{name: main, image: i, imagePullPolicy: Always, env: [{name: B, value: all}, {name: A, value: main}, {name: C, value: $(B)}]}]`),
		},
		"the order of steps stays": {
			defaults: inPod(`containers: [{name: b, imagePullPolicy: Always}, {name: a, imagePullPolicy: Never}]`),
			author:   inPod(`initContainers: [{name: a, image: i}, {name: b, image: i}], containers: [{name: main, image: i}]`),
			want:     inPod(`initContainers: [{name: a, image: i, imagePullPolicy: Never}, {name: b, image: i, imagePullPolicy: Always}], containers: [{name: main, image: i}]`),
		},
		"of a variable the author has all": {
			defaults: inPod(`containers: [{name: "*", env: [{name: A, value: x}], envFrom: [{secretRef: {name: ours}}], volumeMounts: [{name: ca, mountPath: /ca, subPath: ca.crt}]}], volumes: [{name: ca, configMap: {name: ca}}]`),
			author:   inPod(`containers: [{name: main, image: i, env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}], envFrom: [{secretRef: {name: theirs}}], volumeMounts: [{name: own, mountPath: /ca}]}], volumes: [{name: own, emptyDir: {}}]`),
			want:     inPod(`containers: [{name: main, image: i, env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}], envFrom: [{secretRef: {name: ours}}, {secretRef: {name: theirs}}], volumeMounts: [{name: own, mountPath: /ca}]}], volumes: [{name: ca, configMap: {name: ca}}, {name: own, emptyDir: {}}]`),
		},
		"of a resource the author has request and limit": {
			defaults: inPod(`containers: [{name: "*", resources: {requests: {cpu: "1", memory: 1Gi}, limits: {memory: 2Gi}}}]`),
			author:   inPod(`containers: [{name: main, image: i, resources: {requests: {memory: 4Gi}}}]`),
			want:     inPod(`containers: [{name: main, image: i, resources: {requests: {cpu: "1", memory: 4Gi}}}]`),
		},
		"security of containers": {
			defaults: inPod(`securityContext: {runAsNonRoot: true, fsGroup: 1}, containers: [{name: "*", securityContext: {allowPrivilegeEscalation: false, runAsUser: 1, seccompProfile: {type: Localhost, localhostProfile: p}, capabilities: {drop: [ALL]}}}]`),
			author:   inPod(`containers: [{name: main, image: i, securityContext: {seccompProfile: {type: Unconfined}, capabilities: {add: [CHOWN]}}}]`),
			want:     inPod(`securityContext: {runAsNonRoot: true, fsGroup: 1}, containers: [{name: main, image: i, securityContext: {allowPrivilegeEscalation: false, runAsUser: 1, seccompProfile: {type: Unconfined}, capabilities: {drop: [ALL], add: [CHOWN]}}}]`),
		},
		"what the author says of the pod no default of a container overrules": {
			defaults: inPod(`containers: [{name: "*", securityContext: {runAsNonRoot: true, runAsUser: 1, runAsGroup: 1, allowPrivilegeEscalation: false}}]`),
			author:   inPod(`securityContext: {runAsNonRoot: false, runAsUser: 0}, containers: [{name: main, image: i}]`),
			want:     inPod(`securityContext: {runAsNonRoot: false, runAsUser: 0}, containers: [{name: main, image: i, securityContext: {runAsGroup: 1, allowPrivilegeEscalation: false}}]`),
		},
		"a container is root": {
			defaults: inPod(`containers: [{name: "*", securityContext: {runAsNonRoot: true}}]`),
			author:   inPod(`containers: [{name: main, image: i, securityContext: {runAsUser: 0}}, {name: other, image: i}]`),
			want:     inPod(`containers: [{name: main, image: i, securityContext: {runAsUser: 0}}, {name: other, image: i, securityContext: {runAsNonRoot: true}}]`),
		},
		"the pod is root, but for a container": {
			defaults: inPod(`securityContext: {runAsNonRoot: true}, containers: [{name: "*", securityContext: {runAsNonRoot: true}}]`),
			author:   inPod(`securityContext: {runAsUser: 0}, containers: [{name: main, image: i}, {name: other, image: i, securityContext: {runAsUser: 5}}]`),
			want:     inPod(`securityContext: {runAsUser: 0}, containers: [{name: main, image: i, securityContext: {}}, {name: other, image: i, securityContext: {runAsNonRoot: true, runAsUser: 5}}]`),
		},
		"a container is root in a pod that by default is not": {
			defaults: inPod(`securityContext: {runAsNonRoot: true}`),
			author:   inPod(`securityContext: {fsGroup: 1}, containers: [{name: main, image: i, securityContext: {runAsUser: 0}}, {name: other, image: i, securityContext: {privileged: false}}]`),
			want:     inPod(`securityContext: {fsGroup: 1, runAsNonRoot: true}, containers: [{name: main, image: i, securityContext: {runAsUser: 0, runAsNonRoot: false}}, {name: other, image: i, securityContext: {privileged: false}}]`),
		},
		"what the author himself says of root stays": {
			defaults: inPod(`securityContext: {runAsNonRoot: true}, containers: [{name: "*", securityContext: {runAsNonRoot: true}}]`),
			author:   inPod(`securityContext: {runAsNonRoot: true}, containers: [{name: main, image: i, securityContext: {runAsUser: 0}}]`),
			want:     inPod(`securityContext: {runAsNonRoot: true}, containers: [{name: main, image: i, securityContext: {runAsUser: 0}}]`),
		},
		"a nearer default is root": {
			defaults: inPod(`securityContext: {runAsNonRoot: true}, containers: [{name: "*", securityContext: {runAsNonRoot: true}}, {name: main, securityContext: {runAsUser: 0}}]`),
			author:   inPod(`containers: [{name: main, image: i}]`),
			want:     inPod(`securityContext: {runAsNonRoot: true}, containers: [{name: main, image: i, securityContext: {runAsUser: 0, runAsNonRoot: false}}]`),
		},
		"privileged": {
			defaults: inPod(`containers: [{name: "*", securityContext: {allowPrivilegeEscalation: false}}]`),
			author:   inPod(`containers: [{name: main, image: i, securityContext: {privileged: true}}]`),
			want:     inPod(`containers: [{name: main, image: i, securityContext: {privileged: true}}]`),
		},
		"a sidecar comes first, and has the defaults of all but where it says so itself": {
			defaults: inPod(`initContainers: [{name: proxy, image: p, restartPolicy: Always, securityContext: {runAsUser: 2}}], containers: [{name: "*", imagePullPolicy: Always, securityContext: {runAsUser: 1}}]`),
			author:   inPod(`initContainers: [{name: fetch, image: i}], containers: [{name: main, image: i}]`),
			want: inPod(`initContainers: [{name: proxy, image: p, restartPolicy: Always, imagePullPolicy: Always, securityContext: {runAsUser: 2}}, {name: fetch, image: i, imagePullPolicy: Always, securityContext: {runAsUser: 1}}],
				containers: [{name: main, image: i, imagePullPolicy: Always, securityContext: {runAsUser: 1}}]`),
		},
		"the author's own container of a sidecar's name takes its place": {
			defaults: inPod(`initContainers: [{name: proxy, image: p, args: [a]}, {name: main, image: p}]`),
			author:   inPod(`initContainers: [{name: proxy, image: own}], containers: [{name: main, image: i}]`),
			want:     inPod(`initContainers: [{name: proxy, image: own}], containers: [{name: main, image: i}]`),
		},
		"service account": {
			defaults: inPod(`serviceAccountName: ci, automountServiceAccountToken: true`),
			author:   inPod(`serviceAccount: own, containers: [{name: main, image: i}]`),
			want:     inPod(`serviceAccount: own, automountServiceAccountToken: true, containers: [{name: main, image: i}]`),
		},
		"a deadline": {
			defaults: inPod(`activeDeadlineSeconds: 60`),
			author:   inPod(`containers: [{name: main, image: i}]`),
			want:     inPod(`activeDeadlineSeconds: 60, containers: [{name: main, image: i}]`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := &v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "job", Template: template(t, tt.author)}}}
			before := spec.DeepCopy()
			got, errs := parse(t, tt.defaults).Under(spec, MaxRevision)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			if diff := cmp.Diff(canonical(t, template(t, tt.want)), canonical(t, got.Jobs[0].Template)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(before, spec); diff != "" {
				t.Errorf("the author's spec has changed:\n%s", diff)
			}
			again, errs := parse(t, tt.defaults).Under(spec, MaxRevision)
			if len(errs) > 0 || cmp.Diff(got, again) != "" {
				t.Errorf("a second merge differs: %v\n%s", errs, cmp.Diff(got, again))
			}
		})
	}
}

// TestVersion fails when something else comes of a template and defaults than
// came of them in this Version: raise it, and take over what came of it.
func TestVersion(t *testing.T) {
	d := parse(t, `{metadata: {labels: {queue: ci, team: none}}, spec: {template: {metadata: {annotations: {a: b}}, spec: {
		activeDeadlineSeconds: 60, nodeSelector: {pool: ci}, serviceAccountName: ci, securityContext: {runAsNonRoot: true, fsGroup: 1},
		tolerations: [{key: ci, operator: Exists}], imagePullSecrets: [{name: a}, {name: b}], volumes: [{name: ca, configMap: {name: ca}}, {name: own, emptyDir: {}}],
		initContainers: [{name: proxy, image: p, restartPolicy: Always}],
		containers: [{name: main, env: [{name: A, value: main}]}, {name: "*", imagePullPolicy: Always, env: [{name: A, value: all}, {name: B, value: all}],
			envFrom: [{secretRef: {name: ours}}], volumeMounts: [{name: ca, mountPath: /ca}], resources: {requests: {cpu: "1", memory: 1Gi}, limits: {memory: 2Gi}},
			securityContext: {runAsNonRoot: true, runAsUser: 1, allowPrivilegeEscalation: false, seccompProfile: {type: RuntimeDefault}}}]}}}}`)
	author := template(t, `{metadata: {labels: {team: web}}, spec: {template: {spec: {
		serviceAccount: own, securityContext: {runAsGroup: 2}, tolerations: [{key: gpu}], imagePullSecrets: [{name: b}], volumes: [{name: own, configMap: {name: own}}],
		initContainers: [{name: second, image: i}, {name: first, image: i, securityContext: {runAsUser: 0}}],
		containers: [{name: main, image: i, args: [$(B)], env: [{name: B, value: own}], resources: {requests: {memory: 4Gi}}}, {name: docker, image: i, securityContext: {privileged: true}}]}}}}`)
	got, errs := d.Under(&v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "job", Template: author}}}, MaxRevision)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	sum := sha256.Sum256([]byte(canonical(t, got.Jobs[0].Template)))
	if diff := cmp.Diff("1 ae6c26ec953ff9c7", fmt.Sprintf("%d %x", Version, sum[:8])); diff != "" {
		t.Errorf("-want +got:\n%s\nof\n%s", diff, canonical(t, got.Jobs[0].Template))
	}
}

// canonical lets quantities be compared.
func canonical(t *testing.T, template batchv1.JobTemplateSpec) string {
	t.Helper()
	encoded, err := json.MarshalIndent(template, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// The nearer defaults are merged first: the installation's come under what the
// ConfigRepo's have made of a Pipeline.
func TestUnderInTurn(t *testing.T) {
	spec := &v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "job", Template: template(t, inPod(`containers: [{name: main, image: i, env: [{name: A, value: author}]}]`))}}}
	want := template(t, inPod(`initContainers: [{name: proxy, image: team, env: [{name: C, value: installation}, {name: A, value: team}, {name: B, value: team}]}],
		containers: [{name: main, image: i, env: [{name: C, value: installation}, {name: B, value: team}, {name: A, value: author}]}]`))
	for _, text := range []string{
		inPod(`initContainers: [{name: proxy, image: team}], containers: [{name: "*", env: [{name: A, value: team}, {name: B, value: team}]}]`),
		inPod(`initContainers: [{name: proxy, image: installation}], containers: [{name: "*", env: [{name: A, value: installation}, {name: B, value: installation}, {name: C, value: installation}]}]`),
	} {
		merged, errs := parse(t, text).Under(spec, MaxRevision)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		spec = merged
	}
	if diff := cmp.Diff(canonical(t, want), canonical(t, spec.Jobs[0].Template)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A default deadline is of jobs: services live as long as their Run, notifiers
// have their own, and so has a job with a timeout.
func TestUnderKeepsDeadlinesToJobs(t *testing.T) {
	author := template(t, inPod(`containers: [{name: main, image: i}]`))
	spec := &v1alpha1.PipelineSpec{
		Jobs: []v1alpha1.Job{
			{Name: "plain", Template: author},
			{Name: "own", Template: author, Timeout: &metav1.Duration{Duration: 2 * time.Hour}},
			{Name: "last", Template: author, Finally: true},
		},
		Services:  []v1alpha1.Service{{Name: "db", Template: author}},
		Notifiers: []v1alpha1.Notifier{{Name: "chat", Template: author}},
	}
	got, errs := parse(t, `{metadata: {labels: {a: b}}, spec: {template: {spec: {activeDeadlineSeconds: 3600}}}}`).Under(spec, MaxRevision)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	deadlines := map[string]int64{}
	for name, template := range map[string]batchv1.JobTemplateSpec{
		"plain": got.Jobs[0].Template, "own": got.Jobs[1].Template, "last": got.Jobs[2].Template,
		"db": got.Services[0].Template, "chat": got.Notifiers[0].Template,
	} {
		if template.Labels["a"] != "b" {
			t.Errorf("%s has not the label", name)
		}
		if s := template.Spec.Template.Spec.ActiveDeadlineSeconds; s != nil {
			deadlines[name] = *s
		}
	}
	if diff := cmp.Diff(map[string]int64{"plain": 3600, "last": 3600}, deadlines); diff != "" {
		t.Errorf("deadlines (-want +got):\n%s", diff)
	}
}

func TestUnderRefusesWhatCannotStandTogether(t *testing.T) {
	large := make([]v1alpha1.Job, 200)
	for i := range large {
		large[i] = v1alpha1.Job{Name: "job", Template: template(t, inPod(`containers: [{name: main, image: i}]`))}
	}
	long := inPod(`containers: [{name: "*", env: [{name: A, value: "` + strings.Repeat("x", 6000) + `"}]}]`)
	for name, tt := range map[string]struct {
		defaults string
		spec     v1alpha1.PipelineSpec
		want     string
	}{
		"data in a command by way of a default": {
			defaults: inPod(`containers: [{name: "*", env: [{name: A, value: $(KAYCI_TITLE)}]}]`),
			spec:     v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "job", Template: template(t, inPod(`containers: [{name: main, image: i, args: ["$(A)"]}]`))}}},
			want:     "spec.jobs[0].template.spec.template.spec.containers[0].args[0]",
		},
		"the workspace's place": {
			defaults: inPod(`volumes: [{name: own, emptyDir: {}}], containers: [{name: "*", volumeMounts: [{name: own, mountPath: /workspace}]}]`),
			spec: v1alpha1.PipelineSpec{
				Jobs:      []v1alpha1.Job{{Name: "job", Template: template(t, inPod(`containers: [{name: main, image: i}]`))}},
				Workspace: &v1alpha1.Workspace{MountPath: "/workspace", VolumeClaimTemplate: claim()},
			},
			want: "spec.jobs[0].template.spec.template.spec.containers[0].volumeMounts[0].mountPath",
		},
		"more than an object holds": {defaults: long, spec: v1alpha1.PipelineSpec{Jobs: large}, want: "spec"},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := parse(t, tt.defaults).Under(&tt.spec, MaxRevision)
			if len(errs) != 1 || errs[0].Field != tt.want {
				t.Errorf("got %v, want one at %s", errs, tt.want)
			}
		})
	}
}

// A merge that passes its limit costs no more than up to there.
func TestUnderEndsAtItsLimit(t *testing.T) {
	d := parse(t, inPod(`containers: [{name: "*", env: [{name: A, value: "`+strings.Repeat("x", 6000)+`"}]}]`))
	spec := &v1alpha1.PipelineSpec{}
	for range 100 {
		spec.Jobs = append(spec.Jobs, v1alpha1.Job{Name: "job", Template: template(t, inPod(`containers: [{name: main, image: i}]`))})
	}
	cost := func(limit int) float64 {
		return testing.AllocsPerRun(1, func() {
			if _, errs := d.Under(spec, limit); (len(errs) > 0) != (limit < MaxRevision) {
				t.Errorf("with %d bytes: %v", limit, errs)
			}
		})
	}
	if part, all := cost(60_000), cost(MaxRevision); part > all/4 {
		t.Errorf("a tenth costs %.0f allocations of %.0f", part, all)
	}
}

func claim() corev1.PersistentVolumeClaimTemplate {
	return corev1.PersistentVolumeClaimTemplate{Spec: corev1.PersistentVolumeClaimSpec{
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}}
}

// What directs a strategic merge patch directs none here that an author could
// break something with: keys like that are none of labels and annotations.
func TestUnderSurvivesDirectives(t *testing.T) {
	d := parse(t, `{metadata: {annotations: {a: b}}, spec: {template: {spec: {nodeSelector: {pool: ci}, priorityClassName: low}}}}`)
	for _, key := range []string{"$patch", "$retainKeys", "$setElementOrder/x", "$deleteFromPrimitiveList/x"} {
		for _, value := range []string{"delete", "replace", "merge", "x", ""} {
			author := template(t, inPod(`containers: [{name: main, image: i}]`))
			author.Annotations = map[string]string{key: value}
			author.Spec.Template.Spec.NodeSelector = map[string]string{key: value}
			got, errs := d.Under(&v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "job", Template: author}}}, MaxRevision)
			if len(errs) == 0 && got.Jobs[0].Template.Spec.Template.Spec.PriorityClassName != "low" {
				t.Errorf("%s: %q changes more than its map: %+v", key, value, got.Jobs[0].Template)
			}
		}
	}
}
