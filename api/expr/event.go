package expr

import (
	"reflect"
	"strings"
)

// eventTypeName is what CEL calls Event: package and type name.
const eventTypeName = "expr.Event"

// Event is what an expression sees as `event`: the same fields for every
// provider, empty where an event has no such thing.
type Event struct {
	// Kind of event: push, pull_request, comment or release.
	Kind string `cel:"kind"`
	// Action is what became of the pull request, comment or release: opened. Empty for
	// a push.
	Action string `cel:"action"`
	// Repository as the provider names it: owner/name.
	Repository string `cel:"repository"`
	// CloneURL is the repository's address over http or https.
	CloneURL string `cel:"cloneURL"`
	// SHA of the commit that the ref now names; of a pull request its head.
	SHA string `cel:"sha"`
	// Before is the commit that the ref named before the push or update. Empty if there
	// was none, or if the host doesn't say it.
	Before string `cel:"before"`
	// MergeSHA is the host's test merge of a pull request with its base; once it is
	// merged, what it became. Empty if the host has none, or doesn't say it.
	MergeSHA string `cel:"mergeSHA"`
	// Ref in full: refs/heads/main. Of a pull request the one that its head can be
	// fetched by: refs/pull/7/head.
	Ref string `cel:"ref"`
	// Branch without refs/heads/; empty for a tag, and for a pull request, whose author
	// chooses its branch's name.
	Branch string `cel:"branch"`
	// Tag without refs/tags/; empty for a branch.
	Tag string `cel:"tag"`
	// Created says that the pushed ref is new.
	Created bool `cel:"created"`
	// Forced says that the push has taken commits away.
	Forced bool `cel:"forced"`
	// Sender is the user that caused the event.
	Sender string `cel:"sender"`
	// Title is the first line of the commit's message; of a pull request, its title.
	Title string `cel:"title"`
	// Message of the commit, whole; empty if the payload doesn't hold that commit.
	Message string `cel:"message"`
	// URL of the page about what happened.
	URL string `cel:"url"`
	// Paths that the pushed commits added, changed or removed, sorted.
	Paths []string `cel:"paths"`
	// PathsComplete says that Paths lacks none. Git hosts list few commits of a large
	// push, and none of a new branch.
	PathsComplete bool `cel:"pathsComplete"`
	// PullRequest that the event is about.
	PullRequest PullRequest `cel:"pullRequest"`
	// Comment on the pull request.
	Comment Comment `cel:"comment"`
	// Release that the event is about.
	Release Release `cel:"release"`
}

// PullRequest is a pull or merge request.
type PullRequest struct {
	// Number of the pull request; 0 if the event is about none.
	Number int64 `cel:"number"`
	// Title of it.
	Title string `cel:"title"`
	// Author is the user that has opened it.
	Author string `cel:"author"`
	// Draft says that it isn't ready.
	Draft bool `cel:"draft"`
	// Head is the name of the branch that is to be merged.
	Head string `cel:"head"`
	// Base is the name of the branch that it is to be merged into.
	Base string `cel:"base"`
	// HeadRepository is the repository of the head; empty if that was deleted.
	HeadRepository string `cel:"headRepository"`
	// Fork says that the head is in another repository, or that the host doesn't say
	// where it is.
	Fork bool `cel:"fork"`
	// Labels of it.
	Labels []string `cel:"labels"`
	// URL of its page.
	URL string `cel:"url"`
}

// Comment is a comment on a pull request.
type Comment struct {
	// Body is its text.
	Body string `cel:"body"`
	// Author is the user that wrote it.
	Author string `cel:"author"`
	// Command is the first that stands in it, without the slash: test. Empty if there
	// is none.
	Command string `cel:"command"`
	// Args are the words after the command.
	Args []string `cel:"args"`
}

// Release is a release at the git host.
type Release struct {
	// Name of it.
	Name string `cel:"name"`
	// Tag that it is made of.
	Tag string `cel:"tag"`
	// Draft says that only maintainers see it.
	Draft bool `cel:"draft"`
	// Prerelease says that it isn't ready for production.
	Prerelease bool `cel:"prerelease"`
	// URL of its page.
	URL string `cel:"url"`
}

// eventFields says which fields an event and its parts have.
func eventFields() string {
	event := reflect.TypeFor[Event]()
	found := []string{"event has " + fieldNames(event)}
	for field := range event.Fields() {
		if field.Type.Kind() == reflect.Struct {
			found = append(found, "event."+field.Tag.Get("cel")+" has "+fieldNames(field.Type))
		}
	}
	return strings.Join(found, "; ")
}

// fieldNames lists the fields that an expression sees of a type, in their order.
func fieldNames(t reflect.Type) string {
	names := make([]string, 0, t.NumField())
	for field := range t.Fields() {
		names = append(names, field.Tag.Get("cel"))
	}
	return strings.Join(names, ", ")
}
