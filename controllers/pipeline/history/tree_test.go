package history

import (
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Runs come in their order, which is the worst for a search tree that isn't kept
// flat.
func TestATreeIsFlat(t *testing.T) {
	t.Parallel()
	var grown tree
	for i := range 10_000 {
		run := &v1alpha1.Run{}
		run.UID = types.UID("run-" + strconv.Itoa(i))
		run.CreationTimestamp = metav1.NewTime(time.Unix(int64(i), 0))
		grown.insert(run)
	}
	if n, deep := grown.len(), depth(grown.root); n != 10_000 || deep > 50 {
		t.Errorf("%d Runs are %d deep, want 10,000 at most 50 deep", n, deep)
	}
}

func depth(n *node) int {
	if n == nil {
		return 0
	}
	return 1 + max(depth(n.left), depth(n.right))
}
