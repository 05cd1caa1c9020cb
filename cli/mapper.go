package cli

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
)

// unscoped are the kinds that commands read or write and that live in no namespace.
const unscoped = "ClusterRole ClusterRoleBinding CustomResourceDefinition MutatingWebhookConfiguration Namespace Node " +
	"PersistentVolume SelfSubjectAccessReview SelfSubjectReview StorageClass SubjectAccessReview TokenReview ValidatingWebhookConfiguration"

// mapper names the resources of kinds without asking the API server, which takes two
// requests of hundreds of kilobytes. What isn't there answers with 404.
func mapper(known *runtime.Scheme) meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	for kind := range known.AllKnownTypes() {
		scope := meta.RESTScopeNamespace
		if contains(unscoped, kind.Kind) {
			scope = meta.RESTScopeRoot
		}
		m.Add(kind, scope)
	}
	return m
}

func contains(words, word string) bool { return slices.Contains(strings.Fields(words), word) }
