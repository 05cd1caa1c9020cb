package lean_test

import (
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// jobs are those of a Run.
var jobs = [...]string{"test", "build", "deploy"}

func uid(kind string, i, k int) types.UID {
	return types.UID(fmt.Sprintf("%-8.8s-0000-4000-%04d-%012d", kind+"00000000", k, i))
}

func at(i, second int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC).Add(time.Duration(i) * time.Minute))
}

// managed is what the API server notes of a field manager.
func managed(manager string, i int) metav1.ManagedFieldsEntry {
	fields := `{"f:metadata":{"f:labels":{".":{},"f:kayci.dev/run":{}}},"f:spec":{"f:template":{` + strings.Repeat(`"f:spec":{".":{}},`, 60) + `"f:x":{}}}}`
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: "Update", APIVersion: "v1", Time: new(at(i, 1)), FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields)}
}

// finishedRun is a Run that a push has started and that has succeeded.
func finishedRun(i int) *v1alpha1.Run {
	name := fmt.Sprintf("web-push-k7x2m%05d", i)
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: uid("run", i, 0), ResourceVersion: fmt.Sprint(100_000 + 20*i), Generation: 1, CreationTimestamp: at(i, 0),
			Labels:          map[string]string{v1alpha1.PipelineLabel: "web", v1alpha1.TriggerLabel: "web-push"},
			Annotations:     map[string]string{v1alpha1.ReasonAnnotation: "push to branch main"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "kayci.dev/v1alpha1", Kind: "Pipeline", Name: "web", UID: "9b1d8e0c-7a52-4d7f-9b5c-3f3f6a1f2b10", Controller: new(true), BlockOwnerDeletion: new(true)}},
			ManagedFields:   []metav1.ManagedFieldsEntry{managed("kayci", i), managed("kayci", i)},
		},
		Spec: v1alpha1.RunSpec{
			Pipeline: "web", Revision: "web-5d9c7b8f6d", Params: map[string]string{"git_sha": fmt.Sprintf("%040d", i), "git_ref": "refs/heads/main"},
			Origin: &v1alpha1.Origin{
				Trigger: "web-push", Provider: "github", Delivery: fmt.Sprintf("72d3162e-cc78-11e3-81ab-%012d", i), Digest: fmt.Sprintf("sha256:%064d", i),
				Repository: "https://git.example.com/acme/web", SHA: fmt.Sprintf("%040d", i), Ref: "refs/heads/main", Branch: "main", Sender: "octocat", Author: "mona",
				Title: fmt.Sprintf("Fix %05d of the parser", i), URL: fmt.Sprintf("https://git.example.com/acme/web/commit/%040d", i),
			},
		},
		Status: v1alpha1.RunStatus{
			ObservedGeneration: 1, Phase: v1alpha1.RunSucceeded, Number: int64(i + 1), CreatedVersion: fmt.Sprint(100_000 + 20*i), StartTime: new(at(i, 1)), CompletionTime: new(at(i, 40)),
			Conditions: []metav1.Condition{{Type: "Succeeded", Status: "True", ObservedGeneration: 1, LastTransitionTime: at(i, 40), Reason: "Succeeded", Message: "3 of 3 jobs succeeded"}},
		},
	}
	for k, job := range jobs {
		run.Status.Jobs = append(run.Status.Jobs, v1alpha1.JobStatus{
			Name: job, Phase: v1alpha1.JobSucceeded, Job: name + "-" + job, QueuedTime: new(at(i, 10*k)), ScheduledTime: new(at(i, 10*k)), StartTime: new(at(i, 10*k+1)), CompletionTime: new(at(i, 10*k+9)),
		})
	}
	return run
}

// finishedJob is the Job of one of its jobs, as the API server answers it.
func finishedJob(i, k int) *batchv1.Job {
	run := finishedRun(i)
	name := run.Status.Jobs[k].Job
	labels := map[string]string{
		v1alpha1.PipelineLabel: "web", v1alpha1.RunLabel: run.Name, v1alpha1.JobLabel: jobs[k], "team": "blue",
		"kueue.x-k8s.io/queue-name": "ci",
	}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: podLabels(run.Name, name, i, k)}, Spec: podSpec(i, k)}
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: uid("job", i, k), ResourceVersion: fmt.Sprint(100_000 + 20*i + k), Generation: 1, CreationTimestamp: at(i, 10*k), Labels: labels,
			Annotations:     map[string]string{"kayci.dev/run-number": fmt.Sprint(i + 1), "example.com/note": "kept"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "kayci.dev/v1alpha1", Kind: "Run", Name: run.Name, UID: run.UID, Controller: new(true), BlockOwnerDeletion: new(true)}},
			ManagedFields:   []metav1.ManagedFieldsEntry{managed("kayci", i), managed("kube-controller-manager", i)},
		},
		Spec: batchv1.JobSpec{
			Parallelism: new(int32(1)), Completions: new(int32(1)), BackoffLimit: new(int32(0)), CompletionMode: new(batchv1.NonIndexedCompletion),
			Suspend: new(false), PodReplacementPolicy: new(batchv1.Failed), ManualSelector: new(false),
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"batch.kubernetes.io/controller-uid": string(uid("job", i, k))}},
			PodFailurePolicy: &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{
				{Action: batchv1.PodFailurePolicyActionIgnore, OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}}},
				{Action: batchv1.PodFailurePolicyActionFailJob, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{Operator: "NotIn", Values: []int32{0}}},
			}},
			Template: template,
		},
		Status: batchv1.JobStatus{
			Conditions: []batchv1.JobCondition{
				{Type: batchv1.JobSuccessCriteriaMet, Status: "True", LastProbeTime: at(i, 10*k+9), LastTransitionTime: at(i, 10*k+9), Reason: "CompletionsReached", Message: "Reached expected number of succeeded pods"},
				{Type: batchv1.JobComplete, Status: "True", LastProbeTime: at(i, 10*k+9), LastTransitionTime: at(i, 10*k+9), Reason: "CompletionsReached", Message: "Reached expected number of succeeded pods"},
			},
			StartTime: new(at(i, 10*k)), CompletionTime: new(at(i, 10*k+9)), Succeeded: 1, Terminating: new(int32(0)), Ready: new(int32(0)), UncountedTerminatedPods: &batchv1.UncountedTerminatedPods{},
		},
	}
}

