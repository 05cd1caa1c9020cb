package render

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Validating counts towards the time that a commit has: once that is over, no
// further object is looked at.
func TestDecodingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	d := newDecoder("ci", Limits{}.withDefaults())
	object := func(name string) answer {
		return answer{File: name + ".yaml", Value: fmt.Appendf(nil, `{"apiVersion":"kayci.dev/v1alpha1","kind":"Trigger","metadata":{"name":%q}}`, name)}
	}
	if err := d.take(ctx, object("a")); err != nil {
		t.Fatal(err)
	}
	found := len(d.errs)
	cancel()
	if err := d.take(ctx, object("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(d.errs) != found || found == 0 {
		t.Errorf("%d faults became %v", found, d.errs)
	}
}

// Lists of blank objects are small as JSON and large in memory.
func TestDecodedObjectsAreBounded(t *testing.T) {
	t.Parallel()
	limits := Limits{Decoded: 4 << 20}.withDefaults()
	d := newDecoder("ci", limits)
	container := "{}"
	for range 5000 {
		container += ",{}"
	}
	value := `{"apiVersion":"kayci.dev/v1alpha1","kind":"Pipeline","metadata":{"name":"a"},"spec":{"jobs":[` +
		`{"name":"a","template":{"spec":{"template":{"spec":{"containers":[` + container + `]}}}}}]}}`
	if err := d.take(t.Context(), answer{File: "a.yaml", Value: []byte(value)}); err != nil {
		t.Fatal(err)
	}
	want := Errors{{File: "a.yaml", Object: "Pipeline/a", Message: "takes too much memory: an object may take 1 MiB and all of a commit 4 MiB"}}
	if diff := cmp.Diff(want, d.errs, cmp.AllowUnexported(Error{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
