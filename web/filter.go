package web

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
)

// How many Runs a list shows, unless it is asked for more, and at most.
const (
	usualRuns = 50
	mostRuns  = 500
)

// filter says which Runs a list shows. All of it stands in the page's address.
type filter struct {
	Pipeline, Phase, Ref, SHA, PR, Sender string
	// Q is looked for in all of these, and in the name and title.
	Q     string
	Limit int
}

func filterOf(query url.Values) filter {
	f := filter{
		Pipeline: query.Get("pipeline"), Phase: query.Get("phase"), Ref: query.Get("ref"), SHA: query.Get("sha"),
		PR: strings.TrimPrefix(query.Get("pr"), "#"), Sender: query.Get("sender"), Q: query.Get("q"), Limit: usualRuns,
	}
	if limit, err := strconv.Atoi(query.Get("limit")); err == nil && limit > 0 {
		f.Limit = min(limit, mostRuns)
	}
	return f
}

// Query is the filter as it stands in an address, without what is not set.
func (f *filter) Query() string {
	query := url.Values{}
	for name, value := range map[string]string{
		"pipeline": f.Pipeline, "phase": f.Phase, "ref": f.Ref, "sha": f.SHA, "pr": f.PR, "sender": f.Sender, "q": f.Q,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.Limit != usualRuns {
		query.Set("limit", strconv.Itoa(f.Limit))
	}
	return query.Encode()
}

// Set reports whether the filter leaves anything out.
func (f *filter) Set() bool {
	return f.Pipeline+f.Phase+f.Ref+f.SHA+f.PR+f.Sender+f.Q != ""
}

// More is the address of the same list with more Runs.
func (f *filter) More() string {
	more := *f
	more.Limit = min(4*f.Limit, mostRuns)
	return more.Query()
}

func (f *filter) query(seen func(*v1alpha1.Run)) find.Query {
	return find.Query{Limit: f.Limit, Keep: func(run *v1alpha1.Run) bool {
		seen(run)
		return f.matches(run)
	}}
}

// matches reports whether the list shows the Run.
func (f *filter) matches(run *v1alpha1.Run) bool {
	origin := v1alpha1.Origin{}
	if run.Spec.Origin != nil {
		origin = *run.Spec.Origin
	}
	return same(f.Pipeline, run.Spec.Pipeline) && f.hasPhase(run) &&
		(f.Ref == "" || f.Ref == origin.Ref || f.Ref == origin.Branch || "refs/heads/"+f.Ref == origin.Ref || "refs/tags/"+f.Ref == origin.Ref) &&
		strings.HasPrefix(origin.SHA, strings.ToLower(f.SHA)) &&
		same(f.PR, strconv.FormatInt(origin.PullRequest, 10)) && same(f.Sender, origin.Sender) && f.mentions(run, &origin)
}

func same(asked, is string) bool { return asked == "" || asked == is }

// hasPhase takes `active` for those that have not ended.
func (f *filter) hasPhase(run *v1alpha1.Run) bool {
	if f.Phase == "active" {
		return !run.Status.Phase.Finished()
	}
	phase := run.Status.Phase
	if phase == "" {
		phase = v1alpha1.RunQueued
	}
	return same(f.Phase, string(phase))
}

func (f *filter) mentions(run *v1alpha1.Run, origin *v1alpha1.Origin) bool {
	q := strings.ToLower(strings.TrimSpace(f.Q))
	if q == "" || q == run.Spec.Pipeline+"/"+strconv.FormatInt(run.Status.Number, 10) || q == "#"+strconv.FormatInt(run.Status.Number, 10) {
		return true
	}
	for _, text := range []string{run.Name, run.Spec.Pipeline, origin.Ref, origin.Branch, origin.SHA, origin.Title, origin.Sender, origin.Author, origin.Repository, origin.Trigger} {
		if strings.Contains(strings.ToLower(text), q) {
			return true
		}
	}
	return false
}
