package start

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// A delivery is a Run also while the defaults for jobs are at fault: it is pinned,
// and waits for that, afterwards.
func TestStartWithoutDefaults(t *testing.T) {
	s := starter(t, interceptor.Funcs{})
	s.Installed = &revision.Installed{Reader: s.APIReader, Key: types.NamespacedName{Namespace: "kayci", Name: "job-defaults"}}
	run, created, err := s.Start(t.Context(), request())
	if err != nil || !created || run.Spec.Revision != "" {
		t.Fatalf("got %+v, created is %v, the error %v", run, created, err)
	}
	if again, created, err := s.Start(t.Context(), request()); err != nil || created || again.UID != run.UID {
		t.Errorf("the same delivery again: created is %v, the error %v", created, err)
	}
}
