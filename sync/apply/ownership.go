package apply

import (
	"bytes"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/kayci/kayci/api/v1alpha1"
)

// takeOver hands every claim of others on fields of the spec to KayCI's own
// apply. The next apply then removes the fields that it doesn't name, which it
// would otherwise leave to whoever added them by hand. Labels and annotations of
// others, and the status, stay theirs. The result is nil if there is nothing to
// hand over.
func takeOver(entries []metav1.ManagedFieldsEntry) ([]metav1.ManagedFieldsEntry, error) {
	claimed := fieldpath.NewSet()
	own := metav1.ManagedFieldsEntry{
		Manager:    v1alpha1.FieldManager,
		Operation:  metav1.ManagedFieldsOperationApply,
		APIVersion: v1alpha1.GroupVersion().String(),
		FieldsType: "FieldsV1",
	}
	ownFields := fieldpath.NewSet()
	var kept []metav1.ManagedFieldsEntry
	for _, entry := range entries {
		if entry.Subresource != "" || entry.FieldsV1 == nil {
			kept = append(kept, entry)
			continue
		}
		fields, err := decodeFields(entry)
		if err != nil {
			return nil, err
		}
		if entry.Manager == own.Manager && entry.Operation == own.Operation {
			own, ownFields = entry, fields
			continue
		}
		spec := below(fields, "spec")
		claimed = claimed.Union(spec)
		if rest := fields.Difference(spec); !rest.Empty() {
			if err := encodeFields(&entry, rest); err != nil {
				return nil, err
			}
			kept = append(kept, entry)
		}
	}
	if claimed.Empty() {
		return nil, nil
	}
	if err := encodeFields(&own, ownFields.Union(claimed)); err != nil {
		return nil, err
	}
	return append(kept, own), nil
}

// below returns the part of a set that is a top-level field and what is in it.
func below(set *fieldpath.Set, field string) *fieldpath.Set {
	element := fieldpath.PathElement{FieldName: &field}
	part := fieldpath.NewSet()
	if set.Members.Has(element) {
		part.Members.Insert(element)
	}
	if inner := set.WithPrefix(element); !inner.Empty() {
		*part.Children.Descend(element) = *inner
	}
	return part
}

func decodeFields(entry metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	set := fieldpath.NewSet()
	if err := set.FromJSON(entry.FieldsV1.GetRawReader()); err != nil {
		return nil, fmt.Errorf("decode the fields of manager %q: %w", entry.Manager, err)
	}
	return set, nil
}

func encodeFields(entry *metav1.ManagedFieldsEntry, set *fieldpath.Set) error {
	raw, err := set.ToJSON()
	if err != nil {
		return fmt.Errorf("encode the fields of manager %q: %w", entry.Manager, err)
	}
	entry.FieldsV1 = &metav1.FieldsV1{}
	entry.FieldsV1.SetRawBytes(bytes.Clone(raw))
	return nil
}
