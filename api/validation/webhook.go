package validation

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

func validateWebhook(env *expr.Env, w *v1alpha1.Webhook, path *field.Path) field.ErrorList {
	errs := append(validateSender(w.Provider, w.SecretRef.Name, path), validateFilters(w, path)...)
	errs = append(errs, validateTriggerCondition(env, w.If, path.Child("if"))...)
	return append(errs, validateParts(env, w, path)...)
}

// validateParts checks how a generic request is taken apart, and what names the parts.
func validateParts(env *expr.Env, w *v1alpha1.Webhook, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, one := range []struct {
		name, source string
		check        func(source string) error
	}{
		{"each", w.Each, func(source string) error {
			objects, err := env.CompileObjects(source)
			if err != nil {
				return err
			}
			return objects.Vet()
		}},
		{"delivery", w.Delivery, func(source string) error {
			name, err := env.CompileParam(source)
			if err != nil {
				return err
			}
			return name.Vet()
		}},
	} {
		switch at := path.Child(one.name); {
		case one.source == "":
		case w.Provider != v1alpha1.ProviderGeneric:
			errs = append(errs, field.Forbidden(at, "it is for generic webhooks: what git hosts send is known"))
		default:
			if err := one.check(one.source); err != nil {
				errs = append(errs, invalidExpression(at, err))
			}
		}
	}
	return errs
}

// validateSender checks who may send to a webhook.
func validateSender(provider v1alpha1.Provider, secret string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if providers := v1alpha1.Providers(); !slices.Contains(providers, provider) {
		errs = append(errs, field.NotSupported(path.Child("provider"), provider, providers))
	}
	if secret == "" {
		errs = append(errs, field.Required(path.Child("secretRef", "name"), "the Secret whose key `token` authenticates the sender"))
	}
	return errs
}

// webhookFilter is a field that some kinds of events are asked for.
type webhookFilter struct {
	name  string
	given bool
	kinds []v1alpha1.EventKind
}

// webhookFilters are all but events, actions and if.
func webhookFilters(w *v1alpha1.Webhook) []webhookFilter {
	const push, pull, comment, release = v1alpha1.EventPush, v1alpha1.EventPullRequest, v1alpha1.EventComment, v1alpha1.EventRelease
	return []webhookFilter{
		{"branches", len(w.Branches) > 0, []v1alpha1.EventKind{push, pull, comment}},
		{"tags", len(w.Tags) > 0, []v1alpha1.EventKind{push, release}},
		{"paths", len(w.Paths) > 0, []v1alpha1.EventKind{push, pull, comment}},
		{"pathsIgnore", len(w.PathsIgnore) > 0, []v1alpha1.EventKind{push, pull, comment}},
		{"labels", len(w.Labels) > 0, []v1alpha1.EventKind{pull, comment}},
		{"drafts", w.Drafts != "", []v1alpha1.EventKind{pull, comment}},
		{"forks", w.Forks != "", []v1alpha1.EventKind{pull, comment}},
	}
}

// validateFilters refuses what can never let an event through, and what no event is
// ever asked for: whoever wrote that meant something else.
func validateFilters(w *v1alpha1.Webhook, path *field.Path) field.ErrorList {
	if w.Provider == v1alpha1.ProviderGeneric {
		return validateNoFilters(w, path)
	}
	var errs field.ErrorList
	for i, event := range w.Events {
		if kinds := v1alpha1.EventKinds(); !slices.Contains(kinds, event) {
			errs = append(errs, field.NotSupported(path.Child("events").Index(i), event, kinds))
		}
	}
	if len(errs) > 0 {
		return errs
	}
	events := w.Events
	if len(events) == 0 {
		events = []v1alpha1.EventKind{v1alpha1.EventPush}
	}
	errs = append(errs, validateActions(w.Actions, events, path.Child("actions"))...)
	for _, filter := range webhookFilters(w) {
		if filter.given && !slices.ContainsFunc(filter.kinds, func(kind v1alpha1.EventKind) bool { return slices.Contains(events, kind) }) {
			errs = append(errs, field.Forbidden(path.Child(filter.name), fmt.Sprintf("the webhook's events are %q, and it is for %q: add one of these to events, or remove it", events, filter.kinds)))
		}
	}
	errs = append(errs, validateGlobs(w.Branches, path.Child("branches"))...)
	errs = append(errs, validateGlobs(w.Tags, path.Child("tags"))...)
	errs = append(errs, validateGlobs(w.Paths, path.Child("paths"))...)
	errs = append(errs, validateGlobs(w.PathsIgnore, path.Child("pathsIgnore"))...)
	if policies := v1alpha1.DraftPolicies(); w.Drafts != "" && !slices.Contains(policies, w.Drafts) {
		errs = append(errs, field.NotSupported(path.Child("drafts"), w.Drafts, policies))
	}
	if policies := v1alpha1.ForkPolicies(); w.Forks != "" && !slices.Contains(policies, w.Forks) {
		errs = append(errs, field.NotSupported(path.Child("forks"), w.Forks, policies))
	}
	return errs
}

func validateNoFilters(w *v1alpha1.Webhook, path *field.Path) field.ErrorList {
	given := len(w.Events) > 0 || len(w.Actions) > 0
	for _, filter := range webhookFilters(w) {
		given = given || filter.given
	}
	if given {
		return field.ErrorList{field.Forbidden(path, "of the filters a generic webhook has only `if`: the others are for git hosts")}
	}
	return nil
}

// validateActions wants each action to be one of some event's, and each event that
// has actions to have one of these.
func validateActions(actions []v1alpha1.EventAction, events []v1alpha1.EventKind, path *field.Path) field.ErrorList {
	if len(actions) == 0 {
		return nil
	}
	var errs field.ErrorList
	var all []v1alpha1.EventAction
	for _, event := range events {
		possible := event.Actions()
		all = append(all, possible...)
		if len(possible) > 0 && !slices.ContainsFunc(actions, func(action v1alpha1.EventAction) bool { return slices.Contains(possible, action) }) {
			errs = append(errs, field.Invalid(path, actions, fmt.Sprintf("none of them is one of %s, so that such an event would start nothing: add one of %q, or write another Trigger for it", event, possible)))
		}
	}
	for i, action := range actions {
		if !slices.Contains(all, action) {
			errs = append(errs, field.Invalid(path.Index(i), action, fmt.Sprintf("no event of %q has it", events)))
		}
	}
	return errs
}

func validateGlobs(patterns []string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, pattern := range patterns {
		if err := Glob(pattern); err != nil {
			errs = append(errs, field.Invalid(path.Index(i), pattern, err.Error()))
		}
	}
	return errs
}
