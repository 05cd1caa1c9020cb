package render_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kayci/kayci/render"
)

const (
	first  = `function(team='none') (import 'lib/names.libsonnet').trigger('first', team, importstr 'first.txt')`
	second = `(import 'lib/names.libsonnet').trigger('second', std.type(import 'kayci.libsonnet'), (import 'lib/lazy.libsonnet').size)`
	// The second that imports it finds its value, and follows no import.
	names = `local pipeline = import 'deep.libsonnet'; { trigger(name, a, b): { apiVersion: 'kayci.dev/v1alpha1', kind: 'Trigger', metadata: { name: name, annotations: { a: a, b: '' + b } },
		spec: { pipeline: pipeline, webhook: { provider: 'github', secretRef: { name: 's' } } } } }`
)

// tree is a repository with entries that depend on one another's files, and one of
// each that isn't jsonnet.
func tree() map[string]string {
	return map[string]string{
		"first.jsonnet":       first,
		"first.txt":           "text",
		"second.jsonnet":      second,
		"third.yaml":          strings.ReplaceAll(trigger, "name: t}", "name: third}"),
		"fourth.json":         "null",
		"lib/names.libsonnet": names,
		"lib/deep.libsonnet":  "'p'",
		"lib/lazy.libsonnet":  `{ size: std.length(importbin 'data'), text: importstr 'never.txt' }`,
		"lib/data":            "\xff\xfe",
		"lib/never.txt":       "never read",
	}
}

