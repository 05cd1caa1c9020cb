package start

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// failed is a Run of an older revision that a trigger has started.
func failed() *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-push-r2sut3kt4e", UID: "run-uid", Labels: map[string]string{v1alpha1.TriggerLabel: "web-push"}},
		Spec: v1alpha1.RunSpec{
			Pipeline: "web", Revision: "web-old", Params: map[string]string{"git_sha": "8f3c"},
			Origin: &v1alpha1.Origin{Trigger: "web-push", Delivery: "delivery-1"},
		},
		Status: v1alpha1.RunStatus{Phase: v1alpha1.RunFailed},
	}
}

func TestRetryTakesAllButTheResult(t *testing.T) {
	s := starter(t, interceptor.Funcs{}, pipeline())
	run, created, err := s.Retry(t.Context(), pipeline(), failed(), "1")
	if err != nil || !created {
		t.Fatalf("created is %v, the error %v", created, err)
	}
	want := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: "web-busska33bk",
			Labels: map[string]string{v1alpha1.PipelineLabel: "web", v1alpha1.TriggerLabel: "web-push"},
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(pipeline(), v1alpha1.GroupVersion().WithKind(v1alpha1.PipelineKind)),
			},
		},
		Spec: *failed().Spec.DeepCopy(),
	}
	want.Spec.RetryOf = failed().Name
	stored := &v1alpha1.Run{}
	if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(run), stored); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, stored, cmpopts.IgnoreFields(metav1.ObjectMeta{}, "ResourceVersion")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// One that never got a revision is retried with the current one.
func TestRetryOfARunWithoutRevision(t *testing.T) {
	source := failed()
	source.Spec.Revision = ""
	run, _, err := starter(t, interceptor.Funcs{}, pipeline()).Retry(t.Context(), pipeline(), source, "1")
	if err != nil || run.Spec.Revision != revision.Name(pipeline()) {
		t.Errorf("revision %q, error %v; want %q", run.Spec.Revision, err, revision.Name(pipeline()))
	}
}

func TestRetriesAreOnePerValue(t *testing.T) {
	s := starter(t, interceptor.Funcs{}, pipeline())
	recreated := failed()
	recreated.UID = "another-uid"
	names := map[string]bool{}
	for _, tt := range []struct {
		source  *v1alpha1.Run
		value   string
		created bool
	}{{failed(), "1", true}, {failed(), "1", false}, {failed(), "2", true}, {failed(), "", true}, {recreated, "1", true}} {
		run, created, err := s.Retry(t.Context(), pipeline(), tt.source, tt.value)
		if err != nil || created != tt.created {
			t.Fatalf("%s of %s: created is %v, the error %v", tt.value, tt.source.UID, created, err)
		}
		if problems := validation.IsDNS1123Label(run.Name); len(problems) > 0 {
			t.Errorf("%s: %v", run.Name, problems)
		}
		names[run.Name] = true
	}
	if len(names) != 4 {
		t.Errorf("the Runs are %v, want 4", names)
	}
}

func TestRetryRefusesATakenName(t *testing.T) {
	byHand := failed()
	byHand.Name = RetryName(failed(), "1")
	other := byHand.DeepCopy()
	other.Spec.RetryOf = "another"
	for _, taken := range []*v1alpha1.Run{byHand, other} {
		if run, _, err := starter(t, interceptor.Funcs{}, taken).Retry(t.Context(), pipeline(), failed(), "1"); !errors.Is(err, ErrNameTaken) {
			t.Errorf("got %v, %v", run, err)
		}
	}
}
