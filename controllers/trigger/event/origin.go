package event

import (
	"cmp"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// maxOriginTitle bounds what a Run keeps of a title, in bytes.
const maxOriginTitle = 256

// Origin is the event as a Run keeps it, for people and programs that look at the
// Run. What the event came by is the caller's to add.
func (e *Event) Origin() v1alpha1.Origin {
	return v1alpha1.Origin{
		Repository:  printable.Text(e.Repository),
		SHA:         e.SHA,
		Ref:         printable.Text(e.Ref),
		Branch:      printable.Text(e.Branch),
		BaseBranch:  printable.Text(e.PullRequest.Base),
		Tag:         printable.Text(e.Tag),
		PullRequest: e.PullRequest.Number,
		Fork:        e.PullRequest.Fork,
		Title:       printable.Head(printable.Text(e.Title), maxOriginTitle),
		Author:      printable.Head(printable.Text(cmp.Or(e.PullRequest.Author, e.Author)), maxSender),
		URL:         printable.Text(e.URL),
		Sender:      printable.Text(e.Sender),
	}
}
