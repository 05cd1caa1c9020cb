package pull

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// Limits of what a status keeps of a held head, in bytes but for the repository's and
// the author's, which are in characters: a hundred of them have to fit.
const (
	maxRepository = 1024
	maxAuthor     = 253
	maxTitle      = 256
	maxURL        = 512
)

// Hold puts the event's head among those that are held, and returns whether that has
// changed them. The head replaces an older one of the same pull request, and where
// there are too many the oldest goes.
func Hold(held []v1alpha1.HeldHead, e *event.Event, now time.Time) ([]v1alpha1.HeldHead, bool) {
	entry := v1alpha1.HeldHead{
		Repository: repository(e), PullRequest: e.PullRequest.Number, SHA: e.SHA,
		Author: printable.Cut(printable.Text(e.PullRequest.Author), maxAuthor), Title: printable.Head(printable.Text(e.PullRequest.Title), maxTitle),
		Since: metav1.NewTime(now).Rfc3339Copy(),
	}
	if url := printable.Text(e.PullRequest.URL); len(url) <= maxURL {
		entry.URL = url
	}
	if at := find(held, e); at >= 0 && held[at].SHA == e.SHA {
		return held, false
	}
	held = append(without(held, e), entry)
	return held[max(0, len(held)-v1alpha1.MaxHeld):], true
}

// Release takes the pull request's head out of those that are held, and returns whether
// it was there. SHA is the head that is let in; empty: any.
func Release(held []v1alpha1.HeldHead, e *event.Event, sha string) ([]v1alpha1.HeldHead, bool) {
	at := find(held, e)
	if at < 0 || sha != "" && !sameCommit(sha, held[at].SHA) {
		return held, false
	}
	return without(held, e), true
}

func find(held []v1alpha1.HeldHead, e *event.Event) int {
	return slices.IndexFunc(held, func(h v1alpha1.HeldHead) bool { return same(h, e) })
}

func without(held []v1alpha1.HeldHead, e *event.Event) []v1alpha1.HeldHead {
	return slices.DeleteFunc(slices.Clone(held), func(h v1alpha1.HeldHead) bool { return same(h, e) })
}

func same(h v1alpha1.HeldHead, e *event.Event) bool {
	return h.Repository == repository(e) && h.PullRequest == e.PullRequest.Number
}

func repository(e *event.Event) string {
	return printable.Cut(printable.Text(e.Repository), maxRepository)
}
