package validation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func notifier(name string, phases ...v1alpha1.RunPhase) v1alpha1.Notifier {
	n := v1alpha1.Notifier{Name: name, Phases: phases}
	n.Template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "busybox"}}
	return n
}

func TestNotifiers(t *testing.T) {
	t.Parallel()
	const failed = v1alpha1.RunFailed
	broken := notifier("chat", failed)
	broken.Template.Spec.Suspend = new(true)
	broken.Template.Spec.Template.Spec.Containers[0].Command = []string{"sh", "-c", "echo $(KAYCI_RUN_MESSAGE)"}
	service := v1alpha1.Service{Name: "db-failed", Ports: []v1alpha1.ServicePort{{Port: 1}}}
	service.Template = notifier("", failed).Template
	for name, tt := range map[string]struct {
		notifiers []v1alpha1.Notifier
		want      []string
	}{
		"valid":         {notifiers: []v1alpha1.Notifier{notifier("chat", "Queued", "Running", "Succeeded", failed, "Cancelled"), notifier("chat-2", failed)}},
		"named twice":   {[]v1alpha1.Notifier{notifier("chat", failed), notifier("chat", "Running")}, []string{`spec.notifiers[1].name: Duplicate value: "chat"`}},
		"no phase":      {[]v1alpha1.Notifier{notifier("chat")}, []string{`spec.notifiers[0].phases: Required value: a notifier tells of at least one phase`}},
		"phase twice":   {[]v1alpha1.Notifier{notifier("chat", failed, failed)}, []string{`spec.notifiers[0].phases[1]: Duplicate value: "Failed"`}},
		"unknown phase": {[]v1alpha1.Notifier{notifier("chat", "Broken")}, []string{`spec.notifiers[0].phases[0]: Unsupported value: "Broken": supported values: "Queued", "Running", "Succeeded", "Failed", "Cancelled"`}},
		"a job's Job": {
			[]v1alpha1.Notifier{notifier("a", "Running", failed)},
			[]string{`spec.notifiers[0].name: Invalid value: "a": its Job for the phase Failed would have the name of that of job a-failed: choose another`},
		},
		"a service's Job": {
			[]v1alpha1.Notifier{notifier("db", failed)},
			[]string{`spec.notifiers[0].name: Invalid value: "db": its Job for the phase Failed would have the name of that of service db-failed: choose another`},
		},
		"template as a job's": {
			[]v1alpha1.Notifier{broken},
			[]string{
				"spec.notifiers[0].template.spec.suspend: Forbidden: a job is created when it is ready: remove it",
				strings.Replace(refusals("command[2] KAYCI_RUN_MESSAGE")[0], "jobs", "notifiers", 1),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pipeline(job("a-failed"), job("a-succeeded"))
			p.Spec.Services = []v1alpha1.Service{service}
			p.Spec.Notifiers = tt.notifiers
			if diff := cmp.Diff(tt.want, texts(validation.Pipeline(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
	many := pipeline(job("a"))
	for range 17 {
		many.Spec.Notifiers = append(many.Spec.Notifiers, notifier("n"+string(rune('a'+len(many.Spec.Notifiers))), failed))
	}
	if diff := cmp.Diff([]string{"spec.notifiers: Too many: 17: must have at most 16 items"}, texts(validation.Pipeline(many))); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}
