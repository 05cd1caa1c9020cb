package event

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a host says of paths when it is asked is read as strictly as what it sends.
func TestPathsThatWereAskedFor(t *testing.T) {
	type paths struct {
		Paths []string
		Gap   string
	}
	partly := Event{Paths: []string{"a", "b"}, PathsGap: "the ref is new"}
	for name, tt := range map[string]struct {
		event *Event
		want  paths
	}{
		"all of them":  {partly.WithPaths([]string{"c", "b", "c"}, true), paths{[]string{"b", "c"}, ""}},
		"none":         {partly.WithPaths(nil, true), paths{nil, ""}},
		"some of them": {partly.WithPaths([]string{"c"}, false), paths{[]string{"a", "b", "c"}, "the git host names only some when it is asked"}},
		"what is none": {partly.WithPaths([]string{"c\x00", "d"}, true), paths{[]string{"d"}, "a path has a NUL or more than 4096 bytes"}},
		"a long one":   {partly.WithPaths([]string{strings.Repeat("x", 4097)}, true), paths{nil, "a path has a NUL or more than 4096 bytes"}},
		"no answer":    {partly.WithoutPaths("it is away"), paths{[]string{"a", "b"}, "the ref is new, and when it is asked: it is away"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, paths{tt.event.Paths, tt.event.PathsGap}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff(Event{Paths: []string{"a", "b"}, PathsGap: "the ref is new"}, partly); diff != "" {
		t.Errorf("the event itself, -want +got:\n%s", diff)
	}
	if many := partly.WithPaths(strings.Split(strings.Repeat("x", 9), ""), true); len(many.Paths) != 1 {
		t.Errorf("the paths are %v", many.Paths)
	}
}
