package cli

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
)

// approvals of the Run web-ccccc, as the cluster has them.
func (c *console) approvals(t *testing.T) []v1alpha1.Approval {
	t.Helper()
	var run v1alpha1.Run
	if err := c.Cluster.client.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "web-ccccc"}, &run); err != nil {
		t.Fatal(err)
	}
	return run.Spec.Approvals
}

func TestApprove(t *testing.T) {
	const shown = "Run web/3\n" +
		"  commit  main@8f3c1d0 Fix \\x1b]52;c;eHg=\\x07 login\n" +
		"  by      anna\n" +
		"  ✓ test succeeded\n" +
		"Job deploy asks: Deploy to production?\n"
	const confirm = "Approve it? (yes/no) [no]: "
	yes := []v1alpha1.Approval{{Job: "deploy"}}
	for name, tt := range map[string]struct {
		args    []string
		answers []string
		want    told
		given   []v1alpha1.Approval
	}{
		"asked, yes":     {[]string{"web/3", "deploy"}, []string{"yes"}, told{0, "Job deploy of Run web/3 is approved.\n", shown + confirm}, yes},
		"asked, no":      {[]string{"web/3", "deploy"}, []string{""}, told{2, "", shown + confirm + "kayci: nothing was answered\n"}, nil},
		"all is guessed": {nil, []string{"y"}, told{0, "Job deploy of Run web/3 is approved.\n", shown + confirm}, yes},
		"said before":    {[]string{"web/3", "deploy", "-y"}, nil, told{0, "Job deploy of Run web/3 is approved.\n", shown}, yes},
		"nobody to ask": {
			[]string{"web/3", "deploy"},
			nil,
			told{2, "", shown + "kayci: there is nobody to ask whether it is to be so: say --yes\n"},
			nil,
		},
		"refused": {
			[]string{"web/3", "--refuse", "--reason", "it's \"Friday\"\n", "-y"},
			nil,
			told{0, "Job deploy of Run web/3 is refused.\n", shown},
			[]v1alpha1.Approval{{Job: "deploy", Refused: true, Message: "it's \"Friday\"\n"}},
		},
		"a job that has ended": {
			[]string{"web/3", "test", "-y"},
			nil,
			told{2, "", "Run web/3\n  commit  main@8f3c1d0 Fix \\x1b]52;c;eHg=\\x07 login\n  by      anna\nJob test\n" +
				"kayci: approve test of Run web/3: the job is Succeeded, and waits for no approval: waiting for one is deploy\n"},
			nil,
		},
		"a Run that asks nothing": {[]string{"web/2"}, nil, told{2, "", "kayci: nothing of Run web/2 waits for an approval\n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := at(t, interceptor.Funcs{}, aPipeline(), aRun("web-bbbbb", 2, v1alpha1.RunRunning), aRun("web-ccccc", 3, v1alpha1.RunRunning, asking, of("main", "8f3c1d0aaaaa", "anna")))
			if tt.answers != nil {
				c.answer(tt.answers...)
			}
			c.gives(t, tt.want, append([]string{"approve"}, tt.args...)...)
			if diff := cmp.Diff(tt.given, c.approvals(t)); diff != "" {
				t.Errorf("approvals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApproveIsForbidden(t *testing.T) {
	runs := schema.GroupResource{Group: "kayci.dev", Resource: "runs"}
	c := at(t, interceptor.Funcs{Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
		return apierrors.NewForbidden(runs, "web-ccccc", errors.New(`user "anna" may not approve jobs of Runs: that takes the verb approve on runs.kayci.dev in the namespace ci`))
	}}, aRun("web-ccccc", 3, v1alpha1.RunRunning, asking))
	c.gives(t, told{4, "", "Run web/3\n  ✓ test succeeded\nJob deploy asks: Deploy to production?\n" +
		"kayci: approve deploy of Run web/3: runs.kayci.dev \"web-ccccc\" is forbidden: user \"anna\" may not approve jobs of Runs: that takes the verb approve on runs.kayci.dev in the namespace ci\n" +
		"Whoever administers the namespace can give this right: `kubectl auth can-i --list -n NAMESPACE` shows what you have.\n"}, "approve", "-y")
}

func TestCancel(t *testing.T) {
	ended, first, second := aRun("web-aaaaa", 1, v1alpha1.RunFailed), aRun("web-bbbbb", 2, v1alpha1.RunRunning), aRun("web-ccccc", 3, v1alpha1.RunRunning)
	c := at(t, interceptor.Funcs{}, ended, first)
	c.gives(t, told{0, "Run web/2 is told to stop.\n", ""}, "cancel")
	c.gives(t, told{0, "Run web/2 was told to stop before.\n", ""}, "cancel", "web")
	c.gives(t, told{2, "", "kayci: cancel Run web/1: it has ended, as Failed\n"}, "cancel", "web/1")

	c = at(t, interceptor.Funcs{}, ended, first, second)
	c.gives(t, told{2, "", "kayci: more than one Run in the namespace ci is active: say which: web/3, web/2\n"}, "cancel")
	c.answer("2")
	c.gives(t, told{0, "Run web/2 is told to stop.\n", "  1  web/3  Running\n  2  web/2  Running\nWhich Run [1]: "}, "cancel")
	c.answer("5")
	c.gives(t, told{2, "", "  1  web/3  Running\n  2  web/2  Running\nWhich Run [1]: kayci: \"5\" is none of 1 to 2\n"}, "cancel")
	c = at(t, interceptor.Funcs{}, ended)
	c.gives(t, told{2, "", "kayci: no Run in the namespace ci is active\n"}, "cancel")
}

func TestRetry(t *testing.T) {
	c := at(t, interceptor.Funcs{}, aRun("web-aaaaa", 1, v1alpha1.RunFailed))
	c.gives(t, told{0, "web-aaaaa", ""}, "retry", "web", "-ojsonpath={.spec.retryOf}")
	c = at(t, interceptor.Funcs{}, aRun("web-aaaaa", 1, v1alpha1.RunRunning))
	c.gives(t, told{2, "", "kayci: retry Run web/1: it hasn't ended: wait for it, or cancel it\n"}, "retry")
}

func TestWait(t *testing.T) {
	for phase, want := range map[v1alpha1.RunPhase]int{v1alpha1.RunSucceeded: 0, v1alpha1.RunFailed: 1, v1alpha1.RunCancelled: 3} {
		c := at(t, interceptor.Funcs{}, aRun("web-aaaaa", 1, phase))
		c.gives(t, told{Code: want}, "wait", "web/1")
	}
}

// following answers as an API server whose Run runs, and whose watches say nothing, until
// the interrupt comes.
func following(interrupt context.CancelFunc) interceptor.Funcs {
	return interceptor.Funcs{Watch: func(ctx context.Context, _ client.WithWatch, _ client.ObjectList, _ ...client.ListOption) (watch.Interface, error) {
		interrupt()
		<-ctx.Done()
		return nil, ctx.Err()
	}}
}

func TestWaitEndsBeforeTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := at(t, following(cancel), aRun("web-aaaaa", 1, v1alpha1.RunRunning))
	if code := c.giveIn(ctx, "wait", "web/1"); code != 130 || c.err.String() != "Run web/1 goes on: `kayci cancel web/1` stops it.\n" {
		t.Errorf("interrupted: %d, %q", code, c.err)
	}
	c = at(t, following(func() {}), aRun("web-aaaaa", 1, v1alpha1.RunRunning))
	c.gives(t, told{124, "", "kayci: wait for Run web/1: it hasn't ended within 1ms, and goes on\n"}, "wait", "web/1", "--timeout", "1ms")
	c = at(t, following(func() {}), aRun("web-aaaaa", 1, v1alpha1.RunFailed))
	if code := c.give(t, "retry", "web/1", "--watch", "--timeout", "1ms"); code != 124 || !strings.Contains(c.err.String(), "it hasn't ended within 1ms, and goes on\n") {
		t.Errorf("watched: %d, %q", code, c.err)
	}
}

func TestOpen(t *testing.T) {
	trigger := &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-push"}}
	reporting := trigger.DeepCopy()
	reporting.Spec.Report = &v1alpha1.Report{URL: "https://page.example.com/{trigger}/{run}?sha={sha}"}
	pushed := aRun("web-ccccc", 3, v1alpha1.RunRunning, of("main", "8f3c", "anna"))
	const unknown = "kayci: the address of Run web/3 isn't known: its Trigger has no report.url. Set --url, or KAYCI_URL, to the address of your pages; whoever installed KayCI knows it as reports.url\n"
	for name, tt := range map[string]struct {
		objects []client.Object
		args    []string
		env     string
		want    told
	}{
		"a flag":             {[]client.Object{pushed, reporting}, []string{"web/3", "--url", "https://ci.example.com/x/"}, "https://other.example.com", told{Out: "https://ci.example.com/x/ns/ci/runs/web-ccccc\n"}},
		"the environment":    {[]client.Object{pushed, reporting}, nil, "https://ci.example.com/{namespace}/{uid}", told{Out: "https://ci.example.com/ci/uid-of-it\n"}},
		"the Trigger":        {[]client.Object{pushed, reporting}, nil, "", told{Out: "https://page.example.com/web-push/web-ccccc?sha=8f3c\n"}},
		"nobody":             {[]client.Object{pushed, trigger}, nil, "", told{Code: 2, Err: unknown}},
		"no Trigger":         {[]client.Object{pushed}, nil, "", told{Code: 2, Err: unknown}},
		"no Run":             {nil, nil, "", told{Code: 2, Err: "kayci: there is no Run in the namespace ci: `kayci start PIPELINE` starts one\n"}},
		"no address":         {[]client.Object{pushed}, []string{"--url", "file:///etc/passwd"}, "", told{Code: 2, Err: "kayci: --url: must begin with https:// or http://, and name a host and no user\n"}},
		"a name that no Run": {[]client.Object{pushed}, nil, "https://ci.example.com/{user}", told{Code: 2, Err: "kayci: KAYCI_URL: in braces may stand namespace, trigger, pipeline, run, uid, sha\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := at(t, interceptor.Funcs{}, tt.objects...)
			c.Getenv = func(name string) string { return map[string]string{"KAYCI_URL": tt.env}[name] }
			c.gives(t, tt.want, append([]string{"open"}, tt.args...)...)
		})
	}
}

func TestSync(t *testing.T) {
	repo := func(name string) *v1alpha1.ConfigRepo {
		return &v1alpha1.ConfigRepo{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name}}
	}
	c := at(t, interceptor.Funcs{}, repo("config"))
	c.gives(t, told{Out: "ConfigRepo config is asked to sync.\n"}, "sync")
	c = at(t, interceptor.Funcs{}, repo("config"), repo("other"))
	c.gives(t, told{Code: 2, Err: "kayci: there are several ConfigRepos: say which: config, other\n"}, "sync")
	c.gives(t, told{Code: 2, Err: "kayci: there is no ConfigRepo confgi in the namespace ci: did you mean config?\n"}, "sync", "confgi")
	c.gives(t, told{Code: 2, Err: "kayci: --timeout takes --wait: nothing is waited for\n"}, "sync", "config", "--timeout=1s")
	for status, want := range map[metav1.ConditionStatus]told{
		metav1.ConditionTrue:  {Out: "ConfigRepo config: stored\\x1b[2J main@sha1:8f3c\n"},
		metav1.ConditionFalse: {Code: 1, Out: "ConfigRepo config: stored\\x1b[2J main@sha1:8f3c\n"},
	} {
		c = at(t, interceptor.Funcs{Patch: answering(status)}, repo("config"))
		c.gives(t, want, "sync", "config", "--wait")
	}
}

// answering looks at the repository as soon as it is asked to.
func answering(ready metav1.ConditionStatus) func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
	return func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
		if err := c.Patch(ctx, object, patch, opts...); err != nil {
			return err
		}
		var repo v1alpha1.ConfigRepo
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), &repo); err != nil {
			return err
		}
		repo.Status.LastHandledReconcileAt = repo.Annotations[meta.ReconcileRequestAnnotation]
		apimeta.SetStatusCondition(&repo.Status.Conditions, metav1.Condition{Type: meta.ReadyCondition, Status: ready, Reason: "x", Message: "stored\x1b[2J\nmain@sha1:8f3c"})
		return c.Update(ctx, &repo)
	}
}
