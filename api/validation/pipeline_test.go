package validation_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func texts(errs field.ErrorList) []string {
	var out []string
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

func job(name string, needs ...string) v1alpha1.Job {
	j := v1alpha1.Job{Name: name, Needs: needs}
	j.Template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "busybox"}}
	return j
}

func pipeline(jobs ...v1alpha1.Job) *v1alpha1.Pipeline {
	p := &v1alpha1.Pipeline{}
	p.Name = "web"
	p.Spec.Jobs = jobs
	return p
}

func with(j v1alpha1.Job, change func(*v1alpha1.Job)) v1alpha1.Job {
	change(&j)
	return j
}

func TestPipelineGraph(t *testing.T) {
	for name, tc := range map[string]struct {
		pipeline *v1alpha1.Pipeline
		want     []string
	}{
		"diamond":   {pipeline(job("one"), job("two", "one"), job("three", "one"), job("four", "two", "three")), nil},
		"no jobs":   {pipeline(), []string{"spec.jobs: Required value: a Pipeline has at least one job"}},
		"duplicate": {pipeline(job("a"), job("a")), []string{`spec.jobs[1].name: Duplicate value: "a"`}},
		"unknown":   {pipeline(job("a", "b")), []string{`spec.jobs[0].needs[0]: Invalid value: "b": the Pipeline has no job of this name`}},
		"later":     {pipeline(job("a", "b"), job("b")), []string{`spec.jobs[0].needs[0]: Invalid value: "b": names a later job: move that job before this one`}},
		"itself":    {pipeline(job("a", "a")), []string{`spec.jobs[0].needs[0]: Invalid value: "a": a job can't need itself`}},
		"twice":     {pipeline(job("a"), job("b", "a", "a")), []string{`spec.jobs[1].needs[1]: Duplicate value: "a"`}},
		"short timeout": {
			pipeline(with(job("a"), func(j *v1alpha1.Job) { j.Timeout = &metav1.Duration{Duration: time.Millisecond} })),
			[]string{`spec.jobs[0].timeout: Invalid value: "1ms": must be at least 1s`},
		},
		"short timeouts": {
			&v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: v1alpha1.PipelineSpec{
				Jobs: []v1alpha1.Job{job("a")}, Timeout: &metav1.Duration{Duration: -time.Second}, PendingTimeout: &metav1.Duration{},
			}},
			[]string{`spec.timeout: Invalid value: "-1s": must be at least 1s`, `spec.pendingTimeout: Invalid value: "0s": must be at least 1s`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, texts(validation.Pipeline(tc.pipeline))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPipelineRetention(t *testing.T) {
	t.Parallel()
	lasts := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	for name, tc := range map[string]struct {
		retention *v1alpha1.Retention
		want      []string
	}{
		"all":        {&v1alpha1.Retention{}, nil},
		"each bound": {&v1alpha1.Retention{MaxCount: new(int32(1)), MaxFailed: new(int32(1)), MinAge: lasts(0), MaxAge: lasts(time.Nanosecond)}, nil},
		"one age":    {&v1alpha1.Retention{MinAge: lasts(time.Hour), MaxAge: lasts(time.Hour)}, nil},
		"below": {&v1alpha1.Retention{MaxCount: new(int32(0)), MaxFailed: new(int32(0)), MinAge: lasts(-time.Second), MaxAge: lasts(0)}, []string{
			"spec.retention.maxCount: Invalid value: 0: must be at least 1",
			"spec.retention.maxFailed: Invalid value: 0: must be at least 1",
			`spec.retention.minAge: Invalid value: "-1s": must be at least 0s`,
			`spec.retention.maxAge: Invalid value: "0s": must be at least 1ns`,
		}},
		"ages crossed": {&v1alpha1.Retention{MinAge: lasts(time.Hour), MaxAge: lasts(time.Minute)}, []string{
			`spec.retention.minAge: Invalid value: "1h0m0s": must be at most maxAge`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pipeline(job("a"))
			p.Spec.Retention = tc.retention
			if diff := cmp.Diff(tc.want, texts(validation.Pipeline(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPipelineTemplate(t *testing.T) {
	const template = "spec.jobs[0].template."
	for name, tc := range map[string]struct {
		change func(*batchv1.JobTemplateSpec)
		want   []string
	}{
		"name": {
			func(t *batchv1.JobTemplateSpec) { t.Name = "x" },
			[]string{template + "metadata.name: Forbidden: KayCI names the Job: remove it"},
		},
		"namespace": {
			func(t *batchv1.JobTemplateSpec) { t.Namespace = "x" },
			[]string{template + "metadata.namespace: Forbidden: a Job runs in its Pipeline's namespace: remove it"},
		},
		"ttl": {
			func(t *batchv1.JobTemplateSpec) { t.Spec.TTLSecondsAfterFinished = new(int32(1)) },
			[]string{template + "spec.ttlSecondsAfterFinished: Forbidden: a Job deleted early would be run again: use the Pipeline's retention"},
		},
		"suspend": {
			func(t *batchv1.JobTemplateSpec) { t.Spec.Suspend = new(false) },
			[]string{template + "spec.suspend: Forbidden: a job is created when it is ready: remove it"},
		},
		"selector": {
			func(t *batchv1.JobTemplateSpec) { t.Spec.Selector = &metav1.LabelSelector{} },
			[]string{template + "spec.selector: Forbidden: Kubernetes sets it: remove it"},
		},
		"restartPolicy": {
			func(t *batchv1.JobTemplateSpec) { t.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyOnFailure },
			[]string{template + `spec.template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Never"`},
		},
		"restartPolicy Never": {
			func(t *batchv1.JobTemplateSpec) { t.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever }, nil,
		},
		"no container": {
			func(t *batchv1.JobTemplateSpec) { t.Spec.Template.Spec.Containers = nil },
			[]string{template + "spec.template.spec.containers: Required value: a pod has at least one container"},
		},
		"posing as KayCI": {
			func(t *batchv1.JobTemplateSpec) {
				t.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "KAYCI_RUN", Value: "x"}}
			},
			[]string{template + "spec.template.spec.containers[0].env[0].name: Forbidden: KAYCI_RUN is KayCI's to set: choose a name that does not begin with KAYCI_"},
		},
		"inject into an unknown container": {
			func(t *batchv1.JobTemplateSpec) {
				t.Spec.Template.Annotations = map[string]string{v1alpha1.InjectParamsAnnotation: "main, other"}
			},
			[]string{template + `spec.template.metadata.annotations[kayci.dev/inject-params]: Unsupported value: "other": supported values: "main"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := pipeline(with(job("a"), func(j *v1alpha1.Job) { tc.change(&j.Template) }))
			if diff := cmp.Diff(tc.want, texts(validation.Pipeline(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPipelineConditions(t *testing.T) {
	for condition, want := range map[string]string{
		``: "",
		`success() && params.deploy == 'true' && jobs.a.outputs.version != '' && jobs['b-1'].phase == 'Succeeded'`: "",
		`params.deploy`:                   "1:1: the result is of type string, but a condition is true or false: compare it with something",
		`params.deploi == ''`:             `1:1: the Pipeline declares no parameter "deploi" (it declares deploy)`,
		`params.deploy = 'true'`:          `1:15: Syntax error: token recognition error at: '= '; 1:17: Syntax error: extraneous input a text expecting <EOF>`,
		"always() &&\njobs.d.phase == ''": `2:1: "d" is no job that this one needs, directly or by way of others (those are a, b-1)`,
		"jobs.c.phase == ''":              `1:1: "c" is no job that this one needs, directly or by way of others (those are a, b-1)`,
	} {
		t.Run(condition, func(t *testing.T) {
			p := pipeline(job("a"), job("b-1", "a"), with(job("c", "b-1"), func(j *v1alpha1.Job) { j.If = condition }), job("d"))
			p.Spec.Params = []v1alpha1.Param{{Name: "deploy"}}
			var wanted []string
			if want != "" {
				wanted = []string{"spec.jobs[2].if: Invalid value: " + want}
			}
			if diff := cmp.Diff(wanted, texts(validation.Pipeline(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMaxParallel(t *testing.T) {
	for limit, want := range map[int32][]string{
		1: nil,
		0: {"spec.maxParallel: Invalid value: 0: must be at least 1"},
	} {
		p := pipeline(job("test"))
		p.Spec.MaxParallel = &limit
		if diff := cmp.Diff(want, texts(validation.Pipeline(p))); diff != "" {
			t.Errorf("%d (-want +got):\n%s", limit, diff)
		}
	}
}
