package webhook

import (
	"context"
	"maps"
	"net/http"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// maxHashed bytes are hashed to find out who a request is authentic for. Only one
	// to a namespace's address, where many Secrets are tried, could need more.
	maxHashed = 64 << 20
	// concealment is what the time of an answer to a stranger is a multiple of: longer
	// than it takes to find out what exists.
	concealment = 200 * time.Millisecond
)

// receiver is what a request may be for.
type receiver interface {
	// sender is the provider of the request, and the Secret with its tokens.
	sender() (provider v1alpha1.Provider, secret string)
}

// triggerReceiver is a Trigger with a webhook.
type triggerReceiver struct{ *v1alpha1.Trigger }

func (t triggerReceiver) sender() (v1alpha1.Provider, string) {
	return t.Spec.Webhook.Provider, t.Spec.Webhook.SecretRef.Name
}

// authenticate returns what the request is authentic for, in the order of names. It
// hashes as much where there is nothing, and asks the API server only for Secrets
// of what the request could be for.
func (s *Server) authenticate(ctx context.Context, target target, from received) ([]receiver, error) {
	candidates, err := s.claimed(ctx, target, from)
	if err != nil {
		return nil, err
	}
	known, err := s.tokens(ctx, target.Namespace, candidates)
	if err != nil {
		return nil, err
	}
	proofs := provable(known)
	if len(proofs) == 0 {
		proofs[""] = proof{}
	}
	if target.Name == "" && int64(len(proofs))*hashed(from) > maxHashed {
		s.opts.Log.V(1).Info("Webhook too large to try all Secrets of the namespace", "namespace", target.Namespace, "tokens", len(proofs), "bytes", len(from.body))
		return nil, nil
	}
	for token := range maps.Keys(proofs) {
		proofs[token] = newProof([]byte(token), from.header, from.body)
	}
	var authentic []receiver
	for _, candidate := range candidates {
		provider, secret := candidate.sender()
		by := known[secret]
		current := proves(provider, from.header, proofs[string(by.current)])
		old := proves(provider, from.header, proofs[string(by.old)])
		if current || old {
			authentic = append(authentic, candidate)
		}
	}
	return authentic, nil
}

// claimed are the candidates whose provider's proof the request claims to have.
func (s *Server) claimed(ctx context.Context, target target, from received) ([]receiver, error) {
	if !nameable(target.ObjectKey) {
		return nil, nil
	}
	all, err := s.candidates(ctx, target)
	if err != nil {
		return nil, err
	}
	var claimed []receiver
	for _, candidate := range all {
		name, _ := candidate.sender()
		if provider, ok := providerOf(name); ok && provider.claimed(from.header) {
			claimed = append(claimed, candidate)
		}
	}
	return claimed, nil
}

// tokens of the receivers' Secrets, by the Secret's name.
func (s *Server) tokens(ctx context.Context, namespace string, receivers []receiver) (map[string]tokens, error) {
	known := map[string]tokens{}
	for _, one := range receivers {
		_, secret := one.sender()
		if _, ok := known[secret]; ok {
			continue
		}
		found, err := s.secrets.tokens(ctx, client.ObjectKey{Namespace: namespace, Name: secret})
		if err != nil {
			return nil, err
		}
		known[secret] = found
	}
	return known, nil
}

// provable are the tokens that could prove something, each once: Secrets may share
// one.
func provable(known map[string]tokens) map[string]proof {
	proofs := map[string]proof{}
	for _, one := range known {
		for _, token := range [][]byte{one.current, one.old} {
			if len(token) > 0 {
				proofs[string(token)] = proof{}
			}
		}
	}
	return proofs
}

func proves(name v1alpha1.Provider, header http.Header, p proof) bool {
	provider, known := providerOf(name)
	return known && provider.authentic(header, p) && len(p.token) > 0
}

// conceal waits with the answer to a stranger, so that its time doesn't tell what
// exists: whether a Secret was read, and how many tokens were tried.
func (s *Server) conceal(ctx context.Context, refused *refusal) {
	if refused.began.IsZero() || s.concealment == 0 {
		return
	}
	timer := time.NewTimer(remainder(time.Since(refused.began), s.concealment))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// remainder is what is missing from a time to a multiple of the step.
func remainder(elapsed, step time.Duration) time.Duration { return step - elapsed%step }
