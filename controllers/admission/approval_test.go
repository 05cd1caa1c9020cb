package admission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
)

// authorizer answers access reviews: who has which verbs. What it was asked is
// kept.
func authorizer(t *testing.T, verbs map[string]string) (access, *[]authorizationv1.LocalSubjectAccessReview) {
	t.Helper()
	var asked []authorizationv1.LocalSubjectAccessReview
	return access{interceptor.NewClient(reader(t), interceptor.Funcs{
		Create: func(_ context.Context, _ client.WithWatch, obj client.Object, _ ...client.CreateOption) error {
			review, ok := obj.(*authorizationv1.LocalSubjectAccessReview)
			if !ok {
				return fmt.Errorf("created a %T", obj)
			}
			asked = append(asked, *review.DeepCopy())
			if verbs == nil {
				return errors.New("no route to host")
			}
			review.Status.Allowed = strings.Contains(verbs[review.Spec.User], review.Spec.ResourceAttributes.Verb)
			return nil
		},
	})}, &asked
}

func as(t *testing.T, user string) context.Context {
	t.Helper()
	info := authenticationv1.UserInfo{
		Username: user, UID: "7", Groups: []string{"staff"},
		Extra: map[string]authenticationv1.ExtraValue{"scopes": {"a"}},
	}
	return ctrladmission.NewContextWithRequest(t.Context(), ctrladmission.Request{AdmissionRequest: admissionv1.AdmissionRequest{UserInfo: info}})
}

var everybody = map[string]string{"approver": "approve", "editor": "update", "admin": "approve update"}

func gated() *v1alpha1.Pipeline {
	p := declaring()
	p.Spec.Jobs = append(p.Spec.Jobs, v1alpha1.Job{Name: "deploy", Approval: &v1alpha1.JobApproval{}})
	return p
}

func aRun(changes ...func(*v1alpha1.Run)) *v1alpha1.Run {
	run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1"}, Spec: v1alpha1.RunSpec{Pipeline: "web"}}
	for _, change := range changes {
		change(run)
	}
	return run
}

func approving(jobs ...string) func(*v1alpha1.Run) {
	return func(r *v1alpha1.Run) {
		for _, job := range jobs {
			r.Spec.Approvals = append(r.Spec.Approvals, v1alpha1.Approval{Job: job})
		}
	}
}

func refusing(job string) func(*v1alpha1.Run) {
	return func(r *v1alpha1.Run) {
		r.Spec.Approvals = append(r.Spec.Approvals, v1alpha1.Approval{Job: job, Refused: true})
	}
}

func cancelling(r *v1alpha1.Run) { r.Spec.Cancelled = true }

func ended(r *v1alpha1.Run) { r.Status.Phase = v1alpha1.RunSucceeded }

