package validation

import (
	"errors"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	minResourceInterval = time.Second
	maxResourceInterval = 24 * time.Hour
	// maxSelector bounds a selector as text: it stands in the Trigger's status, too.
	maxSelector = 4096
)

func validateResource(env *expr.Env, r *v1alpha1.Resource, at *field.Path) field.ErrorList {
	errs := validateKind(r, at)
	if problems := content.IsPathSegmentName(r.Name); len(problems) > 0 {
		errs = append(errs, field.Invalid(at.Child("name"), r.Name, strings.Join(problems, "; ")))
	}
	if _, err := ResourceSelector(r); err != nil {
		errs = append(errs, field.Invalid(at.Child("selector"), field.OmitValueType{}, err.Error()))
	}
	for i, event := range r.Events {
		if !slices.Contains(v1alpha1.ResourceEvents(), event) {
			errs = append(errs, field.NotSupported(at.Child("events").Index(i), event, v1alpha1.ResourceEvents()))
		}
	}
	if i := r.Interval(); i < minResourceInterval || i > maxResourceInterval {
		errs = append(errs, field.Invalid(at.Child("minInterval"), i.String(), "must be at least 1s and at most 24h"))
	}
	return append(errs, validateTriggerCondition(env, r.If, at.Child("if"))...)
}

// validateKind refuses what can't be a kind, and the kinds whose changes start no Run. In
// small letters the API server's discovery knows them, too.
func validateKind(r *v1alpha1.Resource, at *field.Path) field.ErrorList {
	version, err := schema.ParseGroupVersion(r.APIVersion)
	if err != nil || len(validation.IsDNS1035Label(version.Version)) > 0 || version.Group != "" && len(validation.IsDNS1123Subdomain(version.Group)) > 0 {
		return field.ErrorList{field.Invalid(at.Child("apiVersion"), r.APIVersion, "must be a version such as v1, or a group and a version such as apps/v1")}
	}
	kind := at.Child("kind")
	switch {
	case len(validation.IsDNS1035Label(strings.ToLower(r.Kind))) > 0:
		return field.ErrorList{field.Invalid(kind, r.Kind, "must be a kind such as ConfigMap")}
	case version.Group == v1alpha1.GroupVersion().Group:
		return field.ErrorList{field.Forbidden(kind, "KayCI's own kinds start no Runs by their changes: for the end of a Run there is spec.run")}
	case version.Group == "" && strings.EqualFold(r.Kind, "Secret"):
		return field.ErrorList{field.Forbidden(kind, "Secrets start no Runs: what they hold would become parameters")}
	case strings.EqualFold(r.Kind, "Event") && slices.Contains([]string{"", "events.k8s.io"}, version.Group):
		return field.ErrorList{field.Forbidden(kind, "Events start no Runs: each Run makes some")}
	}
	return nil
}

// ResourceSelector returns what the labels of objects must fit.
func ResourceSelector(r *v1alpha1.Resource) (labels.Selector, error) {
	if r.Selector == nil {
		return labels.Everything(), nil
	}
	selector, err := metav1.LabelSelectorAsSelector(r.Selector)
	switch {
	case err != nil:
		return nil, err
	case len(selector.String()) > maxSelector:
		return nil, errors.New("is too long: have the objects carry a label of their own")
	}
	return selector, nil
}
