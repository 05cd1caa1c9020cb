package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// pulled is a pull request of each provider, under its header.
type pulled struct {
	provider     v1alpha1.Provider
	header, file string
}

func pulls() []pulled {
	return []pulled{
		{v1alpha1.ProviderGitHub, "pull_request", "github-pull-synchronize"},
		{v1alpha1.ProviderGitHub, "issue_comment", "github-comment"},
		{v1alpha1.ProviderGitea, "pull_request", "gitea-pull-opened"},
		{v1alpha1.ProviderGitea, "issue_comment", "gitea-comment"},
		{v1alpha1.ProviderGitLab, "Merge Request Hook", "gitlab-merge-opened"},
		{v1alpha1.ProviderGitLab, "Note Hook", "gitlab-note"},
		{v1alpha1.ProviderBitbucket, "pullrequest:created", "bitbucket-pull-created"},
		{v1alpha1.ProviderBitbucket, "pullrequest:comment_created", "bitbucket-comment"},
		{v1alpha1.ProviderBitbucketServer, "pr:opened", "datacenter-pull-opened"},
		{v1alpha1.ProviderBitbucketServer, "pr:comment:added", "datacenter-comment"},
	}
}

// replaced is the payload with every text that is the old one replaced.
func replaced(t *testing.T, file, old, with string) []byte {
	t.Helper()
	quoted, err := json.Marshal(with)
	if err != nil {
		t.Fatal(err)
	}
	raw := payload(t, file)
	found := bytes.ReplaceAll(raw, []byte(`"`+old+`"`), quoted)
	if bytes.Equal(found, raw) {
		t.Fatalf("%s doesn't say %q", file, old)
	}
	return found
}

// A title is data to its last character.
func TestHostileTitles(t *testing.T) {
	long := strings.Repeat("é", 5_000)
	for name, title := range map[string]struct{ given, want string }{
		"long":          {long, long[:maxTitle]},
		"lines":         {"one\ntwo", "one"},
		"NUL":           {"a\x00b", "ab"},
		"a program":     {`$(id) "; rm -rf / #`, `$(id) "; rm -rf / #`},
		"percents":      {"%2f%s", "%2f%s"},
		"right to left": {"a\u202eb", "a\u202eb"},
	} {
		for _, of := range pulls() {
			old := "Fix the parser"
			if of.provider == v1alpha1.ProviderGitea {
				old = "Fix it"
			}
			events, err := Parse(of.provider, of.header, replaced(t, of.file, old, title.given))
			if err != nil {
				t.Errorf("%s in %s: %v", name, of.file, err)
				continue
			}
			if diff := cmp.Diff([]string{title.want, title.want}, []string{events[0].Title, events[0].PullRequest.Title}); diff != "" {
				t.Errorf("%s in %s, -want +got:\n%.300s", name, of.file, diff)
			}
		}
	}
}

// What names something isn't mended.
func TestHostileNames(t *testing.T) {
	for _, tt := range []struct {
		file, header, old, with string
		provider                v1alpha1.Provider
		want                    string
	}{
		{"github-pull-opened", "pull_request", "fix-parser", "a\nb", v1alpha1.ProviderGitHub, "the payload's head branch contains a control character"},
		{"github-pull-opened", "pull_request", "main", strings.Repeat("m", maxRef+1), v1alpha1.ProviderGitHub, "the payload's base branch is longer than 1024 bytes"},
		{"github-pull-opened", "pull_request", head, "$(id)", v1alpha1.ProviderGitHub, "the payload's pull request has a head that is no commit"},
		{"github-pull-opened", "pull_request", head, head[:12], v1alpha1.ProviderGitHub, "the payload's pull request has a head that is no commit"},
		{"github-comment", "issue_comment", "ada", "a\x7f", v1alpha1.ProviderGitHub, "the payload's sender contains a control character"},
		{"gitlab-merge-opened", "", "ben", strings.Repeat("b", maxSender+1), v1alpha1.ProviderGitLab, "the payload's sender is longer than 253 bytes"},
		{"gitlab-merge-opened", "", "ben/web", "a\tb", v1alpha1.ProviderGitLab, "the payload's head repository contains a control character"},
		{"bitbucket-pull-created", "pullrequest:created", head[:12], head[:11], v1alpha1.ProviderBitbucket, "the payload's pull request has a head that is no commit"},
		{"datacenter-pull-opened", "pr:opened", "ACME", "", v1alpha1.ProviderBitbucketServer, "the payload names no repository"},
		{"gitea-release", "release", "v1.1.0", strings.Repeat("v", maxRef), v1alpha1.ProviderGitea, "the payload's ref is longer than 1024 bytes"},
	} {
		_, err := Parse(tt.provider, tt.header, replaced(t, tt.file, tt.old, tt.with))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%.40q in %s: the error is %v, want %s", tt.with, tt.file, err, tt.want)
		}
	}
}

