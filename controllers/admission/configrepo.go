package admission

import (
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func configRepos() ctrladmission.Validator[*v1alpha1.ConfigRepo] {
	return specValidator[*v1alpha1.ConfigRepo]{
		kind:     v1alpha1.ConfigRepoKind,
		spec:     func(o *v1alpha1.ConfigRepo) any { return o.Spec },
		validate: validation.ConfigRepo,
	}
}
