package validation

import (
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

const minPollInterval = 30 * time.Second

func validatePoll(p *v1alpha1.Poll, path *field.Path) field.ErrorList {
	errs := validateURL(p.URL, path.Child("url"))
	errs = append(errs, validateAtLeast(p.Interval, minPollInterval, path.Child("interval"))...)
	for _, globs := range []struct {
		path     *field.Path
		patterns []string
	}{{path.Child("branches"), p.Branches}, {path.Child("tags"), p.Tags}} {
		for i, pattern := range globs.patterns {
			if err := Glob(pattern); err != nil {
				errs = append(errs, field.Invalid(globs.path.Index(i), pattern, err.Error()))
			}
		}
	}
	return errs
}
