package admission

import (
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/turn"
)

func triggers(turns *turn.Turns) ctrladmission.Validator[*v1alpha1.Trigger] {
	return specValidator[*v1alpha1.Trigger]{
		kind:     v1alpha1.TriggerKind,
		spec:     func(o *v1alpha1.Trigger) any { return o.Spec },
		validate: validation.Trigger,
		turns:    turns,
	}
}
