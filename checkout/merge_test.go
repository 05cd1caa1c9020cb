package checkout_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout/plan"
	"github.com/kayci/kayci/test/githost"
)

// pull has a branch of a repository go on from where main is, and main go on, too.
func pull(t *testing.T, host *githost.Host, name string, branch, main map[string]string) (repository *githost.Repository, head, target string) {
	t.Helper()
	repository = create(t, host, name)
	base := map[string]string{"a.txt": "1\n2\n3\n4\n5\n", "b.txt": "b\n"}
	push(t, repository, base)
	if err := repository.Switch(t.Context(), "feature"); err != nil {
		t.Fatal(err)
	}
	head = push(t, repository, branch)
	if err := repository.Switch(t.Context(), githost.Branch); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		push(t, repository, nil)
	}
	return repository, head, push(t, repository, main)
}

func TestMerge(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository, head, target := pull(t, host, "web", map[string]string{"a.txt": "1\n2\n3\n4\nfive\n"}, map[string]string{"a.txt": "one\n2\n3\n4\n5\n"})
	for name, input := range map[string]plan.Input{
		"a commit":          {SHA: head, Depth: 1},
		"a branch":          {SHA: "feature", Depth: 1},
		"the whole history": {SHA: head, Ref: "feature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			input.URL, input.Merge = repository.URL, "main"
			got := trial{input: input}.run(t)
			if got.err != nil {
				t.Fatalf("%v\n%s", got.err, got.out)
			}
			if diff := cmp.Diff(map[string]string{"a.txt": "one\n2\n3\n4\nfive\n", "b.txt": "b\n"}, files(t, got.root)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got.commit+" "+target+" "+head, gitIn(t, got.root, "log", "-1", "--format=%H %P")); diff != "" {
				t.Errorf("commit and parents (-want +got):\n%s", diff)
			}
			if !strings.Contains(got.out, "Merged "+head+" into main, which is at "+target) {
				t.Errorf("it said %q", got.out)
			}
		})
	}
	t.Run("what is in it already", func(t *testing.T) {
		t.Parallel()
		got := trial{input: plan.Input{URL: repository.URL, SHA: "main", Depth: 1, Merge: "main"}}.run(t)
		if got.err != nil || got.commit != target {
			t.Errorf("%s, %v", got.commit, got.err)
		}
	})
	t.Run("into what isn't there", func(t *testing.T) {
		t.Parallel()
		trial{input: plan.Input{URL: repository.URL, SHA: head, Depth: 1, Merge: "gone"}}.run(t).mustFail(t, "has no branch or tag gone")
	})
}

func TestMergeConflicts(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository, head, _ := pull(t, host, "web",
		map[string]string{"a.txt": "1\nbranch\n3\n4\n5\n", "b.txt": "b\n", "c\x1b.txt": "branch\n"},
		map[string]string{"a.txt": "1\nmain\n3\n4\n5\n", "c\x1b.txt": "main\n"})
	trial{input: plan.Input{URL: repository.URL, SHA: head, Depth: 1, Merge: "main"}}.run(t).
		mustFail(t, head+` conflicts with main in a.txt, c\x1b.txt: merge main into its branch, or rebase it, and push`)
}

func TestMergeOfStrangers(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	push(t, repository, map[string]string{"a.txt": "x"})
	c := crafter{t, host.Dir + "/web.git"}
	stranger := c.git("", "commit-tree", "-m", "x", c.tree("100644 blob "+c.blob("x")+"\tz"))
	c.git("", "update-ref", "refs/heads/stranger", stranger)
	trial{input: plan.Input{URL: repository.URL, SHA: stranger, Depth: 1, Merge: "main"}}.run(t).mustFail(t, stranger+" and main have no common history")
}
