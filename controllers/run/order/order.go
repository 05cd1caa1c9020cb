// Package order is the order of Runs: that in which the API server created them.
// It is pure.
package order

import (
	"cmp"

	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Compare orders Runs by creation. Times of creation are whole seconds: within
// one, the version at creation decides, which the API server counts up.
func Compare(a, b *v1alpha1.Run) int {
	return cmp.Or(
		a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		compareVersions(Version(a), Version(b)),
		cmp.Compare(a.Name, b.Name),
	)
}

// Version returns the resourceVersion that the Run was created with, or the
// earliest that is known, which is later only if somebody changed the Run before
// KayCI saw it. It is blank if there is none to go by.
func Version(run *v1alpha1.Run) string {
	recorded, noted := run.Status.CreatedVersion, run.Annotations[v1alpha1.CreatedVersionAnnotation]
	switch {
	case valid(recorded):
		return recorded
	case run.Status.Phase != "":
		// Its status was written before versions were recorded, and changed this one.
		return ""
	case valid(noted):
		return noted
	case valid(run.ResourceVersion):
		return run.ResourceVersion
	default:
		return ""
	}
}

func valid(version string) bool {
	_, err := resourceversion.CompareResourceVersion(version, version)
	return err == nil
}

// compareVersions takes none for the earliest.
func compareVersions(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(a), len(b))
	}
	order, err := resourceversion.CompareResourceVersion(a, b)
	if err != nil {
		return 0 // Both are valid: see Version.
	}
	return order
}
