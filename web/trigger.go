package web

import (
	"net/http"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// triggerPage is what trigger.html shows.
type triggerPage struct {
	*v1alpha1.Trigger
	// Ready is the condition; nil: nothing is known yet.
	Ready *metav1.Condition
}

// trigger shows a Trigger, and what it has decided last.
func (s *server) trigger(w http.ResponseWriter, r *http.Request) error {
	var trigger v1alpha1.Trigger
	if err := s.cluster.client.Get(r.Context(), client.ObjectKey{Namespace: r.PathValue("ns"), Name: r.PathValue("trigger")}, &trigger); err != nil {
		return err
	}
	return s.show(w, r, "trigger", page{
		Title: trigger.Name, Trail: append(trail(trigger.Namespace), crumb{trigger.Name, triggerPath(trigger.Namespace, trigger.Name)}),
		Body: triggerPage{&trigger, meta.FindStatusCondition(trigger.Status.Conditions, fluxmeta.ReadyCondition)},
	})
}
