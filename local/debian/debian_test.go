package debian

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMissing(t *testing.T) {
	there := map[string]bool{"runc": true, "containerd": true}
	got := Missing([]Requirement{
		{"containerd", "containerd"}, {"ctr", "containerd"}, {"containerd-shim", "containerd"}, {"runc", "runc"}, {"/x/bridge", "plugins"},
	}, func(path string) bool { return there[path] })
	if diff := cmp.Diff([]string{"containerd", "plugins"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := Missing(append(Cluster(), Images()...), func(string) bool { return true }); got != nil {
		t.Errorf("nothing is missing, and yet %v", got)
	}
}
