package event

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestOfHead(t *testing.T) {
	t.Parallel()
	const gap = "a look at the repository tells no paths"
	for name, test := range map[string]struct {
		address, ref, before string
		want                 *Event
		fails                bool
	}{
		"a branch": {"https://git.example.com/acme/web.git", "refs/heads/release/1", "8f3c", &Event{
			Kind: v1alpha1.EventPush, Repository: "acme/web", CloneURL: "https://git.example.com/acme/web.git",
			Ref: "refs/heads/release/1", Branch: "release/1", SHA: "a1b2", Before: "8f3c", PathsGap: gap,
		}, false},
		"a new tag": {"ssh://git@git.example.com/web", "refs/tags/v1", "", &Event{
			Kind: v1alpha1.EventPush, Repository: "web", CloneURL: "ssh://git@git.example.com/web",
			Ref: "refs/tags/v1", Tag: "v1", SHA: "a1b2", Created: true, PathsGap: gap,
		}, false},
		"a control character": {"https://git.example.com/web", "refs/heads/a\x07", "", nil, true},
		"no repository":       {"https://git.example.com/", "refs/heads/a", "", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := OfHead(test.address, test.ref, test.before, "a1b2")
			if test.fails {
				if err == nil {
					t.Errorf("got %v", got)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v -want +got:\n%s", err, diff)
			}
		})
	}
}
