package event

import (
	"encoding/json"
	"errors"

	"github.com/kayci/kayci/api/v1alpha1"
)

// What somebody wants of Runs that there are, by a button of the git host. It is for no
// filter of a Trigger.
const (
	// KindRerun is about the Run that Check names.
	KindRerun v1alpha1.EventKind = "rerun"
	// KindRerunAll is about whatever there is at the commit.
	KindRerunAll v1alpha1.EventKind = "rerun_all"
)

// Again reports whether somebody wants Runs again that there are.
func (e *Event) Again() bool { return e.Kind == KindRerun || e.Kind == KindRerunAll }

// maxCheck bounds how a Run is named, in bytes.
const maxCheck = 512

// GitHub's names of events about one check run, and about all of a commit.
const (
	githubCheckRun   = "check_run"
	githubCheckSuite = "check_suite"
)

// parseGitHubCheck reads what GitHub tells of check runs, of which only the wish for
// another run means anything.
func parseGitHubCheck(name string, payload []byte) ([]*Event, error) {
	var body struct {
		alikeEvent
		CheckRun struct {
			ID  string `json:"external_id"`
			SHA string `json:"head_sha"`
		} `json:"check_run"`
		CheckSuite struct {
			SHA string `json:"head_sha"`
		} `json:"check_suite"`
	}
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	if body.Action != "rerequested" {
		return unknown(name)
	}
	e := &Event{Kind: KindRerunAll, Repository: body.Repository.FullName, Sender: body.Sender.Login, SHA: commitOf(body.CheckSuite.SHA)}
	if name == githubCheckRun {
		e.Kind, e.SHA, e.Check = KindRerun, commitOf(body.CheckRun.SHA), body.CheckRun.ID
	}
	switch {
	case e.SHA == "":
		return nil, errors.New("the payload names no commit")
	case e.Sender == "":
		return nil, errors.New("the payload names no sender")
	case len(e.Check) > maxCheck || control.MatchString(e.Check):
		// Nothing of KayCI's is called so.
		e.Check = ""
	}
	return one(e, e.checkNames())
}
