package githost

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"k8s.io/utils/lru"
)

const (
	// checkPage is how many check runs are asked for at once: each comes with all of its
	// text.
	checkPage = 3
	// maxChecks bounds how many check runs are remembered.
	maxChecks = 4096
)

// githubApp is GitHub as an app sees it, which alone may make check runs.
type githubApp struct {
	github
	// app is its id: a number, or the newer client id.
	app string
	// known are the check runs that were made or found, by what tells them apart.
	known *lru.Cache
}

// newGithubApp returns the host by the token of an app's installation.
func newGithubApp(c *caller, as *app, known *lru.Cache) *githubApp {
	return &githubApp{github{hub{c}}, as.id, known}
}

// githubCheck is a check run in GitHub's words.
type githubCheck struct {
	Name       string       `json:"name"`
	SHA        string       `json:"head_sha,omitempty"`
	ID         string       `json:"external_id"`
	URL        string       `json:"details_url,omitempty"`
	Status     string       `json:"status"`
	Started    *time.Time   `json:"started_at,omitempty"`
	Conclusion string       `json:"conclusion,omitempty"`
	Ended      *time.Time   `json:"completed_at,omitempty"`
	Output     githubOutput `json:"output"`
}

type githubOutput struct {
	Title   string `json:"title"`
	Summary string `json:"summary"`
	Text    string `json:"text,omitempty"`
}

func githubCheckOf(check *Check) *githubCheck {
	said := &githubCheck{
		Name: check.Context, ID: check.ID, URL: check.URL,
		// GitHub takes no output without a summary.
		Output: githubOutput{check.Description, check.Summary, check.Text},
	}
	if said.Output.Summary == "" {
		said.Output.Summary = check.Description
	}
	if !check.Started.IsZero() {
		said.Started = &check.Started
	}
	said.Status, said.Conclusion = githubState(check)
	if said.Conclusion != "" && !check.Ended.IsZero() {
		said.Ended = &check.Ended
	}
	return said
}

// githubState is the state in GitHub's words. What has a conclusion is completed.
func githubState(check *Check) (status, conclusion string) {
	switch check.State {
	case Success:
		return githubCompleted, "success"
	case Failure:
		return githubCompleted, "failure"
	case Cancelled:
		return githubCompleted, "cancelled"
	case Running:
		return "in_progress", ""
	case Pending:
	}
	if check.ActionRequired {
		return githubCompleted, "action_required"
	}
	return "queued", ""
}

const githubCompleted = "completed"

// madeCheck is a check run that GitHub has.
type madeCheck struct {
	Number int64  `json:"id"`
	ID     string `json:"external_id"`
	Status string `json:"status"`
	App    struct {
		Client string `json:"client_id"`
	} `json:"app"`
}

// SetCheck implements Checker. A check run that isn't known is looked for before one is
// made: the process that made it may have ended since.
func (g *githubApp) SetCheck(ctx context.Context, repository, sha string, check *Check) error {
	path, err := g.repository(repository)
	if err == nil {
		err = checkCommit(sha)
	}
	if err != nil {
		return err
	}
	key := strings.Join([]string{g.base.String(), g.app, path, sha, check.Context, check.ID}, "\n")
	made, err := g.made(ctx, key, path, sha, check)
	if err != nil {
		return err
	}
	said := githubCheckOf(check)
	switch {
	case made == nil:
		said.SHA, made = sha, &madeCheck{}
		err = g.do(ctx, post(path+"/check-runs", said), made)
	case made.Status == githubCompleted && said.Status != githubCompleted:
		return nil
	default:
		err = g.do(ctx, ask{method: http.MethodPatch, path: fmt.Sprintf("%s/check-runs/%d", path, made.Number), body: said}, made)
	}
	g.remember(key, made, err)
	return err
}

// made returns the check run that there is, or nil.
func (g *githubApp) made(ctx context.Context, key, path, sha string, check *Check) (*madeCheck, error) {
	if known, is := g.known.Get(key); is {
		if made, is := known.(madeCheck); is {
			return &made, nil
		}
	}
	query := url.Values{"check_name": {check.Context}, "filter": {"all"}, "per_page": {strconv.Itoa(checkPage)}}
	numbered := decimal.MatchString(g.app)
	if numbered {
		query.Set("app_id", g.app)
	}
	var found *madeCheck
	for page := 1; page <= maxPages; page++ {
		var list struct {
			Checks []madeCheck `json:"check_runs"`
		}
		query.Set("page", strconv.Itoa(page))
		if err := g.do(ctx, get(path+"/commits/"+sha+"/check-runs", query), &list); err != nil {
			return nil, err
		}
		for i := range list.Checks {
			each := &list.Checks[i]
			// Another app may say the same, and of two that were made at once GitHub shows
			// the newer.
			own := each.ID == check.ID && (numbered || each.App.Client == g.app)
			if own && (found == nil || each.Number > found.Number) {
				found = each
			}
		}
		if len(list.Checks) < checkPage {
			break
		}
	}
	return found, nil
}

// remember keeps what GitHub says of the check run. After an error it is looked for
// again.
func (g *githubApp) remember(key string, made *madeCheck, err error) {
	if err != nil || made.Number == 0 {
		g.known.Remove(key)
		return
	}
	g.known.Add(key, *made)
}
