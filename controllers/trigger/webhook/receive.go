package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// receive handles one request, and answers one that reaches no Trigger.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	refused := s.handle(w, r)
	if refused == nil {
		return
	}
	// Here, where the request holds neither room nor a place any more.
	s.conceal(r.Context(), refused)
	s.refuse(w, *refused)
}

// handle reads the body, takes a place, finds the Triggers that the request is
// authentic for, understands it, acts on each, and answers.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) *refusal {
	body, release, err := s.read(w, r)
	defer release()
	if err != nil {
		return unreadable(err)
	}
	handled := handling(r)
	defer handled()
	// A client that hangs up doesn't stop what it has asked for.
	ctx := context.WithoutCancel(r.Context())
	if !s.places.enter(ctx, groupOf(r)) {
		return busy()
	}
	defer s.places.leave(groupOf(r))
	ctx, cancel := context.WithTimeout(ctx, handleTimeout)
	defer cancel()

	target, from := targetOf(r), received{r.Header, body}
	log := s.opts.Log.WithValues("namespace", printable.Text(target.Namespace), "name", printable.Text(target.Name))
	began := time.Now()
	receivers, err := s.authenticate(ctx, target, from)
	if errors.Is(err, errTooManyReads) || err == nil && len(receivers) == 0 && s.secrets.failing() {
		return unavailable(began)
	}
	if err != nil {
		log.Error(err, "Authenticate a webhook")
		return unavailable(began)
	}
	if len(receivers) == 0 {
		// Nothing of an unauthenticated request is logged unless asked for: the
		// counter tells of a flood, and the log must not grow with it.
		log.V(1).Info("Webhook not authentic")
		return unauthenticated(began)
	}
	deliveries, err := s.understand(ctx, receivers, from)
	if errors.Is(err, errNoMemory) {
		return busy()
	}
	if err != nil {
		log.Info("Malformed webhook", "reason", printable.Text(err.Error()))
		return malformed(err)
	}
	defer deliveries.release()
	provider, _ := receivers[0].sender()
	var results []result
	if repo, ok := receivers[0].(repositoryReceiver); ok {
		results = []result{s.requestSync(ctx, repo.ConfigRepo, deliveries[provider])}
	} else {
		results = s.deliverAll(ctx, triggersOf(receivers), deliveries, target.Name != "")
	}
	answer(w, deliveries[provider][0].request, results)
	return nil
}

// received is a request whose body is in memory.
type received struct {
	header http.Header
	body   []byte
}

// target is what a path names.
type target struct {
	// ObjectKey of a Trigger, or of a namespace for all of its Triggers.
	client.ObjectKey
	// repository: the name is a ConfigRepo's.
	repository bool
}

func targetOf(r *http.Request) target {
	if name := r.PathValue("configrepo"); name != "" {
		return target{client.ObjectKey{Namespace: r.PathValue("namespace"), Name: name}, true}
	}
	return target{client.ObjectKey{Namespace: r.PathValue("namespace"), Name: r.PathValue("trigger")}, false}
}

func nameable(target client.ObjectKey) bool {
	return len(validation.IsDNS1123Label(target.Namespace)) == 0 &&
		(target.Name == "" || len(validation.IsDNS1123Label(target.Name)) == 0)
}

// candidates are what the path means.
func (s *Server) candidates(ctx context.Context, target target) ([]receiver, error) {
	switch {
	case !s.watched(target.Namespace):
		return nil, nil
	case target.repository:
		return s.repository(ctx, target.ObjectKey)
	}
	found, err := s.triggers(ctx, target.ObjectKey)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(t v1alpha1.Trigger) bool {
		return t.Spec.Webhook == nil || t.DeletionTimestamp != nil
	})
	slices.SortFunc(found, func(a, b v1alpha1.Trigger) int { return strings.Compare(a.Name, b.Name) })
	receivers := make([]receiver, len(found))
	for i := range found {
		receivers[i] = triggerReceiver{&found[i]}
	}
	return receivers, nil
}

// triggers are the one that is named, or all of the namespace.
func (s *Server) triggers(ctx context.Context, named client.ObjectKey) ([]v1alpha1.Trigger, error) {
	if named.Name == "" {
		var list v1alpha1.TriggerList
		if err := s.opts.Client.List(ctx, &list, client.InNamespace(named.Namespace)); err != nil {
			return nil, fmt.Errorf("list the Triggers of namespace %s: %w", named.Namespace, err)
		}
		return list.Items, nil
	}
	var trigger v1alpha1.Trigger
	err := s.opts.Client.Get(ctx, named, &trigger)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read Trigger %s: %w", named, err)
	}
	return []v1alpha1.Trigger{trigger}, nil
}

func triggersOf(receivers []receiver) []v1alpha1.Trigger {
	var found []v1alpha1.Trigger
	for _, one := range receivers {
		if trigger, ok := one.(triggerReceiver); ok {
			found = append(found, *trigger.Trigger)
		}
	}
	return found
}
