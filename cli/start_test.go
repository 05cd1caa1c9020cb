package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
)

// created are the parameters of the Runs that the cluster holds beside those named.
func (c *console) created(t *testing.T) []map[string]string {
	t.Helper()
	var runs v1alpha1.RunList
	if err := c.Cluster.client.List(t.Context(), &runs, client.InNamespace("ci")); err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for i := range runs.Items {
		if runs.Items[i].GenerateName == "web-" {
			all = append(all, runs.Items[i].Spec.Params)
		}
	}
	return all
}

func TestStartKeepsValues(t *testing.T) {
	odd := "it's \"odd\" = $(rm -rf /)\n\tnext\\n line\r\n\u202e"
	file := filepath.Join(t.TempDir(), "params.yaml")
	if err := os.WriteFile(file, []byte("note: |\n  it's \"one\"\n  two\nversion: \"1.10\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	main := "main"
	pipeline := aPipeline(v1alpha1.Param{Name: "note"}, v1alpha1.Param{Name: "branch", Default: &main}, v1alpha1.Param{Name: "version", Default: &main})
	earlier := aRun("web-aaaaa", 1, v1alpha1.RunFailed, func(r *v1alpha1.Run) {
		r.Spec.Params = map[string]string{"note": "earlier", "branch": "b", "gone": "x"}
	})
	for name, tt := range map[string]struct {
		args []string
		want map[string]string
		err  string
	}{
		"an argument":    {[]string{"note=" + odd}, map[string]string{"note": odd}, ""},
		"a blank value":  {[]string{"note="}, map[string]string{"note": ""}, ""},
		"a file":         {[]string{"--params-file", file, "version=2"}, map[string]string{"note": "it's \"one\"\ntwo\n", "version": "2"}, ""},
		"an earlier Run": {[]string{"--like", "web/1", "branch=c"}, map[string]string{"note": "earlier", "branch": "c"}, "kayci: left out, as the Pipeline declares them no more: gone\n"},
	} {
		c := at(t, interceptor.Funcs{}, pipeline, earlier)
		if code := c.give(t, append([]string{"start", "web"}, tt.args...)...); code != 0 || c.err.String() != tt.err || !strings.HasPrefix(c.out.String(), "Run web-") {
			t.Errorf("%s: %d, %q, %q", name, code, c.out, c.err)
		}
		if diff := cmp.Diff([]map[string]string{tt.want}, c.created(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "params.yaml")
	if err := os.WriteFile(file, []byte("version: 1.10\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pipeline := aPipeline(v1alpha1.Param{Name: "env", Enum: []string{"test", "prod"}})
	for name, tt := range map[string]struct {
		args []string
		err  string
	}{
		"no pair":     {[]string{"web", "note"}, "kayci: \"note\" is no parameter: it takes NAME=VALUE\n"},
		"twice":       {[]string{"web", "env=test", "env=prod"}, "kayci: the parameter env is given twice\n"},
		"a number":    {[]string{"web", "--params-file", file}, "kayci: read --params-file: the value of version is no string: put it between quotes\n"},
		"a near name": {[]string{"wbe"}, "kayci: there is no Pipeline wbe in the namespace ci: did you mean web?\n"},
		"what is missing": {[]string{"web", "evn=test"}, "kayci: Pipeline web doesn't take these parameters:\n" +
			"  params[env]: Required value: the Pipeline gives it no default\n" +
			"  params[evn]: Invalid value: the Pipeline does not declare it; it declares: env\n"},
		"a time limit of nothing": {[]string{"web", "--timeout=1m"}, "kayci: --timeout takes --wait, --follow or --watch: nothing is waited for\n"},
		"an odd format":           {[]string{"web", "-oxml"}, "kayci: --output is \"xml\": it takes text, json, yaml, name or jsonpath=TEMPLATE\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c := at(t, interceptor.Funcs{}, pipeline)
			c.gives(t, told{Code: 2, Err: tt.err}, append([]string{"start"}, tt.args...)...)
			if runs := c.created(t); len(runs) > 0 {
				t.Errorf("started %v", runs)
			}
		})
	}
}

// Somebody at a terminal is asked for what is missing, until it is right.
func TestStartAsks(t *testing.T) {
	pipeline := aPipeline(
		v1alpha1.Param{Name: "env", Description: "where\nto", Enum: []string{"test", "prod"}},
		v1alpha1.Param{Name: "note", Description: "why \x1b[2J"}, v1alpha1.Param{Name: "given"})
	c := at(t, interceptor.Funcs{}, pipeline)
	c.answer("staging", "prod", "it's \"odd\" ")
	if code := c.give(t, "start", "web", "given=x"); code != 0 {
		t.Errorf("%d, %q", code, c.err)
	}
	want := "env, where to (test, prod): " + "  Invalid value: must be one of \"test\", \"prod\"\n" + "env, where to (test, prod): " + "note, why \\x1b[2J: "
	if diff := cmp.Diff(want, c.err.String()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]map[string]string{{"env": "prod", "note": "it's \"odd\" ", "given": "x"}}, c.created(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestStartSaysWhatIsWanted(t *testing.T) {
	c := at(t, interceptor.Funcs{}, aPipeline())
	c.gives(t, told{Out: "A Run of Pipeline web would be started; nothing was.\n"}, "start", "web", "--dry-run")
	if runs := c.created(t); len(runs) > 0 {
		t.Errorf("started %v", runs)
	}
	c.gives(t, told{Out: "web"}, "start", "web", "-ojsonpath={.spec.pipeline}")
	c.Getenv = func(name string) string { return map[string]string{"KAYCI_URL": "https://ci.example.com/"}[name] }
	if c.give(t, "start", "web"); !strings.Contains(c.out.String(), " is started.\nhttps://ci.example.com/ns/ci/runs/web-") {
		t.Errorf("%q", c.out)
	}
}

// A start that is followed ends as the Run does.
func TestStartFollows(t *testing.T) {
	fails := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
		err := c.Get(ctx, key, into, opts...)
		if run, is := into.(*v1alpha1.Run); is {
			run.Status.Phase, run.Status.Number = v1alpha1.RunFailed, 7
		}
		return err
	}}
	for _, flag := range []string{"--wait", "-f", "-w"} {
		c := at(t, fails, aPipeline())
		c.Cluster.kube = kubefake.NewClientset()
		if code := c.give(t, "start", "web", flag); code != 1 || !strings.Contains(c.out.String(), " is started.\n") || c.err.Len() > 0 {
			t.Errorf("%s: %d, %q, %q", flag, code, c.out, c.err)
		}
	}
	c := at(t, fails, aPipeline())
	if code := c.give(t, "start", "web", "-w", "-f"); code != 2 || len(c.created(t)) > 0 {
		t.Errorf("both: %d, %q", code, c.err)
	}
}
