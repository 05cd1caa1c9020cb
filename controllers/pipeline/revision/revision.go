// Package revision makes and reads the immutable copies of a Pipeline's spec
// that Runs are pinned to. A copy is an apps/v1 ControllerRevision owned by the
// Pipeline, named by a hash of what it holds, and shared by every Run of that
// spec, so that a Run stays small and never sees a later edit. The installation's
// defaults for jobs are merged into it, so that it sees no later edit of those,
// either.
package revision

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/names"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job/defaults"
)

// Name returns the name of the revision that holds the Pipeline's current spec,
// without any defaults. The hash covers the Pipeline's UID too: a Pipeline that
// was deleted and made again must not meet the revisions of its predecessor, which
// are being collected.
func Name(p *v1alpha1.Pipeline) string { return nameWith(p, nil) }

// nameWith hashes what the copy is made from, and with defaults also how, since
// another version of KayCI may merge otherwise. It takes no merge to know whether
// there is one.
func nameWith(p *v1alpha1.Pipeline, d *defaults.Defaults) string {
	of := []string{string(p.UID), string(encode(&p.Spec))}
	if said := d.Canonical(); len(said) > 0 {
		of = append(of, strconv.Itoa(defaults.Version), string(said))
	}
	return names.Hashed(p.Name, names.MaxLabel, of...)
}

// New returns the revision that holds the Pipeline's current spec, without any
// defaults. Numbers order the revisions of a Pipeline by when each last became
// current.
func New(p *v1alpha1.Pipeline, number int64) *appsv1.ControllerRevision {
	return newRevision(p, Name(p), &p.Spec, number)
}

func newRevision(p *v1alpha1.Pipeline, name string, spec *v1alpha1.PipelineSpec, number int64) *appsv1.ControllerRevision {
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Namespace,
			Name:      name,
			Labels:    map[string]string{v1alpha1.PipelineLabel: p.Name},
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(p, v1alpha1.GroupVersion().WithKind(v1alpha1.PipelineKind)),
			},
		},
		Data:     runtime.RawExtension{Raw: encode(spec)},
		Revision: number,
	}
}

// Spec returns the Pipeline's spec that the revision holds.
func Spec(rev *appsv1.ControllerRevision) (v1alpha1.PipelineSpec, error) {
	var spec v1alpha1.PipelineSpec
	if err := json.Unmarshal(rev.Data.Raw, &spec); err != nil {
		return v1alpha1.PipelineSpec{}, fmt.Errorf("decode revision %s: %w", rev.Name, err)
	}
	return spec, nil
}

// Next returns the number of a revision that becomes current after these.
func Next(revisions []appsv1.ControllerRevision) int64 {
	var highest int64
	for i := range revisions {
		highest = max(highest, revisions[i].Revision)
	}
	return highest + 1
}

// List returns the revisions of the Pipeline, current and superseded.
func List(ctx context.Context, c client.Reader, p *v1alpha1.Pipeline, opts ...client.ListOption) ([]appsv1.ControllerRevision, error) {
	var list appsv1.ControllerRevisionList
	opts = append(opts, client.InNamespace(p.Namespace), client.MatchingLabels{v1alpha1.PipelineLabel: p.Name})
	err := c.List(ctx, &list, opts...)
	if err != nil {
		return nil, fmt.Errorf("list revisions of pipeline %s: %w", p.Name, err)
	}
	owned := list.Items[:0]
	for i := range list.Items {
		if metav1.IsControlledBy(&list.Items[i], p) {
			owned = append(owned, list.Items[i])
		}
	}
	return owned, nil
}

func verify(p *v1alpha1.Pipeline, rev *appsv1.ControllerRevision) error {
	if !metav1.IsControlledBy(rev, p) {
		return fmt.Errorf("revision %s exists and doesn't belong to pipeline %s", rev.Name, p.Name)
	}
	return nil
}

// encode relies on encoding/json's order: fields as declared, map keys sorted.
// A spec consists of types that always marshal, so an error is a defect of the
// types and shows as an empty revision in every test.
func encode(spec *v1alpha1.PipelineSpec) []byte {
	data, err := json.Marshal(*spec)
	if err != nil {
		return nil
	}
	return data
}
