package parts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/parts"
	"github.com/kayci/kayci/api/v1alpha1"
)

func TestOf(t *testing.T) {
	t.Parallel()
	spec := &v1alpha1.PipelineSpec{
		Jobs:      []v1alpha1.Job{{Name: "test"}, {Name: "build"}},
		Services:  []v1alpha1.Service{{Name: "db"}},
		Notifiers: []v1alpha1.Notifier{{Name: "chat"}, {Name: "mail"}},
	}
	var got []string
	for _, p := range parts.Of(spec, field.NewPath("spec")) {
		name := ""
		switch {
		case p.Job != nil && p.Service == nil && p.Notifier == nil:
			name = "job " + p.Job.Name
		case p.Job == nil && p.Service != nil && p.Notifier == nil:
			name = "service " + p.Service.Name
		case p.Job == nil && p.Service == nil && p.Notifier != nil:
			name = "notifier " + p.Notifier.Name
		}
		got = append(got, p.At.String()+": "+name)
		p.Template.Name = name
	}
	want := []string{
		"spec.jobs[0].template: job test", "spec.jobs[1].template: job build", "spec.services[0].template: service db",
		"spec.notifiers[0].template: notifier chat", "spec.notifiers[1].template: notifier mail",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, template := range map[string]string{
		"job build": spec.Jobs[1].Template.Name, "service db": spec.Services[0].Template.Name, "notifier mail": spec.Notifiers[1].Template.Name,
	} {
		if template != name {
			t.Errorf("the template of %s is a copy", name)
		}
	}
}
