package poll

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/git"
)

func refs(pairs ...string) []v1alpha1.PollHead {
	var list []v1alpha1.PollHead
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, v1alpha1.PollHead{Ref: pair[0], SHA: pair[1]})
	}
	return list
}

func TestChoose(t *testing.T) {
	t.Parallel()
	found := git.References{Default: "refs/heads/main", Commits: map[string]string{
		"refs/heads/main": "a", "refs/heads/release/1": "b", "refs/heads/release/1/x": "c", "refs/heads/bad\x07": "d",
		"refs/tags/v1.9": "e", "refs/tags/v1.10": "f", "refs/tags/v1.10.1": "g", "refs/tags/main": "h",
	}}
	for name, test := range map[string]struct {
		branches, tags []string
		want           heads
	}{
		"the default branch": {nil, nil, heads{list: refs("refs/heads/main", "a")}},
		"branches":           {[]string{"main", "release/*"}, nil, heads{list: refs("refs/heads/main", "a", "refs/heads/release/1", "b")}},
		"all that is fit":    {[]string{"**"}, nil, heads{list: refs("refs/heads/main", "a", "refs/heads/release/1", "b", "refs/heads/release/1/x", "c")}},
		"tags alone, the highest version first": {
			nil,
			[]string{"v*"},
			heads{list: refs("refs/tags/v1.10.1", "g", "refs/tags/v1.10", "f", "refs/tags/v1.9", "e")},
		},
		"both": {[]string{"main"}, []string{"main"}, heads{list: refs("refs/heads/main", "a", "refs/tags/main", "h")}},
		"none": {[]string{"nothing"}, nil, heads{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, choose(found, test.branches, test.tags), cmp.AllowUnexported(heads{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTooManyKeepTheNewestTags(t *testing.T) {
	t.Parallel()
	found := git.References{Commits: map[string]string{"refs/heads/main": "a"}}
	for i := range 150 {
		found.Commits[fmt.Sprintf("refs/tags/v%d", i)] = "b"
	}
	got := choose(found, []string{"main"}, []string{"*"})
	shown := []string{got.list[0].Ref, got.list[1].Ref, got.list[99].Ref, fmt.Sprint(len(got.list), got.more)}
	if diff := cmp.Diff([]string{"refs/heads/main", "refs/tags/v149", "refs/tags/v51", "100 51"}, shown); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	got := []string{"v10", "v9", "v1.2", "v1.10", "", "v", "v1.2-rc1", "2024.01", "2024.1.1"}
	slices.SortFunc(got, compareVersions)
	if diff := cmp.Diff([]string{"", "2024.01", "2024.1.1", "v", "v1.2", "v1.2-rc1", "v1.10", "v9", "v10"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMoves(t *testing.T) {
	t.Parallel()
	spec := &v1alpha1.Poll{URL: "https://git.example.com/web", Branches: []string{"*"}, Tags: []string{"v*"}}
	known := func(edits ...func(*v1alpha1.PollStatus)) *v1alpha1.PollStatus {
		status := remember(spec, heads{list: refs("refs/heads/dev", "1", "refs/heads/main", "1", "refs/tags/v2", "1")}, nil)
		for _, edit := range edits {
			edit(status)
		}
		return status
	}
	found := heads{list: refs("refs/heads/main", "2", "refs/heads/new", "3", "refs/tags/v3", "4", "refs/tags/v2", "1", "refs/tags/v1", "5")}
	moved := func(ref, sha, before string) move { return move{v1alpha1.PollHead{Ref: ref, SHA: sha}, before} }
	main, branch := moved("refs/heads/main", "2", "1"), moved("refs/heads/new", "3", "")
	newest, oldest := moved("refs/tags/v3", "4", ""), moved("refs/tags/v1", "5", "")
	for name, test := range map[string]struct {
		known *v1alpha1.PollStatus
		want  []move
	}{
		"the first look":    {nil, nil},
		"the first failed":  {&v1alpha1.PollStatus{Failure: &v1alpha1.PollFailure{}}, nil},
		"another URL":       {known(func(s *v1alpha1.PollStatus) { s.URL = "https://git.example.com/docs" }), nil},
		"it was suspended":  {known(func(s *v1alpha1.PollStatus) { s.Suspended = true }), nil},
		"moved and new":     {known(), []move{main, branch, newest, oldest}},
		"after a failure":   {known(func(s *v1alpha1.PollStatus) { s.Failure = &v1alpha1.PollFailure{} }), []move{main, branch, newest, oldest}},
		"other globs":       {known(func(s *v1alpha1.PollStatus) { s.Branches = []string{"main"} }), []move{main}},
		"there were more":   {known(func(s *v1alpha1.PollStatus) { s.More = 1 }), []move{main, branch, newest}},
		"nothing was there": {known(func(s *v1alpha1.PollStatus) { s.Heads = nil }), []move{moved("refs/heads/main", "2", ""), branch, newest, moved("refs/tags/v2", "1", ""), oldest}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, moves(test.known, spec, found), cmp.AllowUnexported(move{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A head whose Run couldn't be started is found again.
func TestRememberWhatFailed(t *testing.T) {
	t.Parallel()
	spec := &v1alpha1.Poll{URL: "https://git.example.com/web", Branches: []string{"*"}}
	found := heads{list: refs("refs/heads/a", "2", "refs/heads/b", "2", "refs/heads/c", "2"), more: 3}
	failed := []move{{found.list[0], "1"}, {found.list[1], ""}}
	got := remember(spec, found, failed)
	want := &v1alpha1.PollStatus{URL: spec.URL, Branches: spec.Branches, Heads: refs("refs/heads/a", "1", "refs/heads/c", "2"), More: 3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
