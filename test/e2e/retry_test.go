package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// moody is a job that fails until the ConfigMap says otherwise.
func moody() v1alpha1.Job {
	job := script("check", `echo "run $KAYCI_RUN is number $KAYCI_RUN_NUMBER of $KAYCI_GIT_SHA, version $KAYCI_OUTPUT_BUILD_VERSION"; test "$MOOD" = good`, "build")
	container := &job.Template.Spec.Template.Spec.Containers[0]
	container.Env = []corev1.EnvVar{{Name: "MOOD", ValueFrom: &corev1.EnvVarSource{
		ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "mood"}, Key: "mood"},
	}}}
	return job
}

func TestRetryRunsWhatFailedAndWhatNeedsIt(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	mood := &corev1.ConfigMap{ObjectMeta: s.meta("mood"), Data: map[string]string{"mood": "bad"}}
	web := s.pipeline("web", script("build", `printf '{"version":"%s"}' "$HOSTNAME" > /dev/termination-log`), moody(), script("after", "true", "check"), script("beside", "true"))
	web.Spec.Params = []v1alpha1.Param{{Name: "git_sha"}}
	first := &v1alpha1.Run{ObjectMeta: s.meta("first"), Spec: v1alpha1.RunSpec{Pipeline: "web", Params: map[string]string{"git_sha": "8f3c"}}}
	s.create(t, mood, web, first)
	first = s.awaitEnd(t, "first", v1alpha1.RunFailed)
	if first.Status.Jobs[0].Outputs["version"] == "" {
		t.Fatalf("the first Run's job build has the outputs %v", first.Status.Jobs[0].Outputs)
	}
	want := []string{"build=Succeeded", "check=Failed/Error", "after=Skipped/NeedsFailed", "beside=Succeeded"}
	if diff := cmp.Diff(want, phases(first)); diff != "" {
		t.Fatalf("jobs of the first Run (-want +got):\n%s", diff)
	}

	// A retry runs what the first one ran, not what the Pipeline is now.
	patch(t, s, web, func(p *v1alpha1.Pipeline) { p.Spec.Jobs = p.Spec.Jobs[:1] })
	patch(t, s, mood, func(c *corev1.ConfigMap) { c.Data["mood"] = "good" })
	patch(t, s, first.DeepCopy(), func(run *v1alpha1.Run) {
		metav1.SetMetaDataAnnotation(&run.ObjectMeta, v1alpha1.RetryAnnotation, "1")
	})
	s.expectRetry(t, first, s.awaitEnd(t, s.awaitRetry(t, "first"), v1alpha1.RunSucceeded), "2")

	s.create(t, &v1alpha1.Run{ObjectMeta: s.meta("by-hand"), Spec: v1alpha1.RunSpec{Pipeline: "web", RetryOf: "first"}})
	second := s.awaitEnd(t, "by-hand", v1alpha1.RunSucceeded)
	s.expectRetry(t, first, second, "3")

	s.create(t, &v1alpha1.Run{ObjectMeta: s.meta("useless"), Spec: v1alpha1.RunSpec{Pipeline: "web", RetryOf: "by-hand"}})
	useless := s.awaitEnd(t, "useless", v1alpha1.RunFailed)
	if c := useless.Status.Conditions[0]; c.Reason != v1alpha1.ReasonInvalidRetry || !strings.Contains(c.Message, "nothing to retry") {
		t.Errorf("condition of a retry of a success: %s: %s", c.Reason, c.Message)
	}
}

// awaitRetry returns the name of the Run that retries another.
func (s *space) awaitRetry(t *testing.T, of string) string {
	t.Helper()
	var name string
	s.await(t, "a retry of Run "+of, func(ctx context.Context) (bool, string, error) {
		var runs v1alpha1.RunList
		if err := s.Client.List(ctx, &runs, client.InNamespace(s.namespace)); err != nil {
			return false, "", cluster.Retry(err)
		}
		i := slices.IndexFunc(runs.Items, func(run v1alpha1.Run) bool { return run.Spec.RetryOf == of })
		if i >= 0 {
			name = runs.Items[i].Name
		}
		return i >= 0, "", nil
	})
	return name
}

// expectRetry checks that the retry ran again what had failed, and no more.
func (s *space) expectRetry(t *testing.T, first, retry *v1alpha1.Run, number string) {
	t.Helper()
	want := *first.Spec.DeepCopy()
	want.RetryOf = first.Name
	if diff := cmp.Diff(want, retry.Spec); diff != "" {
		t.Errorf("spec of %s (-want +got):\n%s", retry.Name, diff)
	}
	for _, i := range []int{0, 3} {
		reused := first.Status.Jobs[i]
		reused.ReusedFrom = first.Name
		if diff := cmp.Diff(reused, retry.Status.Jobs[i]); diff != "" {
			t.Errorf("reused job of %s (-want +got):\n%s", retry.Name, diff)
		}
	}
	var ran []string
	for _, pod := range s.pods(t, retry.Name) {
		ran = append(ran, pod.Labels[v1alpha1.JobLabel])
	}
	slices.Sort(ran)
	if diff := cmp.Diff([]string{"after", "check"}, ran); diff != "" {
		t.Errorf("pods of %s (-want +got):\n%s", retry.Name, diff)
	}
	if got, want := s.log(t, retry.Name, "check", "main"), fmt.Sprintf("run %s is number %s of 8f3c, version %s\n", retry.Name, number, first.Status.Jobs[0].Outputs["version"]); got != want {
		t.Errorf("log %q, want %q", got, want)
	}
	if retry.Status.StartTime.Before(first.Status.CompletionTime) {
		t.Errorf("%s started at %s, before the first one ended at %s", retry.Name, retry.Status.StartTime, first.Status.CompletionTime)
	}
}
