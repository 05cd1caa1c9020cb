package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

func gated(name, text string, needs ...string) v1alpha1.Job {
	job := script(name, text, needs...)
	job.Approval = &v1alpha1.JobApproval{Message: "Really?"}
	return job
}

// awaitQuestion waits until the job waits for its approval, and returns what it
// says.
func (s *space) awaitQuestion(t *testing.T, name, job string) string {
	t.Helper()
	message := ""
	s.await(t, fmt.Sprintf("job %s of Run %s to ask", job, name), func(ctx context.Context) (bool, string, error) {
		run := &v1alpha1.Run{}
		if err := s.Client.Get(ctx, s.key(name), run); err != nil {
			return false, "", cluster.Retry(err)
		}
		for _, status := range run.Status.Jobs {
			if status.Name == job && status.Reason == "AwaitingApproval" && status.WaitingSince != nil {
				message = status.Message
			}
		}
		return message != "", fmt.Sprint(run.Status.Phase, phases(run)), nil
	})
	return message
}

// approveAll gives every approval that the Pipeline's jobs ask for, by the very
// command that they say.
func (s *space) approveAll(t *testing.T, pipeline, run string) {
	t.Helper()
	asking := &v1alpha1.Pipeline{}
	s.get(t, pipeline, asking)
	for _, job := range asking.Spec.Jobs {
		if job.Approval != nil {
			s.obey(t, s.awaitQuestion(t, run, job.Name))
		}
	}
}

// obey runs the command at a message's end.
func (s *space) obey(t *testing.T, message string) {
	t.Helper()
	_, command, found := strings.Cut(message, "to approve: kubectl ")
	if !found {
		t.Fatalf("%q names no command", message)
	}
	// There is no space within its quotes.
	if _, err := s.Kubectl(s.ctx, strings.Fields(strings.ReplaceAll(command, "'", ""))...); err != nil {
		t.Fatal(err)
	}
}

// grant binds a ClusterRole to a user of that name, for the test's namespace, and
// waits until the user may patch Runs.
func (s *space) grant(t *testing.T, user, role string) client.Client {
	t.Helper()
	s.create(t, &rbacv1.RoleBinding{
		ObjectMeta: s.meta(user),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
	c := s.as(t, user)
	s.await(t, user+" to have got rights", func(ctx context.Context) (bool, string, error) {
		err := c.List(ctx, &v1alpha1.RunList{}, client.InNamespace(s.namespace))
		return err == nil, fmt.Sprint(err), nil
	})
	return c
}

func (s *space) merge(c client.Client, name, patch string) error {
	return c.Patch(s.ctx, &v1alpha1.Run{ObjectMeta: s.meta(name)}, client.RawPatch(types.MergePatchType, []byte(patch)))
}

func approverRole() string { return shared.Namespace + ":" + cluster.Release + ":approver" }

func TestOnlyApproversApproveAndTheyDoNoMore(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("gated", script("test", "true"), gated("deploy", "echo deployed", "test"), gated("publish", "true", "deploy")))
	alice, bob := s.grant(t, "alice", approverRole()), s.grant(t, "bob", "edit")
	s.start(t, "run", "gated")
	question := s.awaitQuestion(t, "run", "deploy")
	if want := "Really? to approve: kubectl patch run run -n " + s.namespace + " "; !strings.HasPrefix(question, want) {
		t.Errorf("the job says %q, want %q and the command", question, want)
	}
	const approve = `{"spec":{"approvals":[{"job":"deploy","by":"mallory","time":"2001-01-01T00:00:00Z"}]}}`
	for _, tc := range []struct {
		who   string
		c     client.Client
		patch string
		want  string
	}{
		{"the approver cancels", alice, `{"spec":{"cancelled":true}}`, `user "alice" may not change more of a Run than its approvals`},
		{"the approver labels", alice, `{"metadata":{"labels":{"a":"b"}}}`, `user "alice" may not change more of a Run than its approvals`},
		{"the approver asks for a retry", alice, `{"metadata":{"annotations":{"kayci.dev/retry":"1"}}}`, `user "alice" may not change more of a Run than its approvals`},
		{"the approver disowns", alice, `{"metadata":{"ownerReferences":[]}}`, `user "alice" may not change more of a Run than its approvals`},
		{"the approver approves and cancels", alice, `{"spec":{"approvals":[{"job":"deploy"}],"cancelled":true}}`, `user "alice" may not change more of a Run than its approvals`},
		{"the approver errs", alice, `{"spec":{"approvals":[{"job":"deploi"}]}}`, `"deploi": is no job of the Pipeline that asks for an approval; these do: "deploy", "publish"`},
		{"the approver approves what asks for nothing", alice, `{"spec":{"approvals":[{"job":"test"}]}}`, `"test": is a job that asks for no approval; these do: "deploy", "publish"`},
		{"the editor approves", bob, approve, `user "bob" may not approve jobs of Runs: that takes the verb approve on runs.kayci.dev in the namespace ` + s.namespace},
		{"the editor labels", bob, `{"metadata":{"labels":{"a":"b"}}}`, ""},
		{"the approver approves", alice, approve, ""},
		{"the approver approves again", alice, approve, ""},
		{"the approver takes it back", alice, `{"spec":{"approvals":[]}}`, "an approval can't be taken back"},
	} {
		err := s.merge(tc.c, "run", tc.patch)
		if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: answered %v, want %q", tc.who, err, tc.want)
		}
	}
	if err := alice.Delete(s.ctx, &v1alpha1.Run{ObjectMeta: s.meta("run")}); !apierrors.IsForbidden(err) {
		t.Errorf("the approver deletes: answered %v", err)
	}
	s.obey(t, s.awaitQuestion(t, "run", "publish"))
	run := s.awaitEnd(t, "run", v1alpha1.RunSucceeded)
	checkApprover(t, run, "deploy", "alice")
	if log := s.log(t, "run", "deploy", "main"); log != "deployed\n" {
		t.Errorf("log %q", log)
	}
	if err := s.merge(alice, "run", `{"spec":{"approvals":[{"job":"test"}]}}`); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "the Run has finished") {
		t.Errorf("an approval of a finished Run is answered with %v", err)
	}
}

