package admission

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
)

// stamp writes into new approvals who gave them and when, whatever the client
// wrote. It changes nothing else, and decides nothing: approvals does.
type stamp struct {
	clock clock.PassiveClock
}

// Handle answers with a patch of spec.approvals, if they need one.
func (s stamp) Handle(_ context.Context, req ctrladmission.Request) ctrladmission.Response {
	before, err := approvalsOf(req.OldObject.Raw)
	if err != nil {
		return ctrladmission.Errored(http.StatusBadRequest, err)
	}
	given, err := approvalsOf(req.Object.Raw)
	if err != nil {
		return ctrladmission.Errored(http.StatusBadRequest, err)
	}
	if len(given) == 0 {
		// None, or an attempt to take them back, which the schema answers.
		return ctrladmission.Allowed("")
	}
	now := metav1.NewTime(s.clock.Now())
	patch, err := json.Marshal([]map[string]any{{
		"op": "replace", "path": "/spec/approvals", "value": stamped(before, given, req.UserInfo.Username, &now),
	}})
	if err != nil {
		return ctrladmission.Errored(http.StatusInternalServerError, fmt.Errorf("patch approvals: %w", err))
	}
	// Not a whole object's difference: a replica of an older version would drop the
	// fields that it doesn't know.
	kind := admissionv1.PatchTypeJSONPatch
	return ctrladmission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Allowed: true, Patch: patch, PatchType: &kind}}
}

// stamped returns the earlier approvals as they were, and after them the new
// ones. So a merge patch, which replaces the list, adds to it. Who says no to what
// has got a yes, or the other way round, is to hear that it is too late: that stays
// in for the schema to refuse.
func stamped(before, given []v1alpha1.Approval, user string, now *metav1.Time) []v1alpha1.Approval {
	all := slices.Clone(before)
	for _, approval := range given {
		i := slices.IndexFunc(before, func(b v1alpha1.Approval) bool { return b.Job == approval.Job })
		switch {
		case i < 0:
			approval.By, approval.Time = user, now
			all = append(all, approval)
		case approval.Refused != before[i].Refused:
			all[i].Refused = approval.Refused
		}
	}
	return all
}

// approvalsOf returns the approvals of a Run, none of no Run.
func approvalsOf(raw []byte) ([]v1alpha1.Approval, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var run struct {
		Spec struct {
			Approvals []v1alpha1.Approval `json:"approvals"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &run); err != nil {
		return nil, fmt.Errorf("read the Run's approvals: %w", err)
	}
	return run.Spec.Approvals, nil
}