// Who may make which change of a Run, as both webhooks together see it.
func TestWhoMayChangeRuns(t *testing.T) {
	const (
		mayNotApprove = `runs.kayci.dev "web-1" is forbidden: user %q may not approve jobs of Runs: that takes the verb approve on runs.kayci.dev in the namespace ci`
		mayNotChange  = `runs.kayci.dev "web-1" is forbidden: user %q may not change more of a Run than its approvals: that takes the verb update on runs.kayci.dev in the namespace ci`
	)
	labelled := func(r *v1alpha1.Run) { r.Labels = map[string]string{"a": "b"} }
	for name, tc := range map[string]struct {
		user          string
		before, after *v1alpha1.Run
		want          string
	}{
		"approver approves":            {"approver", aRun(), aRun(approving("deploy")), ""},
		"approver approves twice":      {"approver", aRun(approving("deploy")), aRun(approving("deploy")), ""},
		"approver cancels":             {"approver", aRun(), aRun(cancelling), fmt.Sprintf(mayNotChange, "approver")},
		"approver approves, cancels":   {"approver", aRun(), aRun(approving("deploy"), cancelling), fmt.Sprintf(mayNotChange, "approver")},
		"approver labels":              {"approver", aRun(), aRun(labelled), fmt.Sprintf(mayNotChange, "approver")},
		"approver removes a label":     {"approver", aRun(labelled), aRun(), fmt.Sprintf(mayNotChange, "approver")},
		"approver adds a finalizer":    {"approver", aRun(), aRun(func(r *v1alpha1.Run) { r.Finalizers = []string{"a/b"} }), fmt.Sprintf(mayNotChange, "approver")},
		"approver disowns":             {"approver", aRun(func(r *v1alpha1.Run) { r.OwnerReferences = []metav1.OwnerReference{{UID: "1"}} }), aRun(), fmt.Sprintf(mayNotChange, "approver")},
		"approver asks for a retry":    {"approver", aRun(), aRun(func(r *v1alpha1.Run) { r.Annotations = map[string]string{"kayci.dev/retry": "1"} }), fmt.Sprintf(mayNotChange, "approver")},
		"approver changes nothing":     {"approver", aRun(), aRun(func(r *v1alpha1.Run) { r.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "x"}} }), ""},
		"editor cancels":               {"editor", aRun(approving("deploy")), aRun(approving("deploy"), cancelling), ""},
		"editor labels":                {"editor", aRun(), aRun(labelled), ""},
		"editor approves":              {"editor", aRun(), aRun(approving("deploy")), fmt.Sprintf(mayNotApprove, "editor")},
		"editor takes an approval":     {"editor", aRun(approving("deploy")), aRun(), fmt.Sprintf(mayNotApprove, "editor")},
		"editor cancels with approval": {"editor", aRun(), aRun(approving("deploy"), cancelling), fmt.Sprintf(mayNotApprove, "editor")},
		"admin does both":              {"admin", aRun(), aRun(approving("deploy"), cancelling), ""},
		"a stranger":                   {"stranger", aRun(), aRun(approving("deploy")), fmt.Sprintf(mayNotApprove, "stranger")},
		"no such job":                  {"approver", aRun(), aRun(approving("deploi")), `Run.kayci.dev "web-1" is invalid: spec.approvals[0].job: Invalid value: "deploi": is no job of the Pipeline that asks for an approval; these do: "deploy"`},
		"a job that asks for none":     {"approver", aRun(approving("deploy")), aRun(approving("deploy", "a")), `Run.kayci.dev "web-1" is invalid: spec.approvals[1].job: Invalid value: "a": is a job that asks for no approval; these do: "deploy"`},
		"a finished Run":               {"approver", aRun(ended), aRun(ended, approving("deploy")), `Run.kayci.dev "web-1" is invalid: spec.approvals: Forbidden: the Run has finished: nothing of it waits for an approval`},
		"approver refuses":             {"approver", aRun(), aRun(refusing("deploy")), ""},
		"editor refuses":               {"editor", aRun(), aRun(refusing("deploy")), fmt.Sprintf(mayNotApprove, "editor")},
		"editor turns it round":        {"editor", aRun(refusing("deploy")), aRun(approving("deploy")), fmt.Sprintf(mayNotApprove, "editor")},
		"no such job to refuse":        {"approver", aRun(), aRun(refusing("a")), `Run.kayci.dev "web-1" is invalid: spec.approvals[0].job: Invalid value: "a": is a job that asks for no approval; these do: "deploy"`},
		"editor creates":               {"editor", nil, aRun(), ""},
		"editor creates with approval": {"editor", nil, aRun(approving("deploy")), fmt.Sprintf(mayNotApprove, "editor")},
		"admin creates with approval":  {"admin", nil, aRun(approving("deploy")), ""},
		"of an unknown Pipeline":       {"approver", nil, aRun(approving("x"), func(r *v1alpha1.Run) { r.Spec.Pipeline = "none" }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			rights, _ := authorizer(t, everybody)
			v := runs{cached: reader(t), live: reader(t, gated()), access: rights}
			ctx := as(t, tc.user)
			var errs []error
			if tc.before == nil {
				_, err := v.ValidateCreate(ctx, tc.after)
				_, approval := approvals(v).ValidateCreate(ctx, tc.after)
				errs = []error{err, approval}
			} else {
				_, err := v.ValidateUpdate(ctx, tc.before, tc.after)
				_, approval := approvals(v).ValidateUpdate(ctx, tc.before, tc.after)
				errs = []error{err, approval}
			}
			got := ""
			if err := errors.Join(errs...); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// The whole identity is asked about, in the Run's own namespace.
func TestAccessReview(t *testing.T) {
	rights, asked := authorizer(t, everybody)
	if err := rights.require(as(t, "approver"), aRun(), "approve", "approve"); err != nil {
		t.Fatal(err)
	}
	want := []authorizationv1.LocalSubjectAccessReview{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci"},
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "approver", UID: "7", Groups: []string{"staff"}, Extra: map[string]authorizationv1.ExtraValue{"scopes": {"a"}},
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: "ci", Name: "web-1", Verb: "approve", Group: "kayci.dev", Version: "v1alpha1", Resource: "runs",
			},
		},
	}}
	if diff := cmp.Diff(want, *asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	down, _ := authorizer(t, nil)
	err := down.require(as(t, "approver"), aRun(), "approve", "approve")
	if err == nil || !strings.Contains(err.Error(), "ask whether the user has the verb approve: no route to host") {
		t.Errorf("unable to ask, the answer is %v", err)
	}
	if err := rights.require(t.Context(), aRun(), "approve", "approve"); err == nil {
		t.Error("a request of nobody is allowed")
	}
}

