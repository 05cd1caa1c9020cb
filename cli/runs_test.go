package cli

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestRuns(t *testing.T) {
	failed := func(r *v1alpha1.Run) {
		r.Status.Jobs[1] = v1alpha1.JobStatus{Name: "deploy", Phase: v1alpha1.JobFailed, Reason: "ExitCode", Message: "exit code 1\x1b[31m"}
	}
	elsewhere := aRun("api-zzzzz", 1, v1alpha1.RunSucceeded, func(r *v1alpha1.Run) { r.Namespace = "other" })
	world := []*v1alpha1.Run{
		aRun("web-aaaaa", 1, v1alpha1.RunSucceeded, of("main", "8f3c1d0aaaaaaaaa", "anna")),
		aRun("web-bbbbb", 2, v1alpha1.RunFailed, of("fix", "1234567890", "bob"), failed),
		aRun("web-ccccc", 3, v1alpha1.RunRunning, asking),
		elsewhere,
	}
	for _, tt := range []struct {
		args []string
		want told
	}{
		{nil, told{Out: `RUN     PHASE                JOBS   REF    SHA       AGE   TOOK   WHY
web/3   Waits for approval   1/2                     16m   16m    deploy waits for approval: Deploy to production?
web/2   Failed               2/2    fix    1234567   16m   5s     deploy failed: ExitCode: exit code 1\x1b[31m
web/1   Succeeded            1/2    main   8f3c1d0   16m   5s
`}},
		{[]string{"web", "--limit", "1"}, told{Out: `RUN     PHASE                JOBS   AGE   TOOK   WHY
web/3   Waits for approval   1/2    16m   16m    deploy waits for approval: Deploy to production?
`, Err: "2 more; --limit 0 lists all.\n"}},
		{[]string{"--ref", "main", "-owide"}, told{Out: `RUN     PHASE       JOBS   REF    SHA       AGE   TOOK   NAME        BY     EVENT   TITLE
web/1   Succeeded   1/2    main   8f3c1d0   16m   5s     web-aaaaa   anna   push    Fix \x1b]52;c;eHg=\x07 login
`}},
		{[]string{"--phase", "failed,Succeeded", "-oname"}, told{Out: "run.kayci.dev/web-bbbbb\nrun.kayci.dev/web-aaaaa\n"}},
		{[]string{"--phase", "running", "-oname"}, told{Out: "run.kayci.dev/web-ccccc\n"}},
		{[]string{"--sha", "8F3C", "-oname"}, told{Out: "run.kayci.dev/web-aaaaa\n"}},
		{[]string{"--by", "Bob", "-oname"}, told{Out: "run.kayci.dev/web-bbbbb\n"}},
		{[]string{"--ref", "refs/heads/fix", "-oname"}, told{Out: "run.kayci.dev/web-bbbbb\n"}},
		{[]string{"-A", "--phase=succeeded"}, told{Out: `NAMESPACE   RUN     PHASE       JOBS   REF    SHA       AGE   TOOK
ci          web/1   Succeeded   1/2    main   8f3c1d0   16m   5s
other       web/1   Succeeded   1/2                     16m   5s
`}},
		{[]string{"--by", "nobody"}, told{Err: "There are no such Runs in the namespace ci.\n"}},
		{[]string{"--by", "nobody", "-ojsonpath={.items}"}, told{Out: "[]"}},
		{[]string{"wbe"}, told{Code: 2, Err: "kayci: there is no Pipeline wbe in the namespace ci: did you mean web?\n"}},
		{[]string{"--phase", "done"}, told{Code: 2, Err: "kayci: --phase is \"done\": it takes queued, running, succeeded, failed, cancelled\n"}},
		{[]string{"--limit", "-1"}, told{Code: 2, Err: "kayci: --limit is -1: it takes 0, for all, or more\n"}},
	} {
		c := at(t, interceptor.Funcs{}, aPipeline(), world[0], world[1], world[2], world[3])
		c.gives(t, tt.want, append([]string{"runs"}, tt.args...)...)
	}
}

// On a terminal a state has its sign and colour, and no line is wider than it.
func TestRunsOnATerminal(t *testing.T) {
	c := at(t, interceptor.Funcs{}, aRun("web-ccccc", 3, v1alpha1.RunRunning, asking))
	c.Terminal.Out, c.Terminal.Colour = true, true
	c.gives(t, told{Out: "RUN     PHASE                  JOBS   AGE   TOOK   WHY\n" +
		"web/3   \x1b[33m‖ Waits for approval\x1b[0m   1/2    16m   16m    deploy waits for approval: D…\n"}, "runs")
}

func TestCompletion(t *testing.T) {
	note := v1alpha1.Param{Name: "note", Description: "why\tit is"}
	objects := func() *console {
		return at(t, interceptor.Funcs{}, aPipeline(note), aRun("web-ccccc", 3, v1alpha1.RunRunning, asking, of("main", "8f3c1d0aaaa", "anna")))
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"cancel", ""}, "web/3\tWaits for approval main@8f3c1d0 Fix \\x1b]52;c;eHg=\\x07 login\n:36\n"},
		{[]string{"approve", "web/3", ""}, "deploy\tWaiting AwaitingApproval\n:36\n"},
		{[]string{"start", ""}, "web\n:36\n"},
		{[]string{"start", "web", "a=b", ""}, "note=\twhy it is\n:38\n"},
		{[]string{"runs", "--phase", ""}, "queued\nrunning\nsucceeded\nfailed\ncancelled\n:4\n"},
		{[]string{"runs", "-o", ""}, "table\nwide\njson\nyaml\nname\njsonpath=\n:4\n"},
		{[]string{"cancel", "web/3", ""}, ":4\n"},
	} {
		c := objects()
		if code := c.give(t, append([]string{"__complete"}, tt.args...)...); code != 0 || c.out.String() != tt.want {
			t.Errorf("%q: %d, %q", tt.args, code, c.out)
		}
	}
}
