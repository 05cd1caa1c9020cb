package install

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Read returns the ConfigRepos of a ConfigRepoList in YAML or JSON. They stay
// unstructured, so that the API server sees, and refuses, an unknown field.
func Read(data []byte) ([]*unstructured.Unstructured, error) {
	var list struct {
		APIVersion string           `json:"apiVersion"`
		Kind       string           `json:"kind"`
		Items      []map[string]any `json:"items"`
	}
	if err := yaml.UnmarshalStrict(data, &list); err != nil {
		return nil, fmt.Errorf("parse the list of ConfigRepos: %w", err)
	}
	if list.APIVersion != v1alpha1.GroupVersion().String() || list.Kind != v1alpha1.ConfigRepoKind+"List" {
		return nil, fmt.Errorf("want a %s of %s, not %q of %q",
			v1alpha1.ConfigRepoKind+"List", v1alpha1.GroupVersion(), list.Kind, list.APIVersion)
	}
	repos := make([]*unstructured.Unstructured, 0, len(list.Items))
	seen := map[types.NamespacedName]bool{}
	var errs []error
	for i, item := range list.Items {
		repo := &unstructured.Unstructured{Object: item}
		if err := check(repo, seen); err != nil {
			errs = append(errs, fmt.Errorf("items[%d]: %w", i, err))
		}
		repos = append(repos, repo)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return repos, nil
}

func check(repo *unstructured.Unstructured, seen map[types.NamespacedName]bool) error {
	if repo.GroupVersionKind() != configRepoKind() {
		return fmt.Errorf("is no %s of %s", v1alpha1.ConfigRepoKind, v1alpha1.GroupVersion())
	}
	if repo.GetName() == "" || repo.GetNamespace() == "" {
		return errors.New("needs metadata.name and metadata.namespace")
	}
	key := keyOf(repo)
	if seen[key] {
		return fmt.Errorf("%s is listed twice", key)
	}
	seen[key] = true
	return nil
}

func keyOf(repo *unstructured.Unstructured) types.NamespacedName {
	return types.NamespacedName{Namespace: repo.GetNamespace(), Name: repo.GetName()}
}
