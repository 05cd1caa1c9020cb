// Package revision makes and reads the immutable copies of a Pipeline's spec
// that Runs are pinned to. A copy is an apps/v1 ControllerRevision owned by the
// Pipeline, named by a hash of what it holds, and shared by every Run of that
// spec, so that a Run stays small and never sees a later edit.
package revision

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// hashLength keeps a name within 63 characters: a Pipeline's name has at most
// 52. Ten characters of base32 are 50 bits.
const hashLength = 10

// Name returns the name of the revision that holds the Pipeline's current spec.
// The hash covers the Pipeline's UID too: a Pipeline that was deleted and made
// again must not meet the revisions of its predecessor, which are being
// collected.
func Name(p *v1alpha1.Pipeline) string {
	sum := sha256.Sum256(append([]byte(p.UID+"\n"), encode(p)...))
	hash := strings.ToLower(base32.HexEncoding.EncodeToString(sum[:]))
	return p.Name + "-" + hash[:hashLength]
}

// New returns the revision that holds the Pipeline's current spec. Numbers
// order the revisions of a Pipeline by when each last became current.
func New(p *v1alpha1.Pipeline, number int64) *appsv1.ControllerRevision {
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Namespace,
			Name:      Name(p),
			Labels:    map[string]string{v1alpha1.PipelineLabel: p.Name},
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(p, v1alpha1.GroupVersion().WithKind(v1alpha1.PipelineKind)),
			},
		},
		Data:     runtime.RawExtension{Raw: encode(p)},
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

// Ensure makes sure that the revision of the Pipeline's current spec exists and
// returns its name. An object of that name that belongs to somebody else is an
// error: its content can't be trusted.
func Ensure(ctx context.Context, c client.Client, p *v1alpha1.Pipeline) (string, error) {
	name := Name(p)
	key := client.ObjectKey{Namespace: p.Namespace, Name: name}
	var found appsv1.ControllerRevision
	err := c.Get(ctx, key, &found)
	if err == nil {
		return name, verify(p, &found)
	}
	if !apierrors.IsNotFound(err) {
		return "", fmt.Errorf("get revision %s: %w", name, err)
	}

	siblings, err := List(ctx, c, p)
	if err != nil {
		return "", err
	}
	err = c.Create(ctx, New(p, Next(siblings)), client.FieldOwner(v1alpha1.FieldManager))
	if err == nil {
		return name, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return "", fmt.Errorf("create revision %s: %w", name, err)
	}
	// Somebody was faster. A cache that hasn't seen it yet is no contradiction:
	// the name's hash says what it holds, and readers check the owner.
	if err := c.Get(ctx, key, &found); err == nil {
		return name, verify(p, &found)
	}
	return name, nil
}

// List returns the revisions of the Pipeline, current and superseded.
func List(ctx context.Context, c client.Reader, p *v1alpha1.Pipeline) ([]appsv1.ControllerRevision, error) {
	var list appsv1.ControllerRevisionList
	err := c.List(ctx, &list, client.InNamespace(p.Namespace), client.MatchingLabels{v1alpha1.PipelineLabel: p.Name})
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
func encode(p *v1alpha1.Pipeline) []byte {
	data, err := json.Marshal(p.Spec)
	if err != nil {
		return nil
	}
	return data
}
