package evidence_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// second of the tests' minute.
func second(n int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 3, 1, 12, 0, n, 0, time.UTC))
}

// ended is how a container has, at that second.
func ended(code int32, at int, message string) corev1.ContainerState {
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, FinishedAt: second(at), Message: message}}
}

// keeping is a pod whose program has ended with this code, and then the container that
// keeps things.
func keeping(code int32, keep corev1.ContainerState, changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(90)),
			InitContainers:                []corev1.Container{{Name: v1alpha1.KeepContainer, RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}},
			Containers:                    []corev1.Container{{Name: "main"}},
		},
		Status: corev1.PodStatus{
			Phase:                 corev1.PodSucceeded,
			InitContainerStatuses: []corev1.ContainerStatus{{Name: v1alpha1.KeepContainer, State: keep}},
			ContainerStatuses:     []corev1.ContainerStatus{{Name: "main", State: ended(code, 5, "")}},
		},
	}
	if code != 0 {
		pod.Status.Phase = corev1.PodFailed
	}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func evicted(at int) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, LastTransitionTime: second(at)}}
	}
}

// A sidecar of another name, or a container of this one that is no sidecar, keeps nothing.
func renamed(p *corev1.Pod) {
	p.Spec.InitContainers[0].Name, p.Status.InitContainerStatuses[0].Name = "proxy", "proxy"
}
func plain(p *corev1.Pod) { p.Spec.InitContainers[0].RestartPolicy = nil }

func TestUnkept(t *testing.T) {
	t.Parallel()
	type unkept struct {
		Why      string
		ByItself bool
	}
	oom := ended(137, 9, "")
	oom.Terminated.Reason = "OOMKilled"
	lost := ended(137, 9, `{"error": "keeping artifact dist failed: canary"}`)
	lost.Terminated.Reason = "ContainerStatusUnknown"
	const toldToEnd = "the pod was told to end before it had kept what it leaves"
	for name, tt := range map[string]struct {
		pod  *corev1.Pod
		want unkept
	}{
		"all is kept":           {keeping(0, ended(0, 9, "")), unkept{}},
		"said so, and ended 0":  {keeping(0, ended(0, 9, `{"error": "keeping artifact dist failed: no"}`)), unkept{}},
		"an artifact":           {keeping(0, ended(1, 9, `{"error": "keeping artifact dist failed: the store is full", "more": 1}`)), unkept{"keeping artifact dist failed: the store is full", true}},
		"in other words":        {keeping(0, ended(1, 9, `{"error": " no\n\u001b[2J store "}`)), unkept{`keeping what it leaves failed: no \x1b[2J store`, true}},
		"no words":              {keeping(0, ended(1, 9, "")), unkept{"keeping what it leaves ended with code 1: see the log of container kayci-keep", true}},
		"blank words":           {keeping(0, ended(2, 9, `{"error": " "}`)), unkept{"keeping what it leaves ended with code 2: see the log of container kayci-keep", true}},
		"half of them":          {keeping(0, ended(1, 9, `{"error": "keep`)), unkept{"keeping what it leaves ended with code 1: see the log of container kayci-keep", true}},
		"killed":                {keeping(0, ended(137, 9, "")), unkept{"keeping what it leaves didn't end within the pod's grace period of 1m30s: raise terminationGracePeriodSeconds or the timeout of ci.artifacts", true}},
		"out of memory":         {keeping(0, oom), unkept{"keeping what it leaves ran out of memory: raise the memory limit of container kayci-keep", true}},
		"its end is lost":       {keeping(0, lost), unkept{"how keeping what it leaves has ended isn't known", false}},
		"runs on":               {keeping(0, corev1.ContainerState{}), unkept{"how keeping what it leaves has ended isn't known", false}},
		"no status":             {keeping(0, ended(0, 9, ""), func(p *corev1.Pod) { p.Status.InitContainerStatuses = nil }), unkept{"how keeping what it leaves has ended isn't known", false}},
		"not ended yet":         {keeping(0, corev1.ContainerState{}, func(p *corev1.Pod) { p.Status.Phase = corev1.PodRunning }), unkept{}},
		"evicted meanwhile":     {keeping(0, ended(137, 9, ""), evicted(7)), unkept{toldToEnd, false}},
		"evicted afterwards":    {keeping(0, ended(3, 9, ""), evicted(10)), unkept{"keeping what it leaves ended with code 3: see the log of container kayci-keep", true}},
		"past its timeout":      {keeping(1, ended(137, 9, ""), func(p *corev1.Pod) { p.Status.Reason = "DeadlineExceeded" }), unkept{toldToEnd, false}},
		"another sidecar":       {keeping(0, ended(1, 9, `{"error": "no"}`), renamed), unkept{}},
		"a step of that name":   {keeping(0, ended(1, 9, `{"error": "no"}`), plain), unkept{}},
		"more than is ever cut": {keeping(0, ended(1, 9, `{"error": "`+strings.Repeat("x", 4096)+`"}`)), unkept{"keeping what it leaves ended with code 1: see the log of container kayci-keep", true}},
		"long":                  {keeping(0, ended(1, 9, `{"error": "keeping `+strings.Repeat("x", 4000)+`"}`)), unkept{"keeping " + strings.Repeat("x", evidence.MaxMessage-9) + "…", true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			why, byItself := evidence.Unkept(tt.pod)
			if diff := cmp.Diff(tt.want, unkept{why, byItself}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Why the program has failed comes first, also if both have ended within one second.
func TestFailureOfBoth(t *testing.T) {
	t.Parallel()
	type failure struct{ Reason, Message, Culprit string }
	const main = "container main exited with code 1"
	for name, tt := range map[string]struct {
		pod  *corev1.Pod
		want failure
	}{
		"both":            {keeping(1, ended(1, 9, `{"error": "keeping artifact dist failed: no"}`)), failure{"Error", main + "; keeping artifact dist failed: no", "main"}},
		"within a second": {keeping(1, ended(1, 5, `{"error": "keeping artifact dist failed: no"}`)), failure{"Error", main + "; keeping artifact dist failed: no", "main"}},
		"killed":          {keeping(1, ended(137, 9, "")), failure{"Error", main + "; keeping what it leaves didn't end within the pod's grace period of 1m30s: raise terminationGracePeriodSeconds or the timeout of ci.artifacts", "main"}},
		"the program":     {keeping(1, ended(0, 9, `{"tests": {}}`)), failure{"Error", main, "main"}},
		"timed out":       {keeping(1, ended(137, 9, ""), func(p *corev1.Pod) { p.Status.Reason = "DeadlineExceeded" }), failure{"TimedOut", "stopped after its timeout", "main"}},
		"another sidecar": {keeping(1, ended(1, 9, `{"error": "no"}`), renamed), failure{"Error", main, "main"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pods := []corev1.Pod{*tt.pod}
			reason, message := evidence.Failure(&batchv1.Job{}, pods, evidence.Why{})
			_, culprit := evidence.Culprit(pods)
			if diff := cmp.Diff(tt.want, failure{reason, message, culprit}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, culprit := evidence.Culprit([]corev1.Pod{*keeping(0, ended(1, 9, ""))}); culprit != v1alpha1.KeepContainer {
		t.Errorf("the log of %s says most about what couldn't be kept", culprit)
	}
}
