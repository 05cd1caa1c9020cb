package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

// splitter walks lists and objects of objects down to what has a kind.
type splitter struct {
	// object takes what has a kind, and where in the output it stands.
	object func(place string, n *node)
	// fault takes what is wrong with what has none.
	fault func(fault)
}

func (s *splitter) walk(place string, n *node) {
	switch {
	case n.kind == nullKind:
	case n.kind == listKind:
		s.list(place, n)
	case isList(n):
		s.kubernetesList(place, n)
	case isObject(n):
		s.object(place, n)
	case n.kind == objectKind:
		for _, key := range slices.Sorted(slices.Values(n.keys)) {
			s.walk(strings.TrimPrefix(place+"."+key, "."), n.get(key))
		}
	default:
		s.fault(fault{Line: n.line, Object: place, Message: fmt.Sprintf(
			"expected an object with apiVersion and kind, a list or null; found a %s", n.kind)})
	}
}

func (s *splitter) list(place string, n *node) {
	for i, item := range n.items {
		s.walk(fmt.Sprintf("%s[%d]", place, i), item)
	}
}

// kubernetesList takes apart what `kubectl get -o yaml` prints.
func (s *splitter) kubernetesList(place string, n *node) {
	for _, key := range n.keys {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata", "items"}, key) {
			s.fault(fault{Line: n.lineOf(key), Object: place, Field: key, Message: "unknown field"})
		}
	}
	switch items := n.get("items"); {
	case items == nil || items.kind == nullKind:
	case items.kind != listKind:
		s.fault(fault{Line: items.line, Object: place, Field: "items", Message: "must be a list, not " + string(items.kind)})
	default:
		s.list(strings.TrimPrefix(place+".items", "."), items)
	}
}

func isList(n *node) bool {
	switch n.get("apiVersion").str() {
	case "v1":
		return n.get("kind").str() == "List"
	case v1alpha1.GroupVersion().String():
		kind := n.get("kind").str()
		return kind == v1alpha1.PipelineKind+"List" || kind == v1alpha1.TriggerKind+"List"
	default:
		return false
	}
}

func isObject(n *node) bool {
	return n.get("apiVersion") != nil || n.get("kind") != nil
}

// identity is what an object is called in errors: Kind/name, or its place.
func identity(place string, n *node) string {
	kind, name := n.get("kind").str(), n.get("metadata").get("name").str()
	if kind == "" || name == "" {
		return place
	}
	return kind + "/" + name
}

// oversize says what is wrong with an object that the cluster may have no room
// for.
func oversize(size, limit int) string {
	return fmt.Sprintf("is %d bytes as JSON, more than %d, which is all that the cluster is sure to store", size, limit)
}
