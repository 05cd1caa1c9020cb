package pull

import (
	"fmt"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// Admission is whether an event that the Trigger's filters take may start a Run.
type Admission string

// The admissions.
const (
	// Free: it may.
	Free Admission = "Free"
	// Shut: it may not.
	Shut Admission = "Shut"
	// Held: it may once its head is let in.
	Held Admission = "Held"
)

// Ignored is why a fork's head has no Run, whoever wants one.
const Ignored = "the pull request is of a fork, and spec.webhook.forks is Ignore"

// Admit returns whether the event may start a Run, and why not.
func Admit(webhook *v1alpha1.Webhook, e *event.Event) (Admission, string) {
	if e.PullRequest.Number == 0 || !e.PullRequest.Fork {
		return Free, ""
	}
	switch webhook.ForkPolicy() {
	case v1alpha1.ForksRun:
		return Free, ""
	case v1alpha1.ForksIgnore:
		return Shut, Ignored
	case v1alpha1.ForksRequireApproval:
	}
	if closed(e) {
		return Shut, "the pull request is of a fork and is closed, so its head can't be let in any more"
	}
	if e.SHA == "" {
		return Shut, "the comment doesn't say whether its pull request is of a fork: with spec.report KayCI asks the git host"
	}
	return Held, fmt.Sprintf("commit %s is of a fork", short(e.SHA))
}

// Missing says what a held head waits for, and who can give it. Asks says that the
// Trigger has credentials for the git host's API.
func Missing(provider v1alpha1.Provider, sha string, asks bool) string {
	var ways []string
	if labels(provider) {
		ways = append(ways, "the label "+v1alpha1.OkToTest)
	}
	if asks {
		ways = append(ways, fmt.Sprintf("the comment /%s %s", LetIn, sha))
	}
	if len(ways) == 0 {
		return "waits to be let in, which takes spec.report: this git host doesn't say who sets which label"
	}
	return "waits for " + strings.Join(ways, " or ") + " by someone with write access"
}

// labels says whether the host tells which label was set: Gitea tells that some were,
// and Bitbucket has none.
func labels(provider v1alpha1.Provider) bool {
	return provider == v1alpha1.ProviderGitHub || provider == v1alpha1.ProviderGitLab
}

// Unasked is why a command is refused where the git host can't be asked.
func Unasked(provider v1alpha1.Provider, wish Wish) string {
	reason := fmt.Sprintf("/%s is only for people with write access, and the Trigger has no spec.report, by which the git host could be asked who has", wish.Verb)
	if wish.Verb == LetIn && labels(provider) {
		reason += fmt.Sprintf(": set the label %s instead", v1alpha1.OkToTest)
	}
	return reason
}

// Denied is why the git host has the user not do what is only for people with write
// access.
func Denied(what, repository, user string) string {
	return fmt.Sprintf("%s is only for people with write access to %s, and %s has none", what, repository, printable.Text(user))
}

// Refuse returns why the wish is not granted for the head that the pull request has
// now. Empty: it is. It is for users who have write access.
func Refuse(webhook *v1alpha1.Webhook, wish Wish, head *event.Event, letIn bool) string {
	pr := head.PullRequest
	switch {
	case wish.Verb == LetIn && !pr.Fork:
		return fmt.Sprintf("pull request %d is of no fork, so its head doesn't wait to be let in", pr.Number)
	case wish.Verb == LetIn && !strings.HasPrefix(head.SHA, wish.SHA):
		return fmt.Sprintf("commit %s is not the head of pull request %d, which is %s now: look at that one", short(wish.SHA), pr.Number, short(head.SHA))
	case wish.Verb != Test || !pr.Fork || webhook.ForkPolicy() == v1alpha1.ForksRun:
		return ""
	case webhook.ForkPolicy() == v1alpha1.ForksIgnore:
		return Ignored
	case !letIn:
		return fmt.Sprintf("commit %s is of a fork, and nobody has let it in: /%s %s does", short(head.SHA), LetIn, short(head.SHA))
	}
	return ""
}
