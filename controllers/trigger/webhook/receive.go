package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// receive handles one request: read the body, take a place, find the Triggers
// that it is authentic for, understand it, act on each, answer.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	body, release, err := s.read(w, r)
	defer release()
	if err != nil {
		s.refuse(w, unreadable(err))
		return
	}
	handled := handling(r)
	defer handled()
	// A client that hangs up doesn't stop what it has asked for.
	ctx := context.WithoutCancel(r.Context())
	if !s.places.enter(ctx, groupOf(r)) {
		s.refuse(w, busy())
		return
	}
	defer s.places.leave(groupOf(r))
	ctx, cancel := context.WithTimeout(ctx, handleTimeout)
	defer cancel()

	target := targetOf(r)
	triggers, err := s.authenticate(ctx, target, r.Header, body)
	if err != nil {
		s.opts.Log.Error(err, "Authenticate a webhook", "namespace", target.Namespace, "trigger", target.Name)
		s.refuse(w, unavailable())
		return
	}
	if len(triggers) == 0 {
		// Nothing of an unauthenticated request is logged unless asked for: the
		// counter tells of a flood, and the log must not grow with it.
		s.opts.Log.V(1).Info("Webhook not authentic", "namespace", target.Namespace, "trigger", target.Name)
		s.refuse(w, unauthenticated())
		return
	}
	deliveries, err := s.understand(ctx, triggers, received{r.Header, body})
	if errors.Is(err, errNoMemory) {
		s.refuse(w, busy())
		return
	}
	if err != nil {
		s.opts.Log.Info("Malformed webhook", "namespace", target.Namespace, "trigger", target.Name, "reason", err.Error())
		s.refuse(w, malformed(err))
		return
	}
	defer deliveries.release()
	results := s.deliverAll(ctx, triggers, deliveries, target.Name != "")
	answer(w, deliveries[triggers[0].Spec.Webhook.Provider].id, results)
}

// received is a request whose body is in memory.
type received struct {
	header http.Header
	body   []byte
}

// authenticate returns the Triggers that the request is authentic for, in the
// order of their names. It does the same work where there is none.
func (s *Server) authenticate(ctx context.Context, target client.ObjectKey, header http.Header, body []byte) ([]v1alpha1.Trigger, error) {
	if !nameable(target) {
		newProof([]byte(decoySecret), header, body)
		return nil, nil
	}
	candidates, err := s.candidates(ctx, target)
	if err != nil {
		return nil, err
	}
	if len(candidates) == 0 {
		_, err := s.proof(ctx, client.ObjectKey{Namespace: target.Namespace, Name: decoySecret}, header, body)
		return nil, err
	}
	proofs := map[string]proof{}
	var authentic []v1alpha1.Trigger
	for i := range candidates {
		webhook := candidates[i].Spec.Webhook
		if _, ok := proofs[webhook.SecretRef.Name]; !ok {
			proofs[webhook.SecretRef.Name], err = s.proof(ctx, client.ObjectKey{Namespace: target.Namespace, Name: webhook.SecretRef.Name}, header, body)
			if err != nil {
				return nil, err
			}
		}
		if proves(webhook.Provider, header, proofs[webhook.SecretRef.Name]) {
			authentic = append(authentic, candidates[i])
		}
	}
	return authentic, nil
}

// proof is made with an empty token where there is none, which costs the same;
// proves then says no.
func (s *Server) proof(ctx context.Context, secret client.ObjectKey, header http.Header, body []byte) (proof, error) {
	token, err := s.secrets.token(ctx, secret)
	if err != nil {
		return proof{}, err
	}
	return newProof(token, header, body), nil
}

func proves(name v1alpha1.Provider, header http.Header, p proof) bool {
	provider, known := providerOf(name)
	return known && provider.authentic(header, p) && len(p.token) > 0
}

func targetOf(r *http.Request) client.ObjectKey {
	return client.ObjectKey{Namespace: r.PathValue("namespace"), Name: r.PathValue("trigger")}
}

func nameable(target client.ObjectKey) bool {
	return len(validation.IsDNS1123Label(target.Namespace)) == 0 &&
		(target.Name == "" || len(validation.IsDNS1123Label(target.Name)) == 0)
}

// candidates are the Triggers that the path means.
func (s *Server) candidates(ctx context.Context, target client.ObjectKey) ([]v1alpha1.Trigger, error) {
	if !s.watched(target.Namespace) {
		return nil, nil
	}
	var found []v1alpha1.Trigger
	if target.Name == "" {
		var list v1alpha1.TriggerList
		if err := s.opts.Client.List(ctx, &list, client.InNamespace(target.Namespace)); err != nil {
			return nil, fmt.Errorf("list the Triggers of namespace %s: %w", target.Namespace, err)
		}
		found = list.Items
	} else {
		var trigger v1alpha1.Trigger
		err := s.opts.Client.Get(ctx, target, &trigger)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("read Trigger %s: %w", target, err)
		}
		if !apierrors.IsNotFound(err) {
			found = append(found, trigger)
		}
	}
	found = slices.DeleteFunc(found, func(t v1alpha1.Trigger) bool {
		return t.Spec.Webhook == nil || t.DeletionTimestamp != nil
	})
	slices.SortFunc(found, func(a, b v1alpha1.Trigger) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}
