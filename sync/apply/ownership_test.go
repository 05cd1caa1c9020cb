package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type claim struct {
	Manager, Operation, Subresource, Fields string
}

func managed(claims ...claim) []metav1.ManagedFieldsEntry {
	var entries []metav1.ManagedFieldsEntry
	for _, c := range claims {
		fields := &metav1.FieldsV1{}
		fields.SetRawBytes([]byte(c.Fields))
		entries = append(entries, metav1.ManagedFieldsEntry{
			Manager: c.Manager, Operation: metav1.ManagedFieldsOperationType(c.Operation), Subresource: c.Subresource,
			APIVersion: "kayci.dev/v1alpha1", FieldsType: "FieldsV1", FieldsV1: fields,
		})
	}
	return entries
}

func claims(entries []metav1.ManagedFieldsEntry) []claim {
	var all []claim
	for _, e := range entries {
		all = append(all, claim{e.Manager, string(e.Operation), e.Subresource, string(e.FieldsV1.GetRawBytes())})
	}
	return all
}

func TestTakeOver(t *testing.T) {
	ours := claim{"kayci", "Apply", "", `{"f:metadata":{"f:labels":{"f:team":{}}},"f:spec":{"f:jobs":{}}}`}
	status := claim{"kayci", "Update", "status", `{"f:status":{"f:revision":{}}}`}
	tests := map[string]struct{ given, want []claim }{
		"ours alone": {given: []claim{ours, status}},
		"metadata of others stays theirs": {
			given: []claim{ours, {"kubectl-label", "Update", "", `{"f:metadata":{"f:labels":{"f:theirs":{}}}}`}},
		},
		"a field added by hand": {
			given: []claim{
				ours, status,
				{"kubectl-edit", "Update", "", `{"f:metadata":{"f:labels":{"f:theirs":{}}},"f:spec":{"f:retention":{".":{},"f:maxCount":{}}}}`},
			},
			want: []claim{
				status,
				{"kubectl-edit", "Update", "", `{"f:metadata":{"f:labels":{"f:theirs":{}}}}`},
				{"kayci", "Apply", "", `{"f:metadata":{"f:labels":{"f:team":{}}},"f:spec":{"f:jobs":{},"f:retention":{".":{},"f:maxCount":{}}}}`},
			},
		},
		"an object of two others": {
			given: []claim{
				{"kubectl", "Apply", "", `{"f:spec":{"f:jobs":{}}}`},
				{"kubectl-create", "Update", "", `{"f:spec":{".":{},"f:params":{}}}`},
			},
			want: []claim{{"kayci", "Apply", "", `{"f:spec":{".":{},"f:jobs":{},"f:params":{}}}`}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := takeOver(managed(test.given...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, claims(got)); diff != "" {
				t.Errorf("managed fields (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := takeOver(managed(claim{"odd", "Update", "", `{"x"`})); err == nil {
		t.Error("malformed fields are accepted")
	}
}
