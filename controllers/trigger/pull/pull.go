// Package pull decides what an event about a pull request means to a Trigger beside
// what the Trigger's filters say: whether a fork's head may run, who has to be asked
// before a command is obeyed, and which Runs an event ends. It is pure.
//
// A comment's text, and who is said to have written it, are of a payload that the git
// host has signed. Whether that user may write is for the host's API to say, and so is
// which commit the head is by then.
package pull

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// Verb is what somebody wants of KayCI.
type Verb string

// The verbs.
const (
	// Nothing: the event is for the Trigger's filters.
	Nothing Verb = ""
	// LetIn a fork's head, which starts its Run.
	LetIn Verb = v1alpha1.OkToTest
	// Test starts a Run of the head.
	Test Verb = "test"
	// Retest retries the head's last Run, if it has failed.
	Retest Verb = "retest"
	// Cancel the pull request's Runs that have not ended.
	Cancel Verb = "cancel"
)

// minPrefix of a commit's name says which commit a person means.
const minPrefix = 7

var prefixPattern = regexp.MustCompile(fmt.Sprintf(`^[0-9a-f]{%d,64}$`, minPrefix))

// Wish is what an event wants of KayCI for one Trigger.
type Wish struct {
	Verb Verb
	// By is the user who has to have write access.
	By string
	// Label: it was set as a label. The git host lets only people with rights do that,
	// which has to be enough where it can't be asked who has write access.
	Label bool
	// SHA is the beginning of the head's name that a yes is about.
	SHA string
	// Refused is why it is not granted, whoever asks.
	Refused string
	// NotMeant is why the wish is not for this Trigger.
	NotMeant string
}

// What the wish is called.
func (w *Wish) What() string {
	if w.Label {
		return "the label " + v1alpha1.OkToTest
	}
	return "/" + string(w.Verb)
}

// Understand returns what the event wants. Of comments, only a new one's counts: who
// edits another's comment doesn't speak for that one's author.
func Understand(trigger string, webhook *v1alpha1.Webhook, e *event.Event) Wish {
	if !slices.Contains(webhook.Events, v1alpha1.EventPullRequest) {
		return Wish{}
	}
	switch {
	case e.Kind == v1alpha1.EventPullRequest && e.Action == v1alpha1.ActionLabeled:
		return ofLabel(webhook, e)
	case e.Kind == v1alpha1.EventComment && e.Action == v1alpha1.ActionCreated:
		return ofComment(trigger, webhook, e)
	}
	return Wish{}
}

func ofLabel(webhook *v1alpha1.Webhook, e *event.Event) Wish {
	if e.Label != v1alpha1.OkToTest || !e.PullRequest.Fork || webhook.ForkPolicy() != v1alpha1.ForksRequireApproval {
		return Wish{}
	}
	return Wish{Verb: LetIn, By: e.Sender, Label: true, SHA: e.SHA}
}

func ofComment(trigger string, webhook *v1alpha1.Webhook, e *event.Event) Wish {
	wish := Wish{Verb: Verb(e.Comment.Command), By: e.Comment.Author}
	args := e.Comment.Args
	switch wish.Verb {
	case LetIn:
		return letIn(wish, webhook, args)
	case Test:
		if len(args) > 0 && args[0] != trigger {
			wish.NotMeant = fmt.Sprintf("/test %s is not for this Trigger", printable.Cut(args[0], maxArg))
		}
	case Retest, Cancel:
	default:
		return Wish{}
	}
	return wish
}

// maxArg bounds what a reason repeats of a command, in characters.
const maxArg = 64

func letIn(wish Wish, webhook *v1alpha1.Webhook, args []string) Wish {
	if policy := webhook.ForkPolicy(); policy != v1alpha1.ForksRequireApproval {
		wish.NotMeant = fmt.Sprintf("spec.webhook.forks is %s, so no head waits to be let in", policy)
		return wish
	}
	if len(args) != 1 || !prefixPattern.MatchString(args[0]) {
		wish.Refused = fmt.Sprintf("/%s takes the commit that was looked at: at least its first %d characters, in lower case", LetIn, minPrefix)
		return wish
	}
	wish.SHA = args[0]
	return wish
}

// Key of a head's Run, of which there is one however many people let the head in. A
// Trigger may be told of many repositories, and a yes is about one.
func Key(head *event.Event) string {
	return fmt.Sprintf("%s/%s/%d/%s", LetIn, head.Repository, head.PullRequest.Number, head.SHA)
}

// Proposed is the event that a Trigger's filters are asked about for a head that
// somebody wants to run: its pull request, with an action that the Trigger takes.
func Proposed(webhook *v1alpha1.Webhook, head *event.Event) *event.Event {
	proposed := *head
	proposed.Kind, proposed.Label = v1alpha1.EventPullRequest, ""
	proposed.Action = v1alpha1.ActionOpened
	taken := slices.DeleteFunc(slices.Clone(webhook.Actions), func(action v1alpha1.EventAction) bool {
		return !slices.Contains(v1alpha1.EventPullRequest.Actions(), action)
	})
	if len(taken) > 0 && !slices.Contains(taken, proposed.Action) {
		proposed.Action = taken[0]
	}
	return &proposed
}

// Completed is a comment's event with what the git host says of its pull request, of
// which some hosts' comments say little.
func Completed(comment, head *event.Event) *event.Event {
	completed := *comment
	completed.SHA, completed.MergeSHA, completed.Ref, completed.PullRequest = head.SHA, head.MergeSHA, head.Ref, head.PullRequest
	return &completed
}

// Unheard is why a comment is refused where the git host can't be asked who has written
// it.
const Unheard = "a comment starts Runs only for people with write access, and the Trigger has no spec.report, by which the git host could be asked who has"

// short is how much of a commit's name people are shown.
func short(sha string) string { return sha[:min(len(sha), 12)] }
