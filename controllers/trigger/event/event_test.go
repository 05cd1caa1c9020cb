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

const (
	head = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
	zero = "0000000000000000000000000000000000000000"
)

func payload(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestParse(t *testing.T) {
	message := "Fix the parser\n\nIt read one byte too many."
	paths := []string{"README.md", "src/old.go", "src/parser.go"}
	tests := []struct {
		file     string
		provider v1alpha1.Provider
		header   string
		want     Event
	}{
		{"github-push", v1alpha1.ProviderGitHub, "push", Event{
			Kind: "push", Repository: "acme/web", CloneURL: "https://github.com/acme/web.git", SHA: head,
			Ref: "refs/heads/main", Branch: "main", Sender: "mona", Title: "Fix the parser", Message: message, Paths: paths,
		}},
		{"github-tag", v1alpha1.ProviderGitHub, "push", Event{
			Kind: "push", Repository: "acme/web", CloneURL: "https://github.com/acme/web.git", SHA: head,
			Ref: "refs/tags/v1.4.0", Tag: "v1.4.0", Sender: "mona", Title: "Fix the parser", Message: message, PathsGap: "the ref is new",
		}},
		{"github-delete", v1alpha1.ProviderGitHub, "push", Event{
			Kind: "push", Repository: "acme/web", CloneURL: "https://github.com/acme/web.git",
			Ref: "refs/heads/old-idea", Branch: "old-idea", Sender: "mona", Deleted: true,
		}},
		{"gitlab-push", v1alpha1.ProviderGitLab, "Push Hook", Event{
			Kind: "push", Repository: "acme/backend/web", CloneURL: "https://gitlab.example.com/acme/backend/web.git", SHA: head,
			Ref: "refs/heads/release/1.4", Branch: "release/1.4", Sender: "mona", Title: "Fix the parser", Message: message + "\n", Paths: paths,
		}},
		{"gitlab-push", v1alpha1.ProviderGitLab, "System Hook", Event{
			Kind: "push", Repository: "acme/backend/web", CloneURL: "https://gitlab.example.com/acme/backend/web.git", SHA: head,
			Ref: "refs/heads/release/1.4", Branch: "release/1.4", Sender: "mona", Title: "Fix the parser", Message: message + "\n", Paths: paths,
		}},
		{"gitlab-tag", v1alpha1.ProviderGitLab, "Tag Push Hook", Event{
			Kind: "push", Repository: "acme/backend/web", CloneURL: "https://gitlab.example.com/acme/backend/web.git", SHA: head,
			Ref: "refs/tags/v1.4.0", Tag: "v1.4.0", Sender: "mona", Title: "Fix the parser", Message: message + "\n", Paths: paths, PathsGap: "the ref is new",
		}},
		{"gitlab-delete", v1alpha1.ProviderGitLab, "Push Hook", Event{
			Kind: "push", Repository: "acme/backend/web", CloneURL: "https://gitlab.example.com/acme/backend/web.git",
			Ref: "refs/heads/old-idea", Branch: "old-idea", Sender: "mona", Deleted: true,
		}},
		{"gitea-push", v1alpha1.ProviderGitea, "push", Event{
			Kind: "push", Repository: "acme/web", CloneURL: "https://git.example.com/acme/web.git", SHA: head,
			Ref: "refs/heads/main", Branch: "main", Sender: "mona", Title: "Fix the parser", Message: message + "\n", Paths: paths,
		}},
		{"gitea-tag", v1alpha1.ProviderGitea, "push", Event{
			Kind: "push", Repository: "acme/web", CloneURL: "https://git.example.com/acme/web.git", SHA: head,
			Ref: "refs/tags/v1.4.0", Tag: "v1.4.0", Sender: "mona", Title: "Fix the parser", Message: message + "\n", PathsGap: "the ref is new",
		}},
		{"github-push", v1alpha1.ProviderGitHub, "ping", Event{Kind: "ping"}},
		{"github-push", v1alpha1.ProviderGitHub, "pull_request", Event{Kind: "pull_request"}},
		{"gitea-push", v1alpha1.ProviderGitea, "issues<script>", Event{Kind: "issuesscript"}},
		{"gitea-push", v1alpha1.ProviderGitea, "", Event{Kind: "unnamed"}},
		{"gitea-push", v1alpha1.ProviderGitLab, "Note Hook", Event{Kind: "Note Hook"}},
		{"gitea-push", v1alpha1.ProviderGeneric, "push", Event{}},
	}
	for _, tt := range tests {
		t.Run(tt.file+"/"+tt.header, func(t *testing.T) {
			got, err := Parse(tt.provider, tt.header, payload(t, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// edited is the named payload with fields of its top level replaced.
func edited(t testing.TB, name string, fields map[string]any) []byte {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(payload(t, name), &body); err != nil {
		t.Fatal(err)
	}
	maps.Copy(body, fields)
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
	want := Event{
		Kind: "push", Repository: "acme/web", CloneURL: "https://git.example.com/acme/web.git", SHA: head,
		Ref: "refs/heads/main", Branch: "main", Sender: "mona",
		Title: long[:maxTitle], Message: long[:maxMessage], Paths: []string{"a", "b"},
		PathsGap: "a path has a NUL or more than 4096 bytes",
	}
	if diff := cmp.Diff(&want, got); diff != "" {
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
			if got.PathsGap != tt.want || got.Expr().PathsComplete != (tt.want == "") || len(got.Paths) > maxPaths {
				t.Errorf("%d paths, and the gap is %q, want %q", len(got.Paths), got.PathsGap, tt.want)
			}
		})
	}
}

func TestOtherRefsHaveNeitherBranchNorTag(t *testing.T) {
	got, err := Parse(v1alpha1.ProviderGitea, "push", edited(t, "gitea-push", map[string]any{"ref": "refs/notes/commits"}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"refs/notes/commits", "", ""}, []string{got.Ref, got.Branch, got.Tag}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzParse checks that whatever a payload says, an event's values keep their
// limits and a deletion has no commit.
func FuzzParse(f *testing.F) {
	providers := []v1alpha1.Provider{v1alpha1.ProviderGitHub, v1alpha1.ProviderGitLab, v1alpha1.ProviderGitea}
	for i, name := range []string{"github-push", "gitlab-push", "gitea-push", "github-delete", "gitlab-tag", "gitea-tag"} {
		f.Add(uint8(i), "push", payload(f, name))
	}
	f.Add(uint8(0), "push", []byte(`{"ref":"refs/heads/a","after":"`+zero+`","commits":[null],"repository":{"full_name":"a"}}`))
	f.Fuzz(func(t *testing.T, provider uint8, name string, raw []byte) {
		e, err := Parse(providers[int(provider)%len(providers)], name, raw)
		if err != nil {
			return
		}
		switch {
		case len(e.Kind) > maxKind, len(e.Repository) > maxRepository, len(e.Ref) > maxRef, len(e.Sender) > maxSender,
			len(e.Title) > maxTitle, len(e.Message) > maxMessage, len(e.Paths) > maxPaths:
			t.Errorf("a value is beyond its limit: %+v", e)
		case e.Kind == v1alpha1.EventPush && e.Deleted == (e.SHA != ""):
			t.Errorf("deleted is %v with the commit %q", e.Deleted, e.SHA)
		case e.SHA != "" && !shaPattern.MatchString(e.SHA):
			t.Errorf("the commit is %q", e.SHA)
		case e.Branch != "" && e.Tag != "":
			t.Errorf("both the branch %q and the tag %q", e.Branch, e.Tag)
		}
	})
}
