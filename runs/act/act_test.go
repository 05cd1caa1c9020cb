package act_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/act"
	"github.com/kayci/kayci/test/copies"
)

// server stores the objects and writes down what it is asked.
type server struct {
	client.Client
	asked []string
	// refuses every write, if it isn't nil.
	refuses error
}

func serving(t *testing.T, objects ...client.Object) *server {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	s := &server{}
	s.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return errors.New("an action reads nothing")
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			var options client.CreateOptions
			options.ApplyOptions(opts)
			s.asked = append(s.asked, strings.Join(append([]string{"create as " + options.FieldManager}, options.DryRun...), ", dry run "))
			if s.refuses != nil {
				return s.refuses
			}
			return c.Create(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			data, err := p.Data(o)
			s.asked = append(s.asked, string(p.Type())+" "+string(data))
			if err = errors.Join(err, s.refuses); err != nil {
				return err
			}
			return c.Patch(ctx, o, p, opts...)
		},
	}).Build()
	return s
}

func run(phase v1alpha1.RunPhase, changes ...func(*v1alpha1.Run)) *v1alpha1.Run {
	r := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1", UID: "the-uid"},
		Spec:       v1alpha1.RunSpec{Pipeline: "web"},
		Status:     v1alpha1.RunStatus{Phase: phase, Number: 7},
	}
	for _, change := range changes {
		change(r)
	}
	return r
}

func pipeline() *v1alpha1.Pipeline {
	branch := "main"
	return &v1alpha1.Pipeline{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web"},
		Spec: v1alpha1.PipelineSpec{Params: []v1alpha1.Param{
			{Name: "branch", Default: &branch}, {Name: "env", Enum: []string{"test", "prod"}}, {Name: "note"},
		}},
	}
}

func TestStart(t *testing.T) {
	deleting := pipeline()
	deleting.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	odd := "it's \"odd\"\n$(rm -rf /)\t\\n\u202e"
	for name, tt := range map[string]struct {
		pipeline *v1alpha1.Pipeline
		params   map[string]string
		dry      bool
		asked    []string
		err      string
	}{
		"what is asked for": {params: map[string]string{"env": "test", "note": odd}, asked: []string{"create as kayci-user"}},
		"a dry run":         {params: map[string]string{"env": "test", "note": ""}, dry: true, asked: []string{"create as kayci-user, dry run All"}},
		"wrong parameters": {params: map[string]string{"env": "staging", "nota": "x"}, err: `Pipeline web doesn't take these parameters:
  params[env]: Invalid value: must be one of "test", "prod"
  params[note]: Required value: the Pipeline gives it no default
  params[nota]: Invalid value: the Pipeline does not declare it; it declares: branch, env, note`},
		"a Pipeline that goes": {pipeline: deleting, err: "start Pipeline web: it is being deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			of := tt.pipeline
			if of == nil {
				of = pipeline()
			}
			s := serving(t)
			got, err := act.Start(t.Context(), s, of, tt.params, tt.dry)
			if diff := cmp.Diff(tt.asked, s.asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if err != nil || tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error: %v", err)
				}
				return
			}
			want := &v1alpha1.Run{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: "ci", GenerateName: "web-", Name: got.Name, ResourceVersion: got.ResourceVersion,
					Labels: map[string]string{"kayci.dev/pipeline": "web"},
				},
				Spec: v1alpha1.RunSpec{Pipeline: "web", Params: tt.params},
			}
			if diff := cmp.Diff(want, got); diff != "" || !tt.dry && !strings.HasPrefix(got.Name, "web-") {
				t.Errorf("%s (-want +got):\n%s", got.Name, diff)
			}
		})
	}
}

