package pods_test

import (
	"testing"

	testclock "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/jobpod"
	"github.com/kayci/kayci/test/stored"
)

// TestHalfClosed: who stops sending while the store is busy, and still listens, isn't told
// that all is well.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	p := jobpod.New(jobpod.Run("one", nil), "build", "build-x")
	cluster, err := jobpod.NewCluster(p)
	if err != nil {
		t.Fatal(err)
	}
	m := &bucket.Memory{}
	handler := cluster.Handler(m, testclock.NewFakePassiveClock(jobpod.Began()))
	if said := stored.HalfClosed(t, m, handler, "/v1/pod/caches?key=k", p.Token); said != "" {
		t.Errorf("it is told %q", said)
	}
}