// A page is for people to open: what isn't one is left out.
func TestHostilePages(t *testing.T) {
	const page = "https://github.com/acme/web/pull/7"
	for address, want := range map[string]string{
		page + "?a=b#c":                          page + "?a=b#c",
		"javascript:alert(1)":                    "",
		"https://a b":                            "",
		`https://a"onclick="x`:                   "",
		"https://a\u202eb":                       "",
		"https://a\x1b[31m":                      "",
		"https://" + strings.Repeat("a", maxURL): "",
	} {
		events, err := Parse(v1alpha1.ProviderGitHub, "pull_request", replaced(t, "github-pull-opened", page, address))
		if err != nil || events[0].URL != want || events[0].PullRequest.URL != want {
			t.Errorf("%.40q is the page %q, %v; want %q", address, events[0].URL, err, want)
		}
	}
}

func TestHostileLabels(t *testing.T) {
	all := make([]any, 0, 100_004)
	for _, name := range []string{"a\nb", "", strings.Repeat("l", maxLabel+1), "label 0"} {
		all = append(all, map[string]any{"name": name})
	}
	var want []string
	for i := range 100_000 {
		all = append(all, map[string]any{"name": fmt.Sprint("label ", i)})
		if i < maxLabels {
			want = append(want, fmt.Sprint("label ", i))
		}
	}
	var body map[string]any
	if err := json.Unmarshal(payload(t, "github-pull-opened"), &body); err != nil {
		t.Fatal(err)
	}
	pull, _ := body["pull_request"].(map[string]any)
	pull["labels"] = all
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	events, err := Parse(v1alpha1.ProviderGitHub, "pull_request", raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, events[0].PullRequest.Labels); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestBrokenPayloads(t *testing.T) {
	deep := []byte(`{"pull_request":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}")
	all := pulls()
	for _, push := range pushes() {
		all = append(all, push.pulled)
	}
	for _, of := range all {
		raw := payload(t, of.file)
		for name, broken := range map[string][]byte{"truncated": raw[:len(raw)/2], "deep": deep, "empty": nil, "an array": []byte("[]"), "text": []byte(`"canary"`)} {
			events, err := Parse(of.provider, of.header, broken)
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s %s: %d events, %v", name, of.file, len(events), err)
			}
		}
	}
}

// The error names the field and doesn't quote the payload.
func TestWrongTypes(t *testing.T) {
	for _, tt := range []struct {
		of     pulled
		fields map[string]any
		want   string
	}{
		{pulls()[0], map[string]any{"sender": map[string]any{"login": 5}}, "the payload's field sender.login can't be of type number"},
		{pulls()[0], map[string]any{"pull_request": map[string]any{"number": "canary"}}, "the payload's field pull_request.number can't be of type string"},
		{pulls()[0], map[string]any{"pull_request": map[string]any{"number": 1.5}}, "the payload's field pull_request.number can't be of type number"},
		{pulls()[0], map[string]any{"pull_request": map[string]any{"labels": map[string]any{}}}, "the payload's field pull_request.labels can't be of type object"},
		{pulls()[0], map[string]any{"pull_request": map[string]any{"labels": []any{"canary"}}}, "the payload's field pull_request.labels can't be of type string"},
		{pulls()[0], map[string]any{"pull_request": map[string]any{"number": -7}}, "the payload's pull request has no number"},
		{pulls()[4], map[string]any{"object_attributes": map[string]any{"iid": true}}, "the payload's field object_attributes.iid can't be of type bool"},
		{pulls()[6], map[string]any{"pullrequest": "canary"}, "the payload's field pullrequest can't be of type string"},
		{pulls()[8], map[string]any{"pullRequest": nil}, "the payload's pull request has no number"},
		{pulls()[9], map[string]any{"comment": map[string]any{"text": nil, "author": "canary"}}, "the payload's field comment.author can't be of type string"},
	} {
		_, err := Parse(tt.of.provider, tt.of.header, edited(t, tt.of.file, tt.fields))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%v: the error is %v, want %s", tt.fields, err, tt.want)
		}
	}
}

// What another provider sends is no event, and nothing that is started.
func TestPayloadsOfOthers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	ofHost := func(file string) string { host, _, _ := strings.Cut(filepath.Base(file), "-"); return host }
	// GitHub's and Gitea's are alike.
	alike := []string{"github", "gitea"}
	all := append(pulls(), pulled{v1alpha1.ProviderGitHub, "release", "github-release"}, pulled{v1alpha1.ProviderGitea, "release", "gitea-release"})
	for _, push := range pushes() {
		all = append(all, push.pulled)
	}
	for _, of := range all {
		for _, file := range files {
			host := ofHost(file)
			if host == ofHost(of.file) || slices.Contains(alike, host) && slices.Contains(alike, ofHost(of.file)) {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			events, err := Parse(of.provider, of.header, raw)
			if err == nil && (len(events) != 1 || events[0].Repository != "" || slices.Contains(v1alpha1.EventKinds(), events[0].Kind)) {
				t.Errorf("%s as %s of %s: %+v", file, of.header, of.provider, events[0])
			}
		}
	}
}
