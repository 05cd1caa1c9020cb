package cli

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kayci/kayci/api/v1alpha1"
)

func newFlags(t *testing.T, cluster *Cluster) *pflag.FlagSet {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	cluster.AddFlags(flags)
	return flags
}

func TestOutput(t *testing.T) {
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1", ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kayci"}}},
		Spec:       v1alpha1.RunSpec{Pipeline: "web", Params: map[string]string{"text": "<a>\n\"b\""}},
	}
	list := &v1alpha1.RunList{Items: []v1alpha1.Run{*run, *run}}
	list.Items[1].Name = "web-2"
	for name, tt := range map[string]struct {
		flag   string
		object runtime.Object
		want   string
	}{
		"a name":                   {"name", run, "run.kayci.dev/web-1\n"},
		"names":                    {"name", list, "run.kayci.dev/web-1\nrun.kayci.dev/web-2\n"},
		"a path":                   {"jsonpath={.spec.params.text}", run, "<a>\n\"b\""},
		"a path without braces":    {"jsonpath=.metadata.name", run, "web-1"},
		"a path of a list":         {"jsonpath={.items[*].metadata.name}", list, "web-1 web-2"},
		"a path to what isn't set": {"jsonpath={.status.jobs[0].name}", run, ""},
		"YAML":                     {"yaml", run, "apiVersion: kayci.dev/v1alpha1\nkind: Run\nmetadata:\n  name: web-1\n  namespace: ci\nspec:\n  params:\n    text: |-\n      <a>\n      \"b\"\n  pipeline: web\nstatus: {}\n"},
		"JSON": {"json", run, `{
    "kind": "Run",
    "apiVersion": "kayci.dev/v1alpha1",
    "metadata": {
        "name": "web-1",
        "namespace": "ci"
    },
    "spec": {
        "pipeline": "web",
        "params": {
            "text": "<a>\n\"b\""
        }
    },
    "status": {}
}
`},
	} {
		t.Run(name, func(t *testing.T) {
			var output Output
			cmd := &cobra.Command{}
			output.AddFlag(cmd, asTable, asWide)
			if err := cmd.ParseFlags([]string{"-o", tt.flag}); err != nil {
				t.Fatal(err)
			}
			if err := output.Check(); err != nil {
				t.Fatal(err)
			}
			if own, is := output.Own(); is {
				t.Errorf("the command's own: %s", own)
			}
			var out bytes.Buffer
			if err := output.Write(&out, tt.object); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestOutputFlag(t *testing.T) {
	for _, tt := range []struct {
		args []string
		own  bool
		err  string
	}{
		{nil, true, ""},
		{[]string{"-owide"}, true, ""},
		{[]string{"-oxml"}, false, `--output is "xml": it takes table, wide, json, yaml, name or jsonpath=TEMPLATE`},
		{[]string{"-ojsonpath={.a"}, false, "--output: {.a can't be read as a JSONPath: unclosed action"},
	} {
		var output Output
		cmd := &cobra.Command{}
		output.AddFlag(cmd, asTable, asWide)
		if err := cmd.ParseFlags(tt.args); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := output.Check(); err != nil {
			got = err.Error()
		}
		if _, own := output.Own(); got != tt.err || own != tt.own {
			t.Errorf("%v: own %v, error %q", tt.args, own, got)
		}
	}
}
