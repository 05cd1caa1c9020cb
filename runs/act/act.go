// Package act does to Runs what people may: start, cancel, retry, approve, and have a
// repository synced. Each is one request to the API server, with the rights of the
// client; what can be known to be wrong is said before. It prints nothing: a command
// calls it, and so does a page.
package act

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Manager owns the fields that people change by way of this package.
const Manager = "kayci-user"

// ErrReplaced says that the object isn't the one that was looked at any more: it was
// deleted, and perhaps made anew under the same name.
var ErrReplaced = errors.New("it was deleted since, or replaced by another of the same name: look again")

// patch merges changes into an object, and returns what it is afterwards. They are of
// the object that was looked at, which its UID tells from one that has taken its name.
func patch[T client.Object](ctx context.Context, c client.Client, seen T, changes map[string]any) (T, error) {
	var none T
	metadata, _ := changes["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["uid"] = seen.GetUID()
	changes["metadata"] = metadata
	data, err := json.Marshal(changes)
	if err != nil {
		return none, fmt.Errorf("write the patch: %w", err)
	}
	after, is := seen.DeepCopyObject().(T)
	if !is {
		return none, fmt.Errorf("copy a %T: it becomes another type", seen)
	}
	err = c.Patch(ctx, after, client.RawPatch(types.MergePatchType, data), client.FieldOwner(Manager))
	switch {
	case replaced(err):
		return none, ErrReplaced
	case err != nil:
		return none, err
	}
	return after, nil
}

// replaced reports whether the API server has found another UID, or nothing.
func replaced(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return true
	}
	details := status.Status().Details
	if !apierrors.IsInvalid(err) || details == nil {
		return false
	}
	for _, cause := range details.Causes {
		if cause.Field == "metadata.uid" {
			return true
		}
	}
	return false
}
