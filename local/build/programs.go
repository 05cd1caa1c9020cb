package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kubernetesVersion is that of kubernetes/go.mod, which a test checks.
const kubernetesVersion = "v1.36.3"

// Programs are all that a cluster needs and Debian lacks.
func Programs() []Program {
	return []Program{
		{
			Name: "kubernetes", Module: "kubernetes", Package: ".",
			Links: []string{
				"etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet",
			},
			LDFlags: "-s -w " + versionFlags(kubernetesVersion),
			Hint:    " " + kubernetesVersion + " (once; five to ten minutes on two cores)",
		},
		{
			Name: "coredns", Module: "coredns", Package: ".", Links: []string{"coredns"},
			LDFlags: "-s -w", Hint: " (once; a minute or two)",
		},
		{
			Name: "provisioner", Module: "kubernetes", Package: "./provisioner", Links: []string{"provisioner"},
			LDFlags: "-s -w", Hint: " of volumes (once)",
		},
		{Name: "pause", Module: ".", Package: "./pause", Links: []string{"pause"}, LDFlags: "-s -w"},
	}
}

// Kueue is no part of the cluster: tests install it, from an image.
func Kueue() Program {
	return Program{
		Name: "kueue", Module: "kueue", Package: "sigs.k8s.io/kueue/cmd/kueue", Links: []string{"kueue"},
		LDFlags: "-s -w", Hint: " (once; two to three minutes on two cores)",
	}
}

// GitLFS is no part of the cluster: KayCI's image with git has it, and tests run it.
func GitLFS() Program {
	return Program{
		Name: "git-lfs", Module: "gitlfs", Package: "github.com/git-lfs/git-lfs/v3", Links: []string{"git-lfs"},
		LDFlags: "-s -w", Hint: " (once; a minute at most)",
	}
}

// giteaModule is what Gitea is built from, and giteaVersion that of gitea/go.mod,
// which a test checks.
const (
	giteaModule  = "code.gitea.io/gitea"
	giteaVersion = "v1.26.0"
)

// Gitea is no part of the cluster: tests run it beside that. Its
// database is SQLite, which is C.
func Gitea() Program {
	return Program{
		Name: "gitea", Module: "gitea", Package: giteaModule, Links: []string{"gitea"},
		LDFlags: "-s -w -X main.Version=" + strings.TrimPrefix(giteaVersion, "v"), Tags: "sqlite sqlite_unlock_notify", CGO: true,
		Hint: " " + giteaVersion + " (once; three to four minutes on two cores)",
	}
}

// GiteaFiles returns the folder with the templates, texts and images that Gitea
// reads while it runs: that of its module, which is fetched if it is missing.
func GiteaFiles(ctx context.Context, source string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", giteaModule)
	cmd.Dir = filepath.Join(source, "gitea")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("fetch Gitea's module: %w: %s", err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", fmt.Errorf("read where Gitea's module is: %w", err)
	}
	return module.Dir, nil
}

// versionFlags tell Kubernetes its version, which clients otherwise take for
// v0.0.0 and refuse.
func versionFlags(version string) string {
	minor := strings.Split(version, ".")[1]
	var flags []string
	for _, pkg := range []string{"k8s.io/client-go/pkg/version", "k8s.io/component-base/version"} {
		flags = append(flags,
			fmt.Sprintf("-X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s", pkg, version, pkg, pkg, minor))
	}
	return strings.Join(flags, " ")
}

// FindSource returns the folder with the programs' source: from itself, or as
// the folder `local` in it, the first of dirs or of their parents that has it.
func FindSource(dirs ...string) (string, error) {
	for _, dir := range dirs {
		for {
			for _, source := range []string{dir, filepath.Join(dir, "local")} {
				if isSource(source) {
					return source, nil
				}
			}
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	return "", errors.New("the source of the cluster's programs isn't here: run this inside KayCI's tree, or name its folder local/ with --source")
}

func isSource(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "kubernetes", "go.mod"))
	return err == nil && strings.HasPrefix(string(text), "module github.com/kayci/kayci/local/kubernetes\n")
}
