package admission

import (
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/turn"
)

func configRepos(turns *turn.Turns) ctrladmission.Validator[*v1alpha1.ConfigRepo] {
	return specValidator[*v1alpha1.ConfigRepo]{
		kind:     v1alpha1.ConfigRepoKind,
		spec:     func(o *v1alpha1.ConfigRepo) any { return o.Spec },
		validate: validation.ConfigRepo,
		turns:    turns,
	}
}
