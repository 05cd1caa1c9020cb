package node

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/local/node/config"
)

func TestNewRefuses(t *testing.T) {
	for _, state := range []string{"", "/", "relative", "/a/../b", "/a/", "/" + strings.Repeat("a", 60)} {
		if _, err := New(state, "/bin", nil); err == nil {
			t.Errorf("state folder %q is accepted", state)
		}
	}
}

func TestExplain(t *testing.T) {
	n := &Node{values: config.Default(t.TempDir())}
	if err := os.MkdirAll(n.path("log"), 0o700); err != nil {
		t.Fatal(err)
	}
	for component, text := range map[string]string{"etcd": "etcd's last line\n", "kubelet": strings.Repeat("line\n", 30) + "kubelet's last line\n"} {
		if err := os.WriteFile(n.logFile(component), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	slow := n.explain(errors.New("waited in vain"), "kubelet").Error()
	want := "waited in vain\nThe end of " + n.logFile("kubelet") + ":\n" + strings.Repeat("line\n", 19) + "kubelet's last line"
	if diff := cmp.Diff(want, slow); diff != "" {
		t.Errorf("a slow component (-want +got)\n%s", diff)
	}
	dead := n.explain(DeadError{Component: "etcd"}, "kubelet").Error()
	want = "etcd has ended\nThe end of " + n.logFile("etcd") + ":\netcd's last line"
	if diff := cmp.Diff(want, dead); diff != "" {
		t.Errorf("a dead component (-want +got)\n%s", diff)
	}
}

func TestEnvironment(t *testing.T) {
	got := environment([]string{"HOME=/root", "PATH=/x", "https_proxy=p", "NO_PROXY=q", "KUBECONFIG=k"})
	want := []string{"HOME=/root", "PATH=/x:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
