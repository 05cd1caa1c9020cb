package render_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/kayci/kayci/render"
)

// What this process allocates is bounded, whatever a commit or the child that
// evaluates it says: it is the controller of everybody. Nothing may run beside
// the test, so it isn't parallel.
func TestMemory(t *testing.T) {
	begin, end := `{"file":"a.yaml","begin":true}`+"\n", `{"file":"a.yaml","end":true}`+"\n"
	pipeline := func(containers string) string {
		return `{"apiVersion":"kayci.dev/v1alpha1","kind":"Pipeline","metadata":{"name":"a"},"spec":{"jobs":[` +
			`{"name":"a","template":{"spec":{"template":{"spec":{"containers":[` + containers + `]}}}}}]}}`
	}
	blank := strings.Repeat("{},", 150_000) + "{}"
	const (
		large   = "takes too much memory: an object may take 16 MiB and all of a commit 64 MiB"
		tooMany = "a.yaml: the evaluation crashed: an answer can't be read: the commit renders more than 1000000 values, counting what an alias stands for each time"
		again   = "a.yaml: Pipeline/b: is already defined in a.yaml\na.yaml: Pipeline/b: " + large + "\n"
		// In all, not at once: a bomb takes gigabytes. With the race detector the
		// library's pools keep nothing.
		most = 512 << 20
	)
	tests := map[string]struct {
		file string
		// says is what a child says that was taken over.
		says string
		want string
	}{
		"aliases": {
			file: aliasBomb(),
			want: "a.yaml:10: the commit renders more than 1000000 values, counting what an alias stands for each time",
		},
		"an object that is too large": {
			file: strings.ReplaceAll(trigger, "name: t}", "name: t, annotations: {x: "+strings.Repeat("x", 7<<20)+"}}"),
			want: "a.yaml:1: Trigger/t: is 7340212 bytes as JSON, more than 524288, which is all that the cluster is sure to store",
		},
		"blank containers":      {says: begin + `{"file":"a.yaml","value":` + pipeline(blank) + "}\n" + end, want: "a.yaml: Pipeline/a: " + large},
		"many blank containers": {says: begin + strings.Repeat(`{"file":"a.yaml","value":`+strings.Replace(pipeline(blank), `"a"`, `"b"`, 1)+"}\n", 60) + end, want: "a.yaml: Pipeline/b: " + large + "\n" + strings.Repeat(again, 5) + tooMany},
		"an endless line":       {says: begin + `{"file":"a.yaml","value":"` + strings.Repeat("x", 30<<20), want: "a.yaml: the evaluation crashed: an answer is too long"},
		"many small values":     {says: begin + strings.Repeat(`{"file":"a.yaml","value":[`+strings.Repeat("[],", 100_000)+"[]]}\n", 100) + end, want: tooMany},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := repository(t, map[string]string{"a.yaml": test.file, "says.txt": test.says})
			opts := options(t, dir)
			if test.says != "" {
				opts.Exec = []string{"/bin/cat", dir + "/says.txt"}
			}
			test.file, test.says = "", ""
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := render.Render(testContext(t), opts)
			runtime.ReadMemStats(&after)
			var faults render.Errors
			if !errors.As(err, &faults) || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > most {
				t.Errorf("%d MiB were allocated, more than %d", took>>20, most>>20)
			}
		})
	}
}

// aliasBomb is 363 KB that stand for 2 GiB of objects.
func aliasBomb() string {
	text := "x: &c {name: a, image: b}\n" +
		"l: &l [" + strings.Repeat("*c, ", 45_000) + "*c]\n" +
		"p: &p {apiVersion: kayci.dev/v1alpha1, kind: Pipeline, metadata: {name: a}, spec: {jobs: [{name: a, template: {spec: {template: {spec: {containers: *l}}}}}]}}\n" +
		"q:\n"
	return text + "- *p\n" + strings.Repeat("- *p\n", 30_000)
}
