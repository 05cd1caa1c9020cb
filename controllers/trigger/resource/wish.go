// Package resource starts Runs when objects of a kind change. What has become of them
// since a Trigger last looked is decided by pure functions, from a mark in its status,
// the newest resource version that was seen to; a Run has the name of its object and
// resource version, so that one that is started again after a crash is the same.
package resource

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

// wish is what a Trigger wants to be told of.
type wish struct {
	// trigger and generation are those of the Trigger.
	trigger    types.UID
	generation int64
	kind       schema.GroupVersionKind
	name       string
	selector   labels.Selector
	events     []v1alpha1.ResourceEvent
	// uses is what its expressions need of the objects.
	uses expr.Uses
}

// newWish returns the wish of a valid Trigger.
func newWish(trigger *v1alpha1.Trigger) (wish, error) {
	spec := trigger.Spec.Resource
	selector, err := validation.ResourceSelector(spec)
	if err != nil {
		return wish{}, err
	}
	uses, err := uses(&trigger.Spec)
	return wish{
		trigger: trigger.UID, generation: trigger.Generation,
		kind: schema.FromAPIVersionAndKind(spec.APIVersion, spec.Kind), name: spec.Name, selector: selector,
		events: spec.EventsOrDefault(), uses: uses,
	}, err
}

// uses is what all expressions of a Trigger need.
func uses(trigger *v1alpha1.TriggerSpec) (expr.Uses, error) {
	env, err := validation.TriggerEnv(trigger)
	if err != nil {
		return expr.Uses{}, err
	}
	var all expr.Uses
	if source := trigger.Resource.If; source != "" {
		condition, err := env.CompileCondition(source)
		if err != nil {
			return expr.Uses{}, err
		}
		all = condition.Uses()
	}
	for _, source := range slices.Sorted(maps.Values(trigger.Params)) {
		param, err := env.CompileParam(source)
		if err != nil {
			return expr.Uses{}, err
		}
		all = all.And(param.Uses())
	}
	return all, nil
}

// same reports whether both want to be told of the same objects.
func (w *wish) same(other *wish) bool {
	return w.trigger == other.trigger && w.kind == other.kind && w.name == other.name && w.selector.String() == other.selector.String()
}

// counts reports whether the Trigger is about an object like this one.
func (w *wish) counts(object metav1.Object) bool {
	return (w.name == "" || w.name == object.GetName()) && w.selector.Matches(labels.Set(object.GetLabels())) && !ours(object)
}

// ours reports whether an object belongs to a Run or is KayCI's otherwise: each Run
// would start the next.
func ours(object metav1.Object) bool {
	group := v1alpha1.GroupVersion().Group
	for label := range object.GetLabels() {
		if strings.HasPrefix(label, group+"/") {
			return true
		}
	}
	return slices.ContainsFunc(object.GetOwnerReferences(), func(owner metav1.OwnerReference) bool {
		return strings.HasPrefix(owner.APIVersion, group+"/")
	})
}

// begin returns what is known of the objects: what the status says, if that is about
// those that the Trigger names now. Otherwise what there is at the first look counts as
// seen to. How soon the next Run may start is known either way.
func begin(trigger *v1alpha1.Trigger, selector labels.Selector) v1alpha1.ResourceStatus {
	spec, known := trigger.Spec.Resource, trigger.Status.Resource
	begun := v1alpha1.ResourceStatus{APIVersion: spec.APIVersion, Kind: spec.Kind, Name: spec.Name, Selector: selector.String()}
	if known == nil {
		return begun
	}
	begun.Started = known.Started.DeepCopy()
	if begun.APIVersion == known.APIVersion && begun.Kind == known.Kind && begun.Name == known.Name && begun.Selector == known.Selector && !known.Suspended {
		begun.Version, begun.Time = known.Version, known.Time.DeepCopy()
	}
	return begun
}