func mustRender(t testing.TB, opts render.Options) render.Result {
	t.Helper()
	result, err := render.Render(testContext(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// An entry is evaluated again when something has changed that it was made from, and
// only then. Whatever is evaluated, the objects are those of a rendering that knows
// nothing.
func TestUnchangedEntriesAreNotEvaluated(t *testing.T) {
	t.Parallel()
	all := []string{"first.jsonnet", "fourth.json", "second.jsonnet", "third.yaml"}
	tests := map[string]struct {
		change func(files map[string]string, opts *render.Options)
		want   []string
	}{
		"nothing":              {change: func(map[string]string, *render.Options) {}},
		"an entry":             {change: replace("first.jsonnet", "'none'", "'other'"), want: []string{"first.jsonnet"}},
		"an entry of its size": {change: replace("third.yaml", "third", "trird"), want: []string{"third.yaml"}},
		"a library of two":     {change: replace("lib/names.libsonnet", "'s'", "'r'"), want: []string{"first.jsonnet", "second.jsonnet"}},
		"a library's library":  {change: replace("lib/deep.libsonnet", "'p'", "'q'"), want: []string{"first.jsonnet", "second.jsonnet"}},
		"a text":               {change: replace("first.txt", "text", "other"), want: []string{"first.jsonnet"}},
		"bytes":                {change: replace("lib/data", "\xff\xfe", "\xff\xfe\xff"), want: []string{"second.jsonnet"}},
		"what nobody reads":    {change: replace("lib/never.txt", "never", "still never")},
		"a new entry":          {change: add("zeroth.json", "null"), want: []string{"zeroth.json"}},
		"an entry is gone":     {change: func(files map[string]string, _ *render.Options) { delete(files, "first.jsonnet") }},
		"a library is gone": {change: func(files map[string]string, _ *render.Options) {
			files["vendor/lib/lazy.libsonnet"] = "{ size: 3 }"
			delete(files, "lib/lazy.libsonnet")
		}, want: []string{"second.jsonnet"}},
		"the library":         {change: add("vendor/kayci.libsonnet", "'mine'"), want: []string{"second.jsonnet"}},
		"the library, nearer": {change: add("kayci.libsonnet", "'mine'"), want: []string{"second.jsonnet"}},
		"a var":               {change: func(_ map[string]string, opts *render.Options) { opts.Vars = map[string]string{"team": "web"} }, want: all},
		"the image":           {change: func(_ map[string]string, opts *render.Options) { opts.Image = "other" }, want: all},
		"the namespace":       {change: func(_ map[string]string, opts *render.Options) { opts.Namespace = "other" }, want: all},
		"a limit":             {change: func(_ map[string]string, opts *render.Options) { opts.Limits.Size = 10_000 }, want: all},
		"a symlink to the same": {change: func(files map[string]string, _ *render.Options) {
			files["text"], files["first.txt"] = files["first.txt"], "-> text"
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := tree()
			before := mustRender(t, options(t, repository(t, files)))
			if diff := cmp.Diff(all, before.Evaluated); diff != "" {
				t.Fatalf("evaluated at first (-want +got):\n%s", diff)
			}
			opts := options(t, "")
			test.change(files, &opts)
			opts.Dir = repository(t, files)
			whole := mustRender(t, opts)
			opts.Known = before.Known
			if len(test.want) == 0 {
				opts.Exec = []string{"/no/such/program"} // none is needed
			}
			got := mustRender(t, opts)
			if diff := cmp.Diff(test.want, got.Evaluated, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("evaluated (-want +got):\n%s", diff)
			}
			expectSame(t, whole, before, got)
			// What was found out this time is as good as at first.
			opts.Known = got.Known
			opts.Exec = []string{"/no/such/program"}
			if again := mustRender(t, opts); len(again.Evaluated) > 0 || len(again.Unchanged) != len(whole.Evaluated) {
				t.Errorf("evaluated yet again: %v", again.Evaluated)
			}
		})
	}
}

// expectSame compares the objects with those of a rendering that knew nothing.
func expectSame(t *testing.T, whole, before, got render.Result) {
	t.Helper()
	objects := slices.Clone(got.Objects)
	for _, o := range before.Objects {
		if slices.Contains(got.Unchanged, o.File) {
			objects = append(objects, o)
		}
	}
	byName := func(a, b render.Object) int { return strings.Compare(a.Object.GetName(), b.Object.GetName()) }
	slices.SortFunc(objects, byName)
	slices.SortFunc(whole.Objects, byName)
	if diff := cmp.Diff(whole.Objects, objects, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("objects (-evaluated as a whole +in parts):\n%s", diff)
	}
}

func replace(file, old, with string) func(map[string]string, *render.Options) {
	return func(files map[string]string, _ *render.Options) {
		files[file] = strings.ReplaceAll(files[file], old, with)
	}
}

func add(file, content string) func(map[string]string, *render.Options) {
	return func(files map[string]string, _ *render.Options) { files[file] = content }
}

// A push that changes one file of a hundred has one evaluated.
func TestOneOfAHundredIsEvaluated(t *testing.T) {
	t.Parallel()
	files := map[string]string{"names.libsonnet": names, "deep.libsonnet": "'p'"}
	for i := range 100 {
		files[fmt.Sprintf("%02d.jsonnet", i)] = fmt.Sprintf("[(import 'names.libsonnet').trigger('t-%02d-%%d' %% n, 'a', 'b') for n in std.range(1, 10)]", i)
	}
	opts := options(t, repository(t, files))
	before := mustRender(t, opts)
	files["41.jsonnet"] = strings.ReplaceAll(files["41.jsonnet"], "'b'", "'c'")
	opts.Dir, opts.Known = repository(t, files), before.Known
	got := mustRender(t, opts)
	if diff := cmp.Diff([]string{"41.jsonnet"}, got.Evaluated); diff != "" {
		t.Errorf("evaluated (-want +got):\n%s", diff)
	}
	if len(got.Objects) != 10 || len(got.Unchanged) != 99 {
		t.Errorf("got %d objects and %d unchanged entries", len(got.Objects), len(got.Unchanged))
	}
}

// What is at fault between entries is, whether they are evaluated or not, and the
// limits count both.
func TestKnownEntriesCount(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a.yaml": strings.ReplaceAll(trigger, "name: t}", "name: a}"),
		"b.yaml": "null",
		"c.yaml": "\n" + strings.ReplaceAll(trigger, "name: t}", "name: c}"),
	}
	large := strings.Repeat("x", 150_000)
	tests := map[string]struct {
		limits render.Limits
		a, b   string
		want   []string
	}{
		"the name of an earlier one": {b: strings.ReplaceAll(trigger, "name: t}", "name: a}"), want: []string{"b.yaml:1: Trigger/a: is already defined in a.yaml"}},
		"the name of a later one":    {b: strings.ReplaceAll(trigger, "name: t}", "name: c}"), want: []string{"c.yaml:2: Trigger/c: is already defined in b.yaml"}},
		"every fault":                {b: "3\n---\nkind: 4", want: []string{"b.yaml:1: [0]: expected an object with apiVersion and kind, a list or null; found a number", `b.yaml:3: [1]: apiVersion "", kind "" is not allowed: a config repository holds Pipelines and Triggers of kayci.dev/v1alpha1`}},
		"objects":                    {b: trigger, limits: render.Limits{Objects: 2}, want: []string{"b.yaml:1: Trigger/t: the commit renders more than 2 objects"}},
		"values":                     {b: "[" + strings.Repeat("null,", 60) + "]", limits: render.Limits{Values: 70}, want: []string{"b.yaml:1: the commit renders more than 70 values, counting what an alias stands for each time"}},
		"output":                     {a: large, b: large, limits: render.Limits{Output: 200_000}, want: []string{"b.yaml: the output of all files is more than 0 MiB"}},
		"memory":                     {a: large, b: large, limits: render.Limits{Decoded: 200_000 * 4}, want: nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := maps.Clone(files)
			annotated := func(name, value string) string {
				return strings.ReplaceAll(trigger, "name: t}", "name: "+name+", annotations: {x: "+value+"}}")
			}
			if test.a != "" {
				files["a.yaml"], test.b = annotated("a", test.a), annotated("b", test.b)
			}
			opts := options(t, repository(t, files))
			opts.Limits = test.limits
			known := mustRender(t, opts).Known
			if err := os.WriteFile(filepath.Join(opts.Dir, "b.yaml"), []byte(test.b), 0o600); err != nil {
				t.Fatal(err)
			}
			opts.Known = known
			got := rendered(t, opts)
			if test.want == nil {
				test.want = []string{"b.yaml: Trigger/b"}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What a child says of the paths that an entry depends on is only remembered if it
// can be told again what there is, and within bounds.
func TestUntrustedPathsAreNotRemembered(t *testing.T) {
	t.Parallel()
	const many = 20_001
	var names []string
	for i := range many {
		names = append(names, fmt.Sprintf(`"%d"`, i))
	}
	files := map[string]string{
		"a.yaml": "null", "out": "-> /etc/passwd", "loop": "-> loop", "dir/x": "", "large": strings.Repeat("x", 9<<20), "some": strings.Repeat("x", 7<<20),
	}
	var heavy []string
	for i := range 10 {
		name := fmt.Sprintf("heavy-%d", i)
		files[name] = "-> some"
		heavy = append(heavy, `"`+name+`"`)
	}
	dir := repository(t, files)
	tests := map[string]struct {
		looked     string
		remembered bool
	}{
		"itself":              {`["a.yaml"]`, true},
		"what isn't there":    {`["a.yaml","b","a.yaml/b"]`, true},
		"nothing":             {`[]`, false},
		"not itself":          {`["b"]`, false},
		"outside":             {`["a.yaml","../x"]`, false},
		"an absolute path":    {`["a.yaml","/etc/passwd"]`, false},
		"a symlink outside":   {`["a.yaml","out"]`, false},
		"a circle":            {`["a.yaml","loop"]`, false},
		"a folder":            {`["a.yaml","dir"]`, false},
		"what is too large":   {`["a.yaml","large"]`, false},
		"one file many times": {`["a.yaml",` + strings.Join(heavy, ",") + `]`, false},
		"a long list":         {`["a.yaml"` + strings.Repeat(`,"b"`, 150_000) + `]`, false},
		"too many":            {`["a.yaml",` + strings.Join(names, ",") + `]`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			says := `{"file":"a.yaml","begin":true}` + "\n" + `{"file":"a.yaml","end":true,"values":-5,"looked":` + test.looked + "}\n"
			opts := options(t, dir)
			opts.Exec = []string{"/bin/cat", repository(t, map[string]string{"says": says}) + "/says"}
			opts.Known = mustRender(t, opts).Known
			got := mustRender(t, opts)
			if diff := cmp.Diff(test.remembered, len(got.Evaluated) == 0); diff != "" {
				t.Errorf("remembered (-want +got):\n%s", diff)
			}
		})
	}
}
