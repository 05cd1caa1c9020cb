// Package copies keeps tests that run at the same time from sharing objects: a fake client
// writes to those that it is given.
package copies

import (
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Of returns copies of the objects.
func Of[T client.Object](objects ...T) []T {
	copies := make([]T, len(objects))
	for i, object := range objects {
		copied, is := object.DeepCopyObject().(T)
		if !is {
			panic(fmt.Sprintf("the copy of a %T is none", object))
		}
		copies[i] = copied
	}
	return copies
}
