package event

import "github.com/kayci/kayci/api/v1alpha1"

// release is what all providers say about a release.
type release struct {
	repository, cloneURL, sender string
	action                       string
	// author of the release; of its commit where the provider says no more.
	author string
	// sha and message of the commit, where the provider says them.
	sha, message string
	Release
}

// gapRelease is why the paths of a release are not known.
const gapRelease = "the git host lists no paths of a release"

// event of the release. One without a tag, as a draft may be, is none that is known: there
// is nothing to run.
func (r *release) event() (*Event, error) {
	if r.Tag == "" {
		return &Event{Kind: v1alpha1.EventRelease + " without a tag"}, nil
	}
	e := &Event{
		Kind: v1alpha1.EventRelease, Action: r.neutral(), Repository: r.repository, CloneURL: r.cloneURL, Sender: r.sender,
		Ref: tagPrefix + r.Tag, Tag: r.Tag, SHA: commitOf(r.sha), Message: cutText(r.message, maxMessage),
		Author: cutLine(r.author, maxSender),
		URL:    pageURL(r.URL), PathsGap: gapRelease, Release: r.Release,
	}
	e.Release.Name, e.Release.URL = cutTitle(r.Name), e.URL
	e.Title = e.Release.Name
	return e, e.checkNames()
}

// neutral is the action. GitLab creates what can be seen at once.
func (r *release) neutral() v1alpha1.EventAction {
	switch r.action {
	case "updated", "update":
		return v1alpha1.ActionEdited
	case "create":
		return v1alpha1.ActionPublished
	}
	return v1alpha1.EventAction(cleaned(r.action))
}
