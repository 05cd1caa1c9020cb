package configrepo

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	stdsync "sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/job/defaults"
)

// rehearsal tries what Runs of a changed Pipeline will create, as the account
// that will create it: KayCI's own. What the API server would refuse then for
// what it is, it refuses the commit for now.
type rehearsal struct {
	client    client.Client
	passed    *passed
	installed *revision.Installed
	// merged: the Pipeline holds its ConfigRepo's defaults for jobs.
	merged bool
}

// passed are hashes of what the API server would take. They spare requests and
// may be lost. Many objects are tried at once.
type passed struct {
	mu     stdsync.Mutex
	hashes map[[sha256.Size]byte]bool
}

// maxPassed bounds them to about a megabyte.
const maxPassed = 20_000

func (p *passed) add(hash [sha256.Size]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hashes == nil || len(p.hashes) >= maxPassed {
		p.hashes = map[[sha256.Size]byte]bool{}
	}
	p.hashes[hash] = true
}

func (p *passed) has(hash [sha256.Size]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hashes[hash]
}

// try returns what is wrong with the templates of a Pipeline.
func (r rehearsal) try(ctx context.Context, object *unstructured.Unstructured) ([]string, error) {
	if err := ctx.Err(); err != nil || object.GetKind() != v1alpha1.PipelineKind {
		return nil, err
	}
	var pipeline v1alpha1.Pipeline
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &pipeline); err != nil {
		return nil, fmt.Errorf("decode the Pipeline: %w", err)
	}
	faults, merged := r.merge(ctx, &pipeline)
	if len(faults) > 0 {
		return faults, nil
	}
	for _, s := range job.Samples(&pipeline) {
		answer, err := r.send(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("try %s: %w", s.Template, err)
		}
		switch judgementOf(answer) {
		case taken:
		case wrong:
			faults = append(faults, complaints(s, answer, merged)...)
		case unjudged:
			logf.FromContext(ctx).V(1).Info("a template was not judged", "pipeline", pipeline.Name, "template", s.Template.String(), "answer", answer.Error())
		case unable:
			logf.FromContext(ctx).V(1).Info("templates were not judged", "pipeline", pipeline.Name, "answer", answer.Error())
			return faults, ctx.Err()
		}
	}
	return faults, nil
}

// merge puts the installation's defaults into the Pipeline, as a Run's revision
// will have them, and reports whether it holds any. Those that are missing or at
// fault are not the commit's: no Run starts before they are mended.
func (r rehearsal) merge(ctx context.Context, pipeline *v1alpha1.Pipeline) (faults []string, merged bool) {
	installed, err := r.installed.Get(ctx)
	if err != nil {
		logf.FromContext(ctx).V(1).Info("templates are judged without the installation's defaults", "answer", err.Error())
		return nil, r.merged
	}
	spec, errs := installed.Under(&pipeline.Spec, defaults.MaxRevision)
	for _, err := range errs {
		faults = append(faults, fmt.Sprintf("with the defaults of %s: %v", r.installed, err))
	}
	pipeline.Spec = *spec
	return faults, r.merged || len(installed.Canonical()) > 0
}

// send returns the API server's answer to a sample, which is good if it was so
// before.
func (r rehearsal) send(ctx context.Context, s job.Sample) (answer, err error) {
	encoded, err := json.Marshal(s.Object)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(encoded)
	if r.passed.has(hash) {
		return nil, nil
	}
	answer = r.client.Create(ctx, s.Object, client.DryRunAll, client.FieldOwner(v1alpha1.FieldManager))
	if judgementOf(answer) == taken {
		r.passed.add(hash)
	}
	return answer, nil
}

// judgement is what an answer says of a template.
type judgement int

const (
	// taken: a Run's would be created.
	taken judgement = iota
	// wrong: it never would.
	wrong
	// unjudged: what was in the way isn't the template's, or need not be there when
	// a Run comes, which says so and may wait: a quota, a webhook's policy, one that
	// can't be tried, rights, a namespace that is going.
	unjudged
	// unable: the API server is in trouble, and would be with the next one, too.
	unable
)

func judgementOf(answer error) judgement {
	switch {
	case answer == nil, apierrors.IsAlreadyExists(answer):
		return taken
	case apierrors.IsInvalid(answer), apierrors.IsRequestEntityTooLargeError(answer):
		return wrong
	case apierrors.IsForbidden(answer), apierrors.IsBadRequest(answer):
		return unjudged
	default:
		return unable
	}
}

// complaints are the API server's, with the fields of the template in place of
// those of the object that was made from it. In one with defaults for jobs lists
// may hold more than the commit says.
func complaints(s job.Sample, answer error, merged bool) []string {
	prefix := ""
	if merged {
		prefix = "with the defaults for jobs: "
	}
	var status apierrors.APIStatus
	if !errors.As(answer, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) == 0 {
		return []string{prefix + s.Template.String() + ": " + answer.Error()}
	}
	var faults []string
	for _, cause := range status.Status().Details.Causes {
		path := prefix + s.Template.String()
		if cause.Field != "" {
			path += "." + cause.Field
		}
		faults = append(faults, path+": "+cause.Message)
	}
	return faults
}
