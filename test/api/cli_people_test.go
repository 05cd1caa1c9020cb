package api_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/runs/act"
	"github.com/kayci/kayci/runs/follow"
)

// personCommand gives a command as a person with the kubeconfig does.
func personCommand(t *testing.T, kubeconfig string, args ...string) ending {
	t.Helper()
	var out, errs bytes.Buffer
	env := cli.NewEnv(cli.Program{
		Name: "kayci", Version: "v1.2.3", In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(string) string { return "" },
	})
	root := &cobra.Command{Use: "kayci", SilenceErrors: true, SilenceUsage: true}
	cli.Add(root, env)
	root.SetArgs(append(args, "--kubeconfig", kubeconfig))
	cmd, err := root.ExecuteContextC(t.Context())
	code, _ := env.End(t.Context(), cmd, err)
	return ending{Out: out.String(), Err: errs.String(), Code: code}
}

// TestPeopleStartAndCancel: a Run is made as it was asked for, with all that its
// parameters hold, and found by its name, its Pipeline and its number.
func TestPeopleStartAndCancel(t *testing.T) {
	t.Parallel()
	c := newClient(t, serverConfig(t))
	namespace := newNamespace(t, c)
	config := kubeconfigOf(t, serverConfig(t), namespace)
	web := graph(namespace, "a")
	web.Spec.Params = []v1alpha1.Param{{Name: "note"}}
	if err := c.Create(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	note := "it's \"odd\"\n\tand \\n $(more) \u202e"
	if got := personCommand(t, config, "start", "web", "note="+note, "--dry-run"); got.Code != 0 {
		t.Errorf("a dry run: %+v", got)
	}
	wantEqual(t, "what a dry run has made", ending{Err: "There are no such Runs in the namespace " + namespace + ".\n"}, personCommand(t, config, "runs"))

	name := strings.TrimPrefix(strings.TrimSpace(personCommand(t, config, "start", "web", "note="+note, "-oname").Out), "run.kayci.dev/")
	var run v1alpha1.Run
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &run); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "the Run", v1alpha1.RunSpec{Pipeline: "web", Params: map[string]string{"note": note}}, run.Spec)
	run.Status.Number, run.Status.Phase = 7, v1alpha1.RunRunning
	if err := c.Status().Update(t.Context(), &run); err != nil {
		t.Fatal(err)
	}
	for _, called := range [][]string{{name}, {"run.kayci.dev/" + name}, {"web"}, {"web/"}, {"web/7"}, nil} {
		got := personCommand(t, config, append([]string{"cancel"}, called...)...)
		if got.Code != 0 || !strings.HasPrefix(got.Out, "Run web/7 ") {
			t.Errorf("cancel %v: %+v", called, got)
		}
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(&run), &run); err != nil || !run.Spec.Cancelled {
		t.Errorf("cancelled is %v, the error %v", run.Spec.Cancelled, err)
	}
}

// TestPeopleWithoutRights: who may not do a thing is told what is missing, and nothing
// is changed.
func TestPeopleWithoutRights(t *testing.T) {
	t.Parallel()
	c := newClient(t, serverConfig(t))
	namespace := newNamespace(t, c)
	config := kubeconfigOf(t, serverConfig(t), namespace)
	got := personCommand(t, config, "cancel", "web", "--as", "anna")
	want := ending{Code: 4, Err: "kayci: get Run web: runs.kayci.dev \"web\" is forbidden: User \"anna\" cannot get resource \"runs\" in API group \"kayci.dev\" in the namespace \"" + namespace + "\"\n" +
		"Whoever administers the namespace can give this right: `kubectl auth can-i --list -n NAMESPACE` shows what you have.\n"}
	wantEqual(t, "anna is told", want, got)
	nowhere := serverConfig(t)
	nowhere.Host = "https://127.0.0.1:1"
	if got := personCommand(t, kubeconfigOf(t, nowhere, namespace), "runs"); got.Code != 2 || !strings.HasSuffix(got.Err, "The API server can't be reached: is the network, or the VPN, up, and is --context the right one?\n") {
		t.Errorf("without an API server: %+v", got)
	}
}

// TestApprovalIsOfTheRunThatWasSeen: a Run that was made anew under the same name isn't
// approved, and an approval stands beside the earlier ones.
func TestApprovalIsOfTheRunThatWasSeen(t *testing.T) {
	t.Parallel()
	c := newClient(t, serverConfig(t))
	namespace := newNamespace(t, c)
	seen := newRun(namespace, "first")
	if err := c.Create(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	after, err := act.Approve(t.Context(), c, seen, act.Answer{Job: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if after, err = act.Approve(t.Context(), c, after, act.Answer{Job: "b", Refused: true, Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]v1alpha1.Approval{{Job: "a"}, {Job: "b", Refused: true, Message: "no"}}, after.Spec.Approvals); diff != "" {
		t.Errorf("approvals (-want +got):\n%s", diff)
	}
	if err := c.Delete(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	if _, err := act.Approve(t.Context(), c, seen, act.Answer{Job: "a"}); !errors.Is(err, act.ErrReplaced) {
		t.Errorf("one that was deleted: %v", err)
	}
	again := newRun(namespace, "first")
	if err := c.Create(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if _, err := act.Approve(t.Context(), c, seen, act.Answer{Job: "a"}); !errors.Is(err, act.ErrReplaced) {
		t.Errorf("another of the same name: %v", err)
	}
	if _, _, err := act.Cancel(t.Context(), c, seen); !errors.Is(err, act.ErrReplaced) {
		t.Errorf("another of the same name is cancelled: %v", err)
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(again), again); err != nil || len(again.Spec.Approvals) > 0 || again.Spec.Cancelled {
		t.Errorf("the other one has got %+v (%v)", again.Spec, err)
	}
}

// TestFollow: a watch tells of the Run that is followed alone, to its end.
func TestFollow(t *testing.T) {
	t.Parallel()
	c, err := client.NewWithWatch(serverConfig(t), client.Options{Scheme: newScheme(t)})
	if err != nil {
		t.Fatal(err)
	}
	namespace := newNamespace(t, c)
	followed, other := newRun(namespace, "first"), newRun(namespace, "other")
	for _, run := range []*v1alpha1.Run{followed, other} {
		if err := c.Create(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	steps := []v1alpha1.RunPhase{v1alpha1.RunQueued, v1alpha1.RunRunning, v1alpha1.RunFailed}
	var seen []string
	follower := follow.Follower{Client: c, Wait: func(context.Context, time.Duration) error { return errors.New("the watch has ended") }}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	last, err := follower.Run(ctx, followed, func(run *v1alpha1.Run) (bool, error) {
		seen = append(seen, run.Name+" "+string(run.Status.Phase))
		if run.Status.Phase.Finished() {
			return true, nil
		}
		other.Status.Phase, run.Status.Phase = steps[0], steps[0]
		if run.Status.CompletionTime = nil; steps[0].Finished() {
			run.Status.CompletionTime = &metav1.Time{Time: time.Unix(1, 0)}
		}
		steps = steps[1:]
		return false, errors.Join(c.Status().Update(ctx, other), c.Status().Update(ctx, run.DeepCopy()))
	})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "what was seen", []string{"first ", "first Queued", "first Running", "first Failed"}, seen)
	wantEqual(t, "the end", v1alpha1.RunFailed, last.Status.Phase)
}
