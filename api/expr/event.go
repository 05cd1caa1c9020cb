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
	// Kind of event: push.
	Kind string `cel:"kind"`
	// Repository as the provider names it: owner/name.
	Repository string `cel:"repository"`
	// CloneURL is the repository's address over http or https.
	CloneURL string `cel:"cloneURL"`
	// SHA of the commit that the ref now names.
	SHA string `cel:"sha"`
	// Ref in full: refs/heads/main.
	Ref string `cel:"ref"`
	// Branch without refs/heads/; empty for a tag.
	Branch string `cel:"branch"`
	// Tag without refs/tags/; empty for a branch.
	Tag string `cel:"tag"`
	// Sender is the user that caused the event.
	Sender string `cel:"sender"`
	// Title is the first line of the commit's message.
	Title string `cel:"title"`
	// Message of the commit, whole.
	Message string `cel:"message"`
	// Paths that the pushed commits added, changed or removed, sorted.
	Paths []string `cel:"paths"`
	// PathsComplete says that Paths lacks none. Git hosts list few commits of a large
	// push, and none of a new branch.
	PathsComplete bool `cel:"pathsComplete"`
}

// fieldNames lists the fields that an expression sees of a type, in their order.
func fieldNames(t reflect.Type) string {
	names := make([]string, 0, t.NumField())
	for field := range t.Fields() {
		names = append(names, field.Tag.Get("cel"))
	}
	return strings.Join(names, ", ")
}