// Who approved and when is never what the client wrote, and an earlier approval
// stays as it was.
func TestStamp(t *testing.T) {
	const now, earlier = "2026-03-01T12:00:00Z", "2026-02-01T12:00:00Z"
	old := `{"job":"a","by":"alice","time":"` + earlier + `"}`
	stampedA := `{"job":"a","by":"bob","time":"` + now + `"}`
	for name, tc := range map[string]struct{ before, after, want string }{
		"none":                     {`null`, `null`, ``},
		"new":                      {`null`, `[{"job":"a"}]`, `[` + stampedA + `]`},
		"forged":                   {`null`, `[{"job":"a","by":"alice","time":"` + earlier + `"}]`, `[` + stampedA + `]`},
		"again":                    {`[` + old + `]`, `[{"job":"a"}]`, `[` + old + `]`},
		"forged later":             {`[` + old + `]`, `[{"job":"a","by":"mallory"}]`, `[` + old + `]`},
		"another, with the first":  {`[` + old + `]`, `[` + old + `,{"job":"b"}]`, `[` + old + `,` + strings.ReplaceAll(stampedA, `"a"`, `"b"`) + `]`},
		"another, in its place":    {`[` + old + `]`, `[{"job":"b"}]`, `[` + old + `,` + strings.ReplaceAll(stampedA, `"a"`, `"b"`) + `]`},
		"refused":                  {`null`, `[{"job":"a","refused":true,"message":"no"}]`, `[` + strings.ReplaceAll(stampedA, `"job":"a"`, `"job":"a","refused":true,"message":"no"`) + `]`},
		"refused too late":         {`[` + old + `]`, `[{"job":"a","refused":true}]`, `[` + strings.ReplaceAll(old, `"job":"a"`, `"job":"a","refused":true`) + `]`},
		"another reason":           {`[` + old + `]`, `[{"job":"a","message":"yes"}]`, `[` + old + `]`},
		"taken back: the schema's": {`[` + old + `]`, `[]`, ``},
		"unstamped stays so":       {`[{"job":"a"}]`, `[{"job":"a","by":"mallory"}]`, `[{"job":"a"}]`},
		"twice: the schema's":      {`null`, `[{"job":"a"},{"job":"a"}]`, `[` + stampedA + `,` + stampedA + `]`},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(approvals string) runtime.RawExtension {
				return runtime.RawExtension{Raw: []byte(`{"spec":{"pipeline":"web","new":"field","approvals":` + approvals + `}}`)}
			}
			at, err := time.Parse(time.RFC3339, now)
			if err != nil {
				t.Fatal(err)
			}
			response := stamp{clocktesting.NewFakePassiveClock(at)}.Handle(t.Context(), ctrladmission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
				UserInfo: authenticationv1.UserInfo{Username: "bob"}, Object: run(tc.after), OldObject: run(tc.before),
			}})
			if !response.Allowed {
				t.Fatalf("refused: %v", response.Result)
			}
			if diff := cmp.Diff(tc.want, patched(t, response)); diff != "" {
				t.Errorf("approvals (-want +got):\n%s", diff)
			}
		})
	}
}

// patched returns what the answer replaces spec.approvals with, and fails if it
// changes anything else.
func patched(t *testing.T, response ctrladmission.Response) string {
	t.Helper()
	if err := response.Complete(ctrladmission.Request{}); err != nil {
		t.Fatal(err)
	}
	if len(response.Patch) == 0 {
		return ""
	}
	var patch []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if err := json.Unmarshal(response.Patch, &patch); err != nil {
		t.Fatal(err)
	}
	if len(patch) != 1 || patch[0].Op != "replace" || patch[0].Path != "/spec/approvals" || *response.PatchType != admissionv1.PatchTypeJSONPatch {
		t.Fatalf("patch %s", response.Patch)
	}
	return string(patch[0].Value)
}

func TestStampOfGarbage(t *testing.T) {
	s := stamp{clocktesting.NewFakePassiveClock(time.Unix(0, 0))}
	for name, request := range map[string]admissionv1.AdmissionRequest{
		"new": {Object: runtime.RawExtension{Raw: []byte(`{"spec":{"approvals":{}}}`)}},
		"old": {OldObject: runtime.RawExtension{Raw: []byte(`{`)}},
	} {
		if response := s.Handle(t.Context(), ctrladmission.Request{AdmissionRequest: request}); response.Allowed {
			t.Errorf("%s: allowed", name)
		}
	}
}
