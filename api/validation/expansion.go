package validation

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// expand reads a text as Kubernetes does before it starts a container: `$$` is a
// dollar sign, $(NAME) the variable of that name, and every other `$` itself. It
// returns the names, and the length of the text with them as they are written.
func expand(text string) (names []string, length int) {
	length = len(text)
	last := strings.LastIndexByte(text, ')')
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '$' {
			continue
		}
		switch i++; {
		case text[i] == '$':
			length--
		case text[i] == '(' && i < last:
			end := i + strings.IndexByte(text[i:], ')')
			names = append(names, text[i+1:end])
			i = end
		}
	}
	return names, length
}

// carriers returns whether a variable carries what KayCI gives to the container,
// which is what an event's data is in: by itself, or because its value names one
// that does.
func carriers(env []corev1.EnvVar) func(name string) bool {
	found := map[string]bool{}
	carries := func(name string) bool { return strings.HasPrefix(name, v1alpha1.EnvPrefix) || found[name] }
	for i := range env {
		if names, _ := expand(env[i].Value); slices.ContainsFunc(names, carries) {
			found[env[i].Name] = true
		}
	}
	return carries
}
