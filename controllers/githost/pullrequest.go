package githost

import (
	"fmt"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// Limits of what an answer says of a pull request, in bytes, as the webhook's has
// them.
const (
	maxName  = 1024
	maxURL   = 2048
	maxTitle = 1024
	maxLabel = 100
)

// pullRequest checks what a host says of a pull request, and makes an event of it. Its
// author chooses most of that.
func pullRequest(e *event.Event) (*event.Event, error) {
	e.Kind = v1alpha1.EventPullRequest
	pr := &e.PullRequest
	for _, each := range []struct {
		what, value string
		most        int
	}{
		{"repository", e.Repository, maxName},
		{"clone address", e.CloneURL, maxURL},
		{"ref", e.Ref, maxName},
		{"head", pr.Head, maxName},
		{"base", pr.Base, maxName},
		{"head's repository", pr.HeadRepository, maxName},
		{"author", pr.Author, maxName},
		{"page", pr.URL, maxURL},
	} {
		if len(each.value) > each.most || strings.ContainsFunc(each.value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("the git host's pull request %d has a %s that can't be one", pr.Number, each.what)
		}
	}
	if !commit.MatchString(e.SHA) || pr.Number < 1 {
		return nil, fmt.Errorf("the git host's answer names no pull request and its head")
	}
	if !commit.MatchString(e.MergeSHA) {
		e.MergeSHA = ""
	}
	pr.Title = printable.Head(strings.ReplaceAll(pr.Title, "\x00", ""), maxTitle)
	pr.Labels = pr.Labels[:min(len(pr.Labels), maxLabel)]
	// What another repository holds anybody could have put there.
	pr.Fork = pr.HeadRepository == "" || pr.HeadRepository != e.Repository
	e.Title, e.URL, e.Sender, e.PathsGap = pr.Title, pr.URL, pr.Author, event.GapPull
	return e, nil
}
