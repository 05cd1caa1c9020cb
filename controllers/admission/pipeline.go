package admission

import (
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/turn"
)

func pipelines(turns *turn.Turns) ctrladmission.Validator[*v1alpha1.Pipeline] {
	return specValidator[*v1alpha1.Pipeline]{
		kind:     v1alpha1.PipelineKind,
		spec:     func(o *v1alpha1.Pipeline) any { return o.Spec },
		validate: validation.Pipeline,
		turns:    turns,
	}
}