// checkApprover compares what is recorded about an approval, in spec and status.
func checkApprover(t *testing.T, run *v1alpha1.Run, job, want string) {
	t.Helper()
	for _, given := range run.Spec.Approvals {
		for _, status := range run.Status.Jobs {
			if given.Job != job || status.Name != job {
				continue
			}
			if diff := cmp.Diff([]string{want, want}, []string{given.By, status.ApprovedBy}); diff != "" {
				t.Errorf("approved by, in spec and status (-want +got):\n%s", diff)
			}
			if given.Time == nil || given.Time.Before(&run.CreationTimestamp) || !given.Time.Equal(status.ApprovedAt) {
				t.Errorf("approved at %v, status %+v", given.Time, status)
			}
			return
		}
	}
	t.Errorf("no approval of %s: %+v", job, run.Spec.Approvals)
}

// A job that is refused, or that nobody answers in time, doesn't run, and its Run
// doesn't succeed.
func TestApprovalsAreRefusedAndExpire(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	hurried := gated("deploy", "true")
	hurried.Approval.Timeout = &metav1.Duration{Duration: 2 * time.Second}
	s.create(t, s.pipeline("gated", gated("deploy", "true"), script("announce", "true", "deploy")), s.pipeline("hurried", hurried))
	alice, bob := s.grant(t, "alice", approverRole()), s.grant(t, "bob", "edit")
	s.start(t, "refused", "gated")
	s.start(t, "expired", "hurried")
	s.awaitQuestion(t, "refused", "deploy")
	const refuse = `{"spec":{"approvals":[{"job":"deploy","refused":true,"message":"not today","by":"mallory"}]}}`
	if err := s.merge(bob, "refused", refuse); !apierrors.IsForbidden(err) {
		t.Errorf("an editor's refusal is answered with %v", err)
	}
	if err := s.merge(alice, "refused", refuse); err != nil {
		t.Fatal(err)
	}
	if err := s.merge(alice, "refused", `{"spec":{"approvals":[{"job":"deploy"}]}}`); err == nil {
		t.Error("a refusal is turned round")
	}
	for name, want := range map[string]string{
		"refused": "Failed ApprovalRefused: Really? refused by alice: not today",
		"expired": "Failed ApprovalExpired: Really? nobody has answered within 2s",
	} {
		run := s.awaitEnd(t, name, v1alpha1.RunFailed)
		if job := run.Status.Jobs[0]; fmt.Sprintf("%s %s: %s", job.Phase, job.Reason, job.Message) != want || job.ApprovedBy != "" {
			t.Errorf("Run %s has job %+v, want %s", name, job, want)
		}
		if jobs := s.jobs(t, name); len(jobs) > 0 {
			t.Errorf("Run %s has Jobs: %v", name, jobs)
		}
	}
}

