package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/v1alpha1"
)

// installationLabel is one that the installation's defaults have, for the pods of
// all tests.
const installationLabel = "example.com/installation"

// installedDefaults are the chart's value.
func installedDefaults() map[string]any {
	labels := map[string]any{"metadata": map[string]any{"labels": map[string]any{installationLabel: "e2e", "example.com/team": "none"}}}
	return map[string]any{"template": map[string]any{"spec": map[string]any{"template": labels}}}
}

// teamDefaults are those of a ConfigRepo's owner.
func teamDefaults(team string, user int) map[string]string {
	return map[string]string{"jobTemplate": fmt.Sprintf(`
metadata: {labels: {example.com/team: %[1]s}}
spec:
  template:
    metadata: {labels: {example.com/team: %[1]s}}
    spec:
      containers:
      - name: "*"
        securityContext: {runAsUser: %[2]d, runAsGroup: %[2]d}
        resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}
`, team, user)}
}

// seen is what a job's pod has of the defaults, and the user that it ran as.
type seen struct{ installation, team, cpu, memory, user string }

func (s *space) seen(t *testing.T, run, job string) seen {
	t.Helper()
	pod := s.pod(t, run, job)
	c := pod.Spec.Containers[0]
	lines := strings.Fields(s.log(t, run, job, "main"))
	return seen{
		installation: pod.Labels[installationLabel], team: pod.Labels["example.com/team"],
		cpu: c.Resources.Requests.Cpu().String(), memory: c.Resources.Limits.Memory().String(), user: lines[len(lines)-1],
	}
}

// The installation's defaults come under those of a ConfigRepo, these under the
// author's template. A Run that has begun keeps what it was pinned to.
func TestJobDefaults(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	own := script("own", "id -u", "plain")
	container := &own.Template.Spec.Template.Spec.Containers[0]
	container.SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(2000))}
	container.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("20m")}
	encoded, err := yaml.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion().String(), "kind": v1alpha1.PipelineKind, "metadata": map[string]any{"name": "web"},
		"spec": v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{script("plain", s.through("held")+"; id -u"), own}},
	})
	if err != nil {
		t.Fatal(err)
	}
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{"web.yaml": string(encoded)})
	defaults := &corev1.ConfigMap{ObjectMeta: s.meta("job-defaults"), Data: teamDefaults("first", 1000)}
	repo := s.configRepo("repo", repository.URL)
	repo.Spec.JobDefaults = &meta.LocalObjectReference{Name: defaults.Name}
	s.create(t, defaults, repo)
	s.syncTo(t, "repo", commit)
	s.resourceVersions(t)
	s.start(t, "before", "web")
	s.awaitArrival(t, "held")

	patch(t, s, defaults, func(c *corev1.ConfigMap) { c.Data = teamDefaults("second", 3000) })
	s.syncTo(t, "repo", commit)
	s.resourceVersions(t)
	s.start(t, "after", "web")
	s.openGate("held")
	got := map[string]seen{}
	for _, run := range []string{"before", "after"} {
		s.awaitEnd(t, run, v1alpha1.RunSucceeded)
		for _, job := range []string{"plain", "own"} {
			got[run+" "+job] = s.seen(t, run, job)
		}
	}
	want := map[string]seen{
		"before plain": {installation: "e2e", team: "first", cpu: "10m", memory: "64Mi", user: "1000"},
		"before own":   {installation: "e2e", team: "first", cpu: "20m", memory: "64Mi", user: "2000"},
		"after plain":  {installation: "e2e", team: "second", cpu: "10m", memory: "64Mi", user: "3000"},
		"after own":    {installation: "e2e", team: "second", cpu: "20m", memory: "64Mi", user: "2000"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(seen{})); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}

	patch(t, s, defaults, func(c *corev1.ConfigMap) { c.Data = map[string]string{"jobTemplate": "spec: {suspend: true}"} })
	if _, ready := s.sync(t, "repo"); ready.Reason != v1alpha1.ReasonInvalidJobDefaults || !strings.Contains(ready.Message, "jobTemplate.spec.suspend") {
		t.Errorf("with faulty defaults Ready is %+v", ready)
	}
}
