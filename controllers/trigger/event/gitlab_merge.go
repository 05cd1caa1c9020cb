package event

import (
	"encoding/json"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

// gitlabMerge is a merge request, in its own events and in those of its comments.
type gitlabMerge struct {
	Number        int64  `json:"iid"`
	Title         string `json:"title"`
	Author        int64  `json:"author_id"`
	Draft         *bool  `json:"draft"`
	SourceBranch  string `json:"source_branch"`
	TargetBranch  string `json:"target_branch"`
	SourceProject int64  `json:"source_project_id"`
	TargetProject int64  `json:"target_project_id"`
	// Source is null when the fork is gone.
	Source     *gitlabProject `json:"source"`
	Merge      string         `json:"merge_commit_sha"`
	URL        string         `json:"url"`
	LastCommit struct {
		ID      string `json:"id"`
		Message string `json:"message"`
	} `json:"last_commit"`
	Labels labels `json:"labels"`
}

// pull says the merge request as all providers do. Its author is known by name only
// where the author has caused the event.
func (m *gitlabMerge) pull(project *gitlabProject, sender *gitlabUser) pull {
	said := pull{
		repository: project.Path,
		cloneURL:   project.CloneURL,
		sender:     sender.Username,
		number:     m.Number,
		ref:        numbered("refs/merge-requests/%d/head", m.Number),
		title:      m.Title,
		draft:      gitlabDraft(m.Title),
		sha:        m.LastCommit.ID,
		merge:      m.Merge,
		message:    m.LastCommit.Message,
		head:       m.SourceBranch,
		base:       m.TargetBranch,
		fork:       m.Source == nil || m.SourceProject == 0 || m.SourceProject != m.TargetProject,
		labels:     m.Labels,
		url:        m.URL,
	}
	if m.Draft != nil {
		said.draft = *m.Draft
	}
	if m.Source != nil {
		said.headRepository = m.Source.Path
	}
	if sender.ID != 0 && sender.ID == m.Author {
		said.author = sender.Username
	}
	if m.URL == "" {
		said.url = numbered(project.WebURL+"/-/merge_requests/%d", m.Number)
	}
	return said
}

// gitlabDraft goes by the title, as GitLab does.
func gitlabDraft(title string) bool {
	title = strings.ToLower(title)
	for _, mark := range []string{"draft:", "[draft]", "(draft)", "wip:", "[wip]"} {
		if strings.HasPrefix(title, mark) {
			return true
		}
	}
	return false
}

// gitlabChanges are what an update has changed. Behind a push GitLab lists labels that
// nobody has changed: they count only without one.
type gitlabChanges struct {
	Draft *struct {
		Previous bool `json:"previous"`
		Current  bool `json:"current"`
	} `json:"draft"`
	Title *struct {
		Previous string `json:"previous"`
		Current  string `json:"current"`
	} `json:"title"`
	Description  *struct{} `json:"description"`
	TargetBranch *struct{} `json:"target_branch"`
	Labels       struct {
		Previous labels `json:"previous"`
		Current  labels `json:"current"`
	} `json:"labels"`
}

func parseGitLabMerge(payload []byte) ([]*Event, error) {
	var body struct {
		User       gitlabUser    `json:"user"`
		Project    gitlabProject `json:"project"`
		Attributes struct {
			gitlabMerge
			Action string `json:"action"`
			// OldRev is the head that an update has replaced.
			OldRev string `json:"oldrev"`
		} `json:"object_attributes"`
		Changes gitlabChanges `json:"changes"`
	}
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	said := body.Attributes.pull(&body.Project, &body.User)
	said.before = body.Attributes.OldRev
	if body.Attributes.Action == "update" && body.Attributes.OldRev == "" {
		if changes := body.Changes.list(); len(changes) > 0 {
			return said.events(changes...)
		}
	}
	return said.events(change{action: gitlabAction(body.Attributes.Action, body.Attributes.OldRev != "")})
}

func gitlabAction(action string, pushed bool) v1alpha1.EventAction {
	switch {
	case action == "open":
		return v1alpha1.ActionOpened
	case action == "update" && pushed:
		return v1alpha1.ActionUpdated
	case action == "reopen":
		return v1alpha1.ActionReopened
	case action == "close":
		return v1alpha1.ActionClosed
	case action == "merge":
		return v1alpha1.ActionMerged
	}
	return v1alpha1.EventAction(cleaned(action))
}

func (c *gitlabChanges) list() []change {
	var found []change
	edited := c.Title != nil || c.Description != nil || c.TargetBranch != nil
	if action := c.redrafted(); action != v1alpha1.ActionEdited {
		found, edited = append(found, change{action: action}), c.Description != nil || c.TargetBranch != nil
	}
	if before, after := &c.Labels.Previous, &c.Labels.Current; !before.cut && !after.cut {
		found = append(found, labelChanges(after.without(before), before.without(after))...)
	}
	if edited {
		found = append(found, change{action: v1alpha1.ActionEdited})
	}
	return found
}

func (c *gitlabChanges) redrafted() v1alpha1.EventAction {
	switch {
	case c.Draft != nil:
		return redrafted(c.Draft.Previous, c.Draft.Current)
	case c.Title != nil:
		return redrafted(gitlabDraft(c.Title.Previous), gitlabDraft(c.Title.Current))
	}
	return v1alpha1.ActionEdited
}
