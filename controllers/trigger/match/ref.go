package match

import (
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// decideRef asks for one of `branches`, or one of `tags`. They are two lists rather
// than one filter: each is about other events, and only a push may be about either.
func decideRef(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	switch e.Kind {
	case v1alpha1.EventPush:
		return decidePushed(webhook, e)
	case v1alpha1.EventRelease:
		return named{"tag", "spec.webhook.tags", webhook.Tags}.decide(e.Release.Tag)
	default:
		return decideBase(webhook, e)
	}
}

func decideBase(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	base := named{"base", "spec.webhook.branches", webhook.Branches}
	if len(base.patterns) > 0 && e.PullRequest.Base == "" {
		return unknown(BaseBranch, "the base of pull request %d is unknown", e.PullRequest.Number)
	}
	return base.decide(e.PullRequest.Base)
}

func decidePushed(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	branches, tags := named{"branch", "spec.webhook.branches", webhook.Branches}, named{"tag", "spec.webhook.tags", webhook.Tags}
	onlyBranches, onlyTags := len(tags.patterns) == 0, len(branches.patterns) == 0
	switch {
	case onlyBranches && onlyTags:
		return yes("a push of %s", e.Ref)
	case e.Branch != "" && !onlyTags:
		return branches.decide(e.Branch)
	case e.Tag != "" && !onlyBranches:
		return tags.decide(e.Tag)
	case e.Branch != "":
		return no("branch %s is no tag, and tags are given", e.Branch)
	case e.Tag != "":
		return no("tag %s is no branch, and branches are given", e.Tag)
	case onlyBranches:
		return no("%s is no branch, and branches are given", e.Ref)
	case onlyTags:
		return no("%s is no tag, and tags are given", e.Ref)
	default:
		return no("%s is neither branch nor tag, and both are given", e.Ref)
	}
}

// named are the patterns of a field for what a person calls so.
type named struct {
	what, field string
	patterns    []string
}

// decide asks for one of the patterns, if there are any.
func (n named) decide(name string) Decision {
	if len(n.patterns) == 0 {
		return Decision{Outcome: Matched}
	}
	for _, pattern := range n.patterns {
		one, err := newGlob(pattern)
		if err != nil {
			return invalid("%s: %v", n.field, err)
		}
		if one.matches(name) {
			return yes("%s %s matches %s", n.what, name, pattern)
		}
	}
	return no("%s %s matches none of %s", n.what, name, list(n.patterns))
}
