package validation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func service(name string, ports ...v1alpha1.ServicePort) v1alpha1.Service {
	return v1alpha1.Service{Name: name, Ports: ports, Template: job(name).Template}
}

func port(number int32, name string) v1alpha1.ServicePort {
	return v1alpha1.ServicePort{Name: name, Port: number}
}

func TestServices(t *testing.T) {
	t.Parallel()
	one := func(change func(*v1alpha1.Service)) []v1alpha1.Service {
		s := service("db", port(5432, ""))
		change(&s)
		return []v1alpha1.Service{s}
	}
	spec := func(change func(*batchv1.JobSpec)) []v1alpha1.Service {
		return one(func(s *v1alpha1.Service) { change(&s.Template.Spec) })
	}
	const never = "Forbidden: a service is one pod that is never retried: remove it"
	for name, tc := range map[string]struct {
		services []v1alpha1.Service
		want     []string
	}{
		"valid":     {services: []v1alpha1.Service{service("db", port(5432, ""), port(9187, "metrics"), port(80, "")), service("db-2", port(5432, "sql"))}},
		"a digit":   {services: []v1alpha1.Service{service("2db", port(1, ""))}, want: []string{`spec.services[0].name: Invalid value: "2db": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`}},
		"a job's":   {services: []v1alpha1.Service{service("a", port(1, ""))}, want: []string{`spec.services[0].name: Invalid value: "a": a job has this name: choose another`}},
		"duplicate": {services: []v1alpha1.Service{service("db", port(1, "")), service("db", port(1, ""))}, want: []string{`spec.services[1].name: Duplicate value: "db"`}},
		"no port":   {services: []v1alpha1.Service{service("db")}, want: []string{"spec.services[0].ports: Required value: a service has at least one port"}},
		"bad port":  {services: []v1alpha1.Service{service("db", port(70000, "sql"))}, want: []string{"spec.services[0].ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive"}},
		"port twice": {
			services: []v1alpha1.Service{service("db", port(1, "a"), port(1, "b"))},
			want:     []string{"spec.services[0].ports[1].port: Duplicate value: 1"},
		},
		"port's name twice": {
			services: []v1alpha1.Service{service("db", port(1, ""), port(2, "port-1"))},
			want:     []string{`spec.services[0].ports[1].name: Duplicate value: "port-1"`},
		},
		"one variable for two": {
			services: []v1alpha1.Service{service("db", port(1, "admin")), service("db-admin", port(2, ""))},
			want:     []string{`spec.services[1].ports: Invalid value: "db-admin": the variable KAYCI_SERVICE_DB_ADMIN would be that of another port, too: choose other names`},
		},
		"retries":   {services: spec(func(s *batchv1.JobSpec) { s.BackoffLimit = new(int32(3)) }), want: []string{"spec.services[0].template.spec.backoffLimit: " + never}},
		"two pods":  {services: spec(func(s *batchv1.JobSpec) { s.Parallelism = new(int32(2)) }), want: []string{"spec.services[0].template.spec.parallelism: " + never}},
		"policy":    {services: spec(func(s *batchv1.JobSpec) { s.PodFailurePolicy = &batchv1.PodFailurePolicy{} }), want: []string{"spec.services[0].template.spec.podFailurePolicy: " + never}},
		"elsewhere": {services: spec(func(s *batchv1.JobSpec) { s.ManagedBy = new("kueue") }), want: []string{"spec.services[0].template.spec.managedBy: " + never}},
		"template": {
			services: one(func(s *v1alpha1.Service) { s.Template.Spec.Template.Spec.Containers = nil }),
			want:     []string{"spec.services[0].template.spec.template.spec.containers: Required value: a pod has at least one container"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pipeline(job("a"))
			p.Spec.Services = tc.services
			if diff := cmp.Diff(tc.want, texts(validation.Pipeline(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWorkspaceInServices(t *testing.T) {
	t.Parallel()
	p := pipeline(job("a"))
	p.Spec.Workspace = workspace("/src")
	p.Spec.Services = []v1alpha1.Service{service("db", port(1, ""))}
	p.Spec.Services[0].Template.Spec.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "x", MountPath: "/src"}}
	want := []string{`spec.services[0].template.spec.template.spec.containers[0].volumeMounts[0].mountPath: Invalid value: "/src": ` +
		"the Run's workspace is mounted there: choose another path, or leave this container out of the annotation kayci.dev/mount-workspace"}
	if diff := cmp.Diff(want, texts(validation.Pipeline(p))); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}