// A Run that waits for an approval lets others run, and once it is approved waits
// for those that do.
func TestAnApprovalFreesThePlace(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, one(s.pipeline("gated", script("test", "true"), gated("deploy", s.through("deploy"), "test")), v1alpha1.ConcurrencyQueue))
	s.start(t, "one", "gated")
	first := s.awaitQuestion(t, "one", "deploy")
	s.start(t, "two", "gated")
	second := s.awaitQuestion(t, "two", "deploy")
	s.obey(t, second)
	s.awaitArrival(t, "deploy")
	s.obey(t, first)
	s.awaitMessage(t, "one", `Running, Queued: 1 of 2 jobs succeeded; position 1 of key "main"; waits for two`)
	if n := s.arrivals("deploy"); n != 1 {
		t.Errorf("%d Runs deploy, want 1", n)
	}
	s.openGate("deploy")
	s.awaitEnd(t, "one", v1alpha1.RunSucceeded)
	s.awaitEnd(t, "two", v1alpha1.RunSucceeded)
}

func TestARunIsCreatedWithApprovalsByApproversOnly(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("gated", gated("deploy", "true")))
	bob, carol := s.grant(t, "bob", "edit"), s.grant(t, "carol", "admin")
	approved := func(name string) *v1alpha1.Run {
		return &v1alpha1.Run{ObjectMeta: s.meta(name), Spec: v1alpha1.RunSpec{
			Pipeline: "gated", Approvals: []v1alpha1.Approval{{Job: "deploy", By: "mallory"}},
		}}
	}
	if err := bob.Create(s.ctx, approved("bobs")); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `user "bob" may not approve`) {
		t.Errorf("an editor's Run with an approval is answered with %v", err)
	}
	if err := carol.Create(s.ctx, approved("carols")); err != nil {
		t.Fatal(err)
	}
	run := s.awaitEnd(t, "carols", v1alpha1.RunSucceeded)
	if job := run.Status.Jobs[0]; job.ApprovedBy != "carol" || job.ApprovedAt == nil {
		t.Errorf("status %+v", job)
	}
}

// The garbage collector takes owners and finalizers away from Runs by itself.
func TestNoDeletionIsHeldUpByAdmission(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	for _, name := range []string{"foreground", "orphaning", "rest"} {
		s.create(t, s.pipeline(name, script("first", s.through("held")), gated("deploy", "true", "first")))
		s.start(t, name, name)
		s.awaitJob(t, name, "first", v1alpha1.JobRunning)
	}
	of := func(name string) client.MatchingLabels { return client.MatchingLabels{v1alpha1.RunLabel: name} }
	if err := s.Client.Delete(s.ctx, s.pipeline("foreground"), client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		t.Fatal(err)
	}
	if err := s.Client.Delete(s.ctx, s.pipeline("orphaning"), client.PropagationPolicy(metav1.DeletePropagationOrphan)); err != nil {
		t.Fatal(err)
	}
	s.awaitGone(t, "the Runs of the Pipeline", &v1alpha1.RunList{}, client.MatchingLabels{v1alpha1.PipelineLabel: "foreground"})
	s.awaitGone(t, "its Jobs", &batchv1.JobList{}, of("foreground"))
	s.await(t, "the orphan to have lost its owner", func(ctx context.Context) (bool, string, error) {
		run := &v1alpha1.Run{}
		if err := s.Client.Get(ctx, s.key("orphaning"), run); err != nil {
			return false, "", err
		}
		return len(run.OwnerReferences) == 0, fmt.Sprint(run.OwnerReferences), nil
	})
	if err := s.Client.Delete(s.ctx, &v1alpha1.Run{ObjectMeta: s.meta("orphaning")}, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		t.Fatal(err)
	}
	s.awaitGone(t, "the orphan's pods", &corev1.PodList{}, of("orphaning"))
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	if err := s.Client.Delete(s.ctx, ns); err != nil {
		t.Fatal(err)
	}
	s.await(t, "the namespace to be gone", func(ctx context.Context) (bool, string, error) {
		err := s.Client.Get(ctx, client.ObjectKeyFromObject(ns), ns)
		return apierrors.IsNotFound(err), fmt.Sprint(ns.Status.Conditions), client.IgnoreNotFound(err)
	})
}
