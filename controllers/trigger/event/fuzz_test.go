package event

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
)

func FuzzParseGitHub(f *testing.F) {
	fuzzParse(f, v1alpha1.ProviderGitHub, "github-", "push", "pull_request", "issue_comment", "release", "check_run", "check_suite")
}

func FuzzParseGitea(f *testing.F) {
	fuzzParse(f, v1alpha1.ProviderGitea, "gitea-", "push", "pull_request", "issue_comment", "release")
}

func FuzzParseGitLab(f *testing.F) {
	fuzzParse(f, v1alpha1.ProviderGitLab, "gitlab-", "")
}

func FuzzParseBitbucket(f *testing.F) {
	fuzzParse(f, v1alpha1.ProviderBitbucket, "bitbucket-", "repo:push", "pullrequest:created", "pullrequest:comment_created")
}

func FuzzParseDataCenter(f *testing.F) {
	fuzzParse(f, v1alpha1.ProviderBitbucketServer, "datacenter-", "repo:refs_changed", "pr:opened", "pr:comment:added")
}

// fuzzParse checks that whatever a payload says, the values of its events keep their
// limits and promises.
func fuzzParse(f *testing.F, provider v1alpha1.Provider, prefix string, headers ...string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", prefix+"*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("%d payloads of %s: %v", len(files), provider, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for i := range headers {
			f.Add(uint8(i), raw)
		}
	}
	f.Add(uint8(0), []byte(`{"ref":"refs/heads/a","after":"`+zero+`","commits":[null],"repository":{"full_name":"a"}}`))
	f.Fuzz(func(t *testing.T, header uint8, raw []byte) {
		events, err := Parse(provider, headers[int(header)%len(headers)], raw)
		if err != nil {
			return
		}
		for _, e := range events {
			expectBounded(t, e)
			expectConsistent(t, e)
		}
	})
}

func expectBounded(t *testing.T, e *Event) {
	t.Helper()
	pull := &e.PullRequest
	for _, value := range []struct {
		of    string
		limit int
	}{
		{string(e.Kind), maxKind + len(" without a commit")},
		{string(e.Action), maxKind},
		{e.Repository, maxRepository},
		{pull.HeadRepository, maxRepository},
		{e.CloneURL, maxURL},
		{e.URL, maxURL},
		{pull.URL, maxURL},
		{e.Ref, maxRef},
		{pull.Head, maxRef},
		{pull.Base, maxRef},
		{e.Sender, maxSender},
		{pull.Author, maxSender},
		{e.Comment.Author, maxSender},
		{e.Title, maxTitle},
		{pull.Title, maxTitle},
		{e.Release.Name, maxTitle},
		{e.Message, maxMessage},
		{e.Comment.Body, maxMessage},
		{e.Label, maxLabel},
		{e.Check, maxCheck},
	} {
		if len(value.of) > value.limit {
			t.Errorf("%d bytes, where %d is the limit: %.40q", len(value.of), value.limit, value.of)
		}
	}
	if len(e.Paths) > maxPaths || len(pull.Labels) > maxLabels || len(e.Comment.Args) > maxArgs {
		t.Errorf("%d paths, %d labels, %d arguments", len(e.Paths), len(pull.Labels), len(e.Comment.Args))
	}
}

func expectConsistent(t *testing.T, e *Event) {
	t.Helper()
	switch {
	case e.Kind == v1alpha1.EventPush && e.Deleted == (e.SHA != ""):
		t.Errorf("deleted is %v with the commit %q", e.Deleted, e.SHA)
	case e.SHA != "" && !shaPattern.MatchString(e.SHA) && !shortPattern.MatchString(e.SHA):
		t.Errorf("the commit is %q", e.SHA)
	case e.Again() && (e.SHA == "" || e.Sender == "" || e.Repository == ""):
		t.Errorf("a wish for %q again by %q in %q", e.SHA, e.Sender, e.Repository)
	case e.Branch != "" && e.Tag != "":
		t.Errorf("both the branch %q and the tag %q", e.Branch, e.Tag)
	case e.URL != "" && !strings.HasPrefix(e.URL, "http"):
		t.Errorf("the page is %q", e.URL)
	}
	expectConsistentPull(t, e)
}

func expectConsistentPull(t *testing.T, e *Event) {
	t.Helper()
	switch pull := &e.PullRequest; {
	case pull.Number != 0 && e.Branch+e.Tag != "":
		t.Errorf("a pull request of the branch %q or tag %q", e.Branch, e.Tag)
	case pull.Number != 0 && !pull.Fork && pull.HeadRepository == "":
		t.Error("a pull request from an unknown repository counts as none of a fork")
	case (e.Kind == v1alpha1.EventPullRequest || e.Kind == v1alpha1.EventComment) && (pull.Number <= 0 && e.Repository != ""):
		t.Errorf("a pull request has the number %d", pull.Number)
	}
}
