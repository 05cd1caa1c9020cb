package view

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Origin is where a Run came from, for people. What isn't known is blank.
type Origin struct {
	// Ref is the branch, tag or pull request: main, v1.2.0, PR 42.
	Ref string
	// SHA is the commit's, whole.
	SHA string
	// Title of the commit or pull request.
	Title string
	// By is who caused it.
	By string
	// Event is what happened: push, pull request, or what else started the Run.
	Event string
	// URL of the page about it. It comes from a git host: only http and https are let
	// through.
	URL string
}

// Commit is the branch, tag or pull request, at the commit: main@8f3c1d0.
func (o *Origin) Commit() string {
	short := o.SHA[:min(len(o.SHA), 7)]
	if o.Ref == "" || short == "" {
		return o.Ref + short
	}
	return o.Ref + "@" + short
}

func originOf(run *v1alpha1.Run) Origin {
	from := run.Spec.Origin
	if from == nil {
		return Origin{}
	}
	o := Origin{
		Ref: refOf(from), SHA: line(from.SHA), Title: line(from.Title), By: line(cmp.Or(from.Sender, from.Author)), Event: eventOf(from),
	}
	if strings.HasPrefix(from.URL, "https://") || strings.HasPrefix(from.URL, "http://") {
		o.URL = line(from.URL)
	}
	return o
}

func refOf(from *v1alpha1.Origin) string {
	if from.PullRequest > 0 {
		return fmt.Sprintf("PR %d", from.PullRequest)
	}
	ref := cmp.Or(from.Branch, from.Tag, from.Ref)
	for _, prefix := range []string{"refs/heads/", "refs/tags/", "refs/"} {
		if name, found := strings.CutPrefix(ref, prefix); found {
			return line(name)
		}
	}
	return line(ref)
}

func eventOf(from *v1alpha1.Origin) string {
	switch {
	case from.Run != "":
		return "end of " + line(from.Run)
	case from.PullRequest > 0:
		return "pull request"
	case from.Tag != "" || strings.HasPrefix(from.Ref, "refs/tags/"):
		return "tag"
	case from.Provider != "" && (from.Branch != "" || from.Ref != ""):
		return "push"
	}
	return line(from.Trigger)
}

// line is a text in one line, fit for eyes.
func line(text string) string {
	return printable.Text(strings.Join(strings.Fields(text), " "))
}
