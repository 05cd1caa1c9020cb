package event

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

func payload(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// parseCase is a payload of testdata, and the events that it is.
type parseCase struct {
	file, header string
	want         []*Event
}

func expectParsed(t *testing.T, provider v1alpha1.Provider, cases []parseCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.file+"/"+tt.header, func(t *testing.T) {
			got, err := Parse(provider, tt.header, payload(t, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// kinds are events of which only the kind is known.
func kinds(all ...v1alpha1.EventKind) []*Event {
	var events []*Event
	for _, kind := range all {
		events = append(events, &Event{Kind: kind})
	}
	return events
}

func TestGenericHasNoEvent(t *testing.T) {
	expectParsed(t, v1alpha1.ProviderGeneric, []parseCase{{"gitea-push", "push", []*Event{{}}}})
}

// edited is the named payload with fields of its top level replaced.
func edited(t testing.TB, name string, fields map[string]any) []byte {
	t.Helper()
	return changedIn(t, name, func(body map[string]any) { maps.Copy(body, fields) })
}

// changedIn is the named payload after an edit.
func changedIn(t testing.TB, name string, edit func(body map[string]any)) []byte {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(payload(t, name), &body); err != nil {
		t.Fatal(err)
	}
	edit(body)
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct {
		fields map[string]any
		want   string
	}{
		"no ref":        {map[string]any{"ref": ""}, "the payload's `ref` does not begin with refs/"},
		"an option":     {map[string]any{"ref": "--upload-pack=x"}, "the payload's `ref` does not begin with refs/"},
		"a long ref":    {map[string]any{"ref": "refs/heads/" + strings.Repeat("a", 2000)}, "the payload's ref is longer than 1024 bytes"},
		"a line in ref": {map[string]any{"ref": "refs/heads/a\nb"}, "the payload's ref contains a control character"},
		"no repository": {map[string]any{"repository": nil}, "the payload names no repository"},
		"no sha":        {map[string]any{"after": nil}, "the payload's `after` is not the name of a commit"},
		"a short sha":   {map[string]any{"after": "6113728"}, "the payload's `after` is not the name of a commit"},
		"a wrong commit": {
			map[string]any{"head_commit": map[string]any{"id": "$(id)"}},
			"the payload's commit has an id that is no commit's",
		},
		"a wrong type": {
			map[string]any{"ref": 5},
			"the payload's field ref can't be of type number",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(v1alpha1.ProviderGitea, "push", edited(t, "gitea-push", tt.fields))
			if err == nil {
				t.Fatalf("got the event %+v", got)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseErrorsDoNotQuoteThePayload(t *testing.T) {
	for want, fields := range map[string]map[string]any{
		"the payload's field head_commit.id can't be of type bool":  {"head_commit": map[string]any{"id": true}},
		"the payload's field head_commit can't be of type string":   {"head_commit": "canary"},
		"the payload's field commits can't be of type string":       {"commits": "canary"},
		"the payload's field commits.added can't be of type string": {"commits": []any{map[string]any{"added": "canary"}}},
		"the payload's field commits can't be of type number":       {"commits": []any{17}},
		"the payload's field total_commits can't be of type number": {"total_commits": 1.5},
	} {
		_, err := Parse(v1alpha1.ProviderGitHub, "push", edited(t, "github-push", fields))
		if err == nil || err.Error() != want {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

func TestParseBoundsText(t *testing.T) {
	long := strings.Repeat("é", maxMessage)
	raw := edited(t, "gitea-push", map[string]any{
		"head_commit": map[string]any{"id": head, "message": "\x00" + long},
		"commits": []any{
			map[string]any{"added": []any{"b", "a", "", "a\x00", strings.Repeat("p", maxPath+1)}},
			map[string]any{"removed": []any{"a"}},
		},
	})
	got, err := Parse(v1alpha1.ProviderGitea, "push", raw)
	if err != nil {
		t.Fatal(err)
	}
	want := []*Event{{
		Kind: "push", Repository: "acme/web", CloneURL: "https://git.example.com/acme/web.git", SHA: head, Before: before,
		Ref: "refs/heads/main", Branch: "main", Sender: "mona",
		Title: long[:maxTitle], Message: long[:maxMessage], Paths: []string{"a", "b"},
		PathsGap: "a path has a NUL or more than 4096 bytes",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestIncompletePaths has pushes whose payload may not name all that has changed.
func TestIncompletePaths(t *testing.T) {
	one := map[string]any{"added": []any{"src/a"}, "removed": []any{}, "modified": []any{}}
	many := make([]any, maxPaths)
	for i := range many {
		many[i] = fmt.Sprintf("docs/%05d", i)
	}
	tests := map[string]struct {
		provider v1alpha1.Provider
		file     string
		fields   map[string]any
		want     string
	}{
		"whole":               {v1alpha1.ProviderGitHub, "github-push", nil, ""},
		"a new branch":        {v1alpha1.ProviderGitHub, "github-push", map[string]any{"before": zero}, "the ref is new"},
		"a new branch, empty": {v1alpha1.ProviderGitea, "gitea-push", map[string]any{"before": zero, "commits": nil}, "the ref is new"},
		"no before":           {v1alpha1.ProviderGitLab, "gitlab-push", map[string]any{"before": nil}, "the git host doesn't say what the ref named before"},
		"forced":              {v1alpha1.ProviderGitHub, "github-push", map[string]any{"forced": true}, "the push was forced"},
		"back to a commit":    {v1alpha1.ProviderGitLab, "gitlab-push", map[string]any{"commits": []any{}}, "the git host lists no commits"},
		"GitLab's 20":         {v1alpha1.ProviderGitLab, "gitlab-push", map[string]any{"total_commits_count": 57}, "the git host lists 2 of 57 commits"},
		"Gitea's 5":           {v1alpha1.ProviderGitea, "gitea-push", map[string]any{"total_commits": 12}, "the git host lists 2 of 12 commits"},
		"an old Gitea":        {v1alpha1.ProviderGitea, "gitea-push", map[string]any{"total_commits": nil}, "the git host doesn't say how many commits there are"},
		"GitHub's 2048": {
			v1alpha1.ProviderGitHub, "github-push",
			map[string]any{"commits": slices.Repeat([]any{one}, maxCommits)},
			"the git host lists no more than 2048 commits",
		},
		"a system hook": {
			v1alpha1.ProviderGitLab, "gitlab-push",
			map[string]any{"commits": []any{one, map[string]any{"id": head}}},
			"the git host lists a commit without its paths",
		},
		"many, and counted": {
			v1alpha1.ProviderGitea, "gitea-push",
			map[string]any{"commits": slices.Repeat([]any{one}, maxCommits), "total_commits": maxCommits},
			"",
		},
		"as many as are kept": {v1alpha1.ProviderGitHub, "github-push", map[string]any{"commits": []any{map[string]any{"added": many}, map[string]any{"removed": many}}}, ""},
		"one more":            {v1alpha1.ProviderGitHub, "github-push", map[string]any{"commits": []any{map[string]any{"added": many}, one}}, "there are more than 10000"},
		"twice as many": {
			v1alpha1.ProviderGitHub, "github-push",
			map[string]any{"commits": []any{map[string]any{"added": many}, map[string]any{"added": many, "removed": []any{"src/a", "src/b"}}, one}},
			"there are more than 10000",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tt.provider, "push", edited(t, tt.file, tt.fields))
			if err != nil {
				t.Fatal(err)
			}
			if got[0].PathsGap != tt.want || got[0].Expr().PathsComplete != (tt.want == "") || len(got[0].Paths) > maxPaths {
				t.Errorf("%d paths, and the gap is %q, want %q", len(got[0].Paths), got[0].PathsGap, tt.want)
			}
		})
	}
}

func TestOtherRefsHaveNeitherBranchNorTag(t *testing.T) {
	got, err := Parse(v1alpha1.ProviderGitea, "push", edited(t, "gitea-push", map[string]any{"ref": "refs/notes/commits"}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"refs/notes/commits", "", ""}, []string{got[0].Ref, got[0].Branch, got[0].Tag}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