func TestParamsOfStart(t *testing.T) {
	var missing []string
	for _, param := range act.Missing(pipeline(), map[string]string{"note": ""}) {
		missing = append(missing, param.Name)
	}
	params, gone := act.Like(run("Failed", func(r *v1alpha1.Run) {
		r.Spec.Params = map[string]string{"env": "prod", "region": "x", "zone": "y"}
	}), pipeline())
	if diff := cmp.Diff([]any{[]string{"env"}, map[string]string{"env": "prod"}, []string{"region", "zone"}}, []any{missing, params, gone}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCancelAndRetry(t *testing.T) {
	cancelled := func(r *v1alpha1.Run) { r.Spec.Cancelled = true }
	type result struct {
		Changed bool
		Asked   []string
		Err     string
	}
	for name, tt := range map[string]struct {
		run           *v1alpha1.Run
		cancel, retry result
	}{
		"one that runs": {
			run("Running"),
			result{true, []string{`application/merge-patch+json {"metadata":{"uid":"the-uid"},"spec":{"cancelled":true}}`}, ""},
			result{Err: "retry Run web/7: it hasn't ended: wait for it, or cancel it"},
		},
		"one that stops": {
			run("Running", cancelled),
			result{},
			result{Err: "retry Run web/7: it hasn't ended: wait for it, or cancel it"},
		},
		"one that has failed": {
			run("Failed"),
			result{Err: "cancel Run web/7: it has ended, as Failed"},
			result{true, []string{"create as kayci-user"}, ""},
		},
		"one that was cancelled": {
			run("Cancelled", cancelled),
			result{Err: "cancel Run web/7: it has ended, as Cancelled"},
			result{true, []string{"create as kayci-user"}, ""},
		},
		"one that has succeeded": {
			run("Succeeded"),
			result{Err: "cancel Run web/7: it has ended, as Succeeded"},
			result{Err: "retry Run web/7: it has succeeded, so there is nothing to retry: `kayci start web --like web/7` runs all of it again"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serving(t, tt.run)
			_, changed, err := act.Cancel(t.Context(), s, tt.run)
			if diff := cmp.Diff(tt.cancel, result{changed, s.asked, said(err)}); diff != "" {
				t.Errorf("cancel (-want +got):\n%s", diff)
			}
			s = serving(t, tt.run)
			again, err := act.Retry(t.Context(), s, tt.run)
			if diff := cmp.Diff(tt.retry, result{again != nil, s.asked, said(err)}); diff != "" {
				t.Errorf("retry (-want +got):\n%s", diff)
			}
			if again != nil && (again.Spec.RetryOf != "web-1" || again.Spec.Pipeline != "web" || again.GenerateName != "web-") {
				t.Errorf("the other Run is %+v", again)
			}
		})
	}
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestApprove(t *testing.T) {
	jobs := func(r *v1alpha1.Run) {
		r.Status.Jobs = []v1alpha1.JobStatus{
			{Name: "test", Phase: "Succeeded"},
			{Name: "deploy", Phase: "Waiting", Reason: "AwaitingApproval"},
			{Name: "publish", Phase: "Waiting", Reason: "AwaitingApproval"},
		}
	}
	answered := func(r *v1alpha1.Run) {
		r.Spec.Approvals = []v1alpha1.Approval{{Job: "publish", Refused: true, By: "bob", Time: &metav1.Time{Time: time.Unix(0, 0)}}}
	}
	type result struct {
		Asked []string
		Err   string
	}
	for name, tt := range map[string]struct {
		run    *v1alpha1.Run
		answer act.Answer
		want   result
	}{
		"a yes": {
			run("Running", jobs),
			act.Answer{Job: "deploy"},
			result{Asked: []string{`application/merge-patch+json {"metadata":{"uid":"the-uid"},"spec":{"approvals":[{"job":"deploy"}]}}`}},
		},
		"a no beside an earlier one": {
			run("Running", jobs, answered),
			act.Answer{Job: "deploy", Refused: true, Reason: "not on a \"Friday\""},
			result{Asked: []string{`application/merge-patch+json {"metadata":{"uid":"the-uid"},"spec":{"approvals":[{"job":"publish","refused":true,"by":"bob","time":"1970-01-01T00:00:00Z"},{"job":"deploy","refused":true,"message":"not on a \"Friday\""}]}}`}},
		},
		"before KayCI has seen the Run": {
			run(""),
			act.Answer{Job: "deploy"},
			result{Asked: []string{`application/merge-patch+json {"metadata":{"uid":"the-uid"},"spec":{"approvals":[{"job":"deploy"}]}}`}},
		},
		"again":            {run("Running", jobs, answered), act.Answer{Job: "publish"}, result{Err: "approve publish of Run web/7: that was answered before, with a no by bob"}},
		"no such job":      {run("Running", jobs), act.Answer{Job: "depoly"}, result{Err: "approve depoly of Run web/7: the Run has no such job: waiting for one is deploy, publish"}},
		"a job that ended": {run("Running", jobs), act.Answer{Job: "test", Refused: true}, result{Err: "refuse test of Run web/7: the job is Succeeded, and waits for no approval: waiting for one is deploy, publish"}},
		"a Run that ended": {run("Failed", jobs), act.Answer{Job: "deploy"}, result{Err: "approve deploy of Run web/7: the Run has ended, as Failed"}},
		"a long reason":    {run("Running", jobs), act.Answer{Job: "deploy", Reason: strings.Repeat("é", 257)}, result{Err: "approve deploy of Run web/7: the reason has 257 characters: 256 are allowed"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serving(t, tt.run)
			after, err := act.Approve(t.Context(), s, tt.run, tt.answer)
			if diff := cmp.Diff(tt.want, result{s.asked, said(err)}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if err == nil && after.Spec.Approvals[len(after.Spec.Approvals)-1].Job != tt.answer.Job {
				t.Errorf("afterwards %+v", after.Spec)
			}
		})
	}
}

func TestSync(t *testing.T) {
	repo := &v1alpha1.ConfigRepo{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "config", UID: "u"}}
	s := serving(t, repo)
	mark, err := act.Sync(t.Context(), s, repo, time.Unix(1, 5))
	if err != nil || mark != "1970-01-01T00:00:01.000000005Z" {
		t.Errorf("%q, %v", mark, err)
	}
	want := []string{`application/merge-patch+json {"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":"1970-01-01T00:00:01.000000005Z"},"uid":"u"}}`}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	repo.Spec.Suspend = true
	if _, err := act.Sync(t.Context(), s, repo, time.Unix(1, 5)); said(err) != "sync ConfigRepo config: it is suspended: set spec.suspend to false" || len(s.asked) != 1 {
		t.Errorf("%v, %v", err, s.asked)
	}
}

// What a write came upon another object by isn't repeated to a person in the words of
// the API server.
func TestReplaced(t *testing.T) {
	kind := schema.GroupResource{Group: "kayci.dev", Resource: "runs"}
	invalid := func(field string) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{
			Reason: metav1.StatusReasonInvalid, Message: "invalid", Code: 422, Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Field: field}}},
		}}
	}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"deleted":       {apierrors.NewNotFound(kind, "web-1"), "cancel Run web/7: " + act.ErrReplaced.Error()},
		"another":       {apierrors.NewConflict(kind, "web-1", errors.New("UID")), "cancel Run web/7: " + act.ErrReplaced.Error()},
		"another UID":   {invalid("metadata.uid"), "cancel Run web/7: " + act.ErrReplaced.Error()},
		"something":     {invalid("spec.cancelled"), "cancel Run web/7: invalid"},
		"unreachable":   {errors.New("no route to host"), "cancel Run web/7: no route to host"},
		"not permitted": {apierrors.NewForbidden(kind, "web-1", errors.New("no")), `cancel Run web/7: runs.kayci.dev "web-1" is forbidden: no`},
	} {
		s := serving(t, run("Running"))
		s.refuses = tt.err
		if _, _, err := act.Cancel(t.Context(), s, run("Running")); said(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
