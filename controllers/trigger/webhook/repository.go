package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// requested: a ConfigRepo is looked at because of the delivery.
const requested outcome = "Requested"

// repositoryReceiver is a ConfigRepo with a webhook.
type repositoryReceiver struct{ *v1alpha1.ConfigRepo }

func (r repositoryReceiver) sender() (v1alpha1.Provider, string) {
	return r.Spec.Webhook.Provider, r.Spec.Webhook.SecretRef.Name
}

// repository is the ConfigRepo that is named, if it has a webhook.
func (s *Server) repository(ctx context.Context, named client.ObjectKey) ([]receiver, error) {
	repo := &v1alpha1.ConfigRepo{}
	err := s.opts.Client.Get(ctx, named, repo)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read ConfigRepo %s: %w", named, err)
	case repo.Spec.Webhook == nil || repo.DeletionTimestamp != nil:
		return nil, nil
	}
	return []receiver{repositoryReceiver{repo}}, nil
}

// requestSync has a ConfigRepo looked at if one of a request's events is about what
// it follows. The request is stored when it returns, so that a push isn't forgotten.
func (s *Server) requestSync(ctx context.Context, repo *v1alpha1.ConfigRepo, events []delivery) result {
	r := result{ConfigRepo: repo.Name, Outcome: notMatched}
	var d delivery
	var followed bool
	for _, d = range events {
		if followed, r.Reason = follows(repo.Spec.Ref, d); followed {
			break
		}
	}
	r.Reason = printable.Text(r.Reason)
	switch {
	case repo.Spec.Suspend:
		r.Outcome, r.Reason = suspended, "the ConfigRepo is suspended: spec.suspend is true"
	case followed:
		r.Outcome = requested
		if err := s.annotate(ctx, repo); err != nil {
			s.opts.Log.Error(err, "Request a sync", "namespace", repo.Namespace, "configrepo", repo.Name, "delivery", d.id)
			r = failure(err)
			r.ConfigRepo = repo.Name
		}
	}
	s.opts.Log.Info("Webhook delivered", "namespace", repo.Namespace, "configrepo", repo.Name, "provider", d.provider, "delivery", d.id, "outcome", r.Outcome, "reason", r.Reason)
	s.deliveries.WithLabelValues(string(d.provider), string(r.Outcome)).Inc()
	return r
}

// follows reports whether a delivery may be news to who follows the ref, and why.
func follows(ref *v1alpha1.GitRef, d delivery) (bool, string) {
	e := d.event
	switch {
	case d.provider == v1alpha1.ProviderGeneric:
		return true, "the request is authentic"
	case e.Kind == event.KindPing:
		return false, "ping: address and secret are right"
	case e.Kind != v1alpha1.EventPush:
		return false, fmt.Sprintf("the event is %s, not push", e.Kind)
	case ref == nil || *ref == (v1alpha1.GitRef{}):
		return e.Branch != "", "a push of " + e.Ref
	case ref.Branch != "" && e.Branch == ref.Branch, ref.Tag != "" && e.Tag == ref.Tag:
		return true, "a push of " + e.Ref
	}
	return false, fmt.Sprintf("a push of %s, which spec.ref doesn't name", e.Ref)
}

// annotate asks for a look as a person would.
func (s *Server) annotate(ctx context.Context, repo *v1alpha1.ConfigRepo) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{
		meta.ReconcileRequestAnnotation: s.opts.Clock.Now().UTC().Format(time.RFC3339Nano),
	}}})
	if err != nil {
		return err
	}
	named := &v1alpha1.ConfigRepo{}
	named.Namespace, named.Name = repo.Namespace, repo.Name
	err = s.opts.Client.Patch(ctx, named, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(v1alpha1.FieldManager))
	if err != nil {
		return fmt.Errorf("annotate ConfigRepo %s: %w", repo.Name, err)
	}
	return nil
}