func podLabels(run, job string, i, k int) map[string]string {
	return map[string]string{
		v1alpha1.PipelineLabel: "web", v1alpha1.RunLabel: run, v1alpha1.JobLabel: jobs[k], "team": "blue",
		"batch.kubernetes.io/controller-uid": string(uid("job", i, k)), "batch.kubernetes.io/job-name": job, "controller-uid": string(uid("job", i, k)), "job-name": job,
	}
}

func podSpec(i, k int) corev1.PodSpec {
	container := corev1.Container{
		Name: "main", Image: "registry.example.com/ci/golang:1.26", Command: []string{"sh", "-ec", strings.Repeat("go test ./... && ", 20) + "true"},
		EnvFrom:      []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: fmt.Sprintf("web-%d-params", i+1)}}}},
		Env:          []corev1.EnvVar{{Name: "CGO_ENABLED", Value: "0"}, {Name: "KAYCI_JOB", Value: jobs[k]}},
		Resources:    corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("1Gi")}},
		VolumeMounts: []corev1.VolumeMount{{Name: "cache", MountPath: "/cache"}}, TerminationMessagePath: "/dev/termination-log",
		TerminationMessagePolicy: corev1.TerminationMessageReadFile, ImagePullPolicy: corev1.PullIfNotPresent,
	}
	return corev1.PodSpec{
		Containers: []corev1.Container{container}, RestartPolicy: corev1.RestartPolicyNever, TerminationGracePeriodSeconds: new(int64(30)), ActiveDeadlineSeconds: new(int64(1200)),
		DNSPolicy: corev1.DNSClusterFirst, AutomountServiceAccountToken: new(false), SecurityContext: &corev1.PodSecurityContext{}, SchedulerName: "default-scheduler",
		Volumes: []corev1.Volume{{Name: "cache", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "go-cache"}}}},
		Tolerations: []corev1.Toleration{
			{Key: "node.kubernetes.io/not-ready", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: new(int64(300))},
			{Key: "node.kubernetes.io/unreachable", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: new(int64(300))},
		},
		PreemptionPolicy: new(corev1.PreemptLowerPriority), Priority: new(int32(0)), EnableServiceLinks: new(true), ServiceAccountName: "default",
	}
}

// finishedPod is the Job's pod, as the API server answers it.
func finishedPod(i, k int) *corev1.Pod {
	job := finishedJob(i, k)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: fmt.Sprintf("%s-%05d", job.Name, i), GenerateName: job.Name + "-", UID: uid("pod", i, k), ResourceVersion: fmt.Sprint(100_000 + 20*i + 10 + k), Generation: 1,
			CreationTimestamp: at(i, 10*k), Labels: podLabels(job.Labels[v1alpha1.RunLabel], job.Name, i, k), Annotations: map[string]string{"example.com/scrape": "false"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: job.Name, UID: job.UID, Controller: new(true), BlockOwnerDeletion: new(true)}},
			ManagedFields:   []metav1.ManagedFieldsEntry{managed("kube-controller-manager", i), managed("kubelet", i)},
		},
		Spec: podSpec(i, k),
	}
	pod.Spec.NodeName = fmt.Sprintf("node-%d.example.com", i%20)
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodSucceeded, HostIP: "10.0.0.7", HostIPs: []corev1.HostIP{{IP: "10.0.0.7"}}, PodIP: fmt.Sprintf("10.244.%d.%d", i/250, i%250), PodIPs: []corev1.PodIP{{IP: fmt.Sprintf("10.244.%d.%d", i/250, i%250)}},
		StartTime: new(at(i, 10*k)), QOSClass: corev1.PodQOSBurstable,
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		condition := corev1.PodCondition{Type: kind, ObservedGeneration: 1, Status: corev1.ConditionTrue, LastTransitionTime: at(i, 10*k)}
		if kind != corev1.PodScheduled && kind != corev1.PodInitialized {
			condition.Status, condition.Reason = corev1.ConditionFalse, "PodCompleted"
		}
		pod.Status.Conditions = append(pod.Status.Conditions, condition)
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "main", Image: "registry.example.com/ci/golang:1.26", ImageID: "registry.example.com/ci/golang@sha256:" + strings.Repeat("a", 64), ContainerID: fmt.Sprintf("containerd://%064d", i), Started: new(false),
		State:        corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: at(i, 10*k+1), FinishedAt: at(i, 10*k+8), ContainerID: fmt.Sprintf("containerd://%064d", i)}},
		VolumeMounts: []corev1.VolumeMountStatus{{Name: "cache", MountPath: "/cache"}}, AllocatedResources: corev1.ResourceList{"cpu": resource.MustParse("500m")},
		Resources: &corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("500m")}}, User: &corev1.ContainerUser{Linux: &corev1.LinuxContainerUser{SupplementalGroups: []int64{0}}},
	}}
	return pod
}
