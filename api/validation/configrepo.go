package validation

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	minInterval = 10 * time.Second
	maxTimeout  = 30 * time.Minute
	// maxPruneTimeout is a week.
	maxPruneTimeout = 168 * time.Hour
)

// ConfigRepo validates a whole ConfigRepo. The URL is never repeated in an
// error, because somebody may have put a password into it.
func ConfigRepo(r *v1alpha1.ConfigRepo) field.ErrorList {
	spec := field.NewPath("spec")
	errs := validateName(r.Name, 63, field.NewPath("metadata", "name"))
	errs = append(errs, validateURL(r.Spec.URL, spec.Child("url"))...)
	errs = append(errs, validateRef(r.Spec.Ref, spec.Child("ref"))...)
	if p := r.Spec.Path; path.IsAbs(p) || slices.Contains(strings.Split(p, "/"), "..") {
		errs = append(errs, field.Invalid(spec.Child("path"), p, "must be relative and must not contain '..'"))
	}
	if w := r.Spec.Webhook; w != nil {
		errs = append(errs, validateSender(w.Provider, w.SecretRef.Name, spec.Child("webhook"))...)
	}
	for i, pattern := range r.Spec.Ignore {
		if err := Glob(pattern); err != nil {
			errs = append(errs, field.Invalid(spec.Child("ignore").Index(i), pattern, err.Error()))
		}
	}
	errs = append(errs, validateAtLeast(r.Spec.Interval, minInterval, spec.Child("interval"))...)
	errs = append(errs, validateAtLeast(r.Spec.Timeout, time.Nanosecond, spec.Child("timeout"))...)
	if t := r.Spec.Timeout; t != nil && t.Duration > maxTimeout {
		errs = append(errs, field.Invalid(spec.Child("timeout"), t.Duration.String(), "must be at most "+maxTimeout.String()))
	}
	if t := r.Spec.PruneTimeout; t != nil && (t.Duration < 0 || t.Duration > maxPruneTimeout) {
		errs = append(errs, field.Invalid(spec.Child("pruneTimeout"), t.Duration.String(), "must be at least 0s and at most "+maxPruneTimeout.String()))
	}
	return errs
}

func validateURL(raw string, path *field.Path) field.ErrorList {
	hidden := field.OmitValueType{}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || !slices.Contains([]string{"https", "http", "ssh", "git"}, u.Scheme):
		return field.ErrorList{field.Invalid(path, hidden, "must begin with https://, http://, ssh:// or git:// and name a host")}
	case u.User != nil && hasPassword(u):
		return field.ErrorList{field.Invalid(path, hidden, "must not hold a password; put credentials in a Secret and name it in secretRef")}
	case u.User != nil && u.Scheme != "ssh":
		return field.ErrorList{field.Invalid(path, hidden, "must not hold a user name, which may be a token; remove what stands before the @, and put credentials in a Secret that secretRef names")}
	}
	return nil
}

func hasPassword(u *url.URL) bool {
	_, ok := u.User.Password()
	return ok
}

func validateRef(ref *v1alpha1.GitRef, path *field.Path) field.ErrorList {
	if ref == nil {
		return nil
	}
	set := 0
	for _, value := range []string{ref.Branch, ref.Tag, ref.Commit} {
		if value != "" {
			set++
		}
	}
	if set > 1 {
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, "takes one of branch, tag and commit")}
	}
	return nil
}
