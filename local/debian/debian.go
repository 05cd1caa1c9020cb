// Package debian installs what a cluster needs from Debian's packages.
package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kayci/kayci/local/progress"
)

// Requirement is a file or program that a package provides. A path with a slash
// is a file, and anything else is looked up in PATH.
type Requirement struct{ Path, Package string }

// Cluster is what a cluster needs.
func Cluster() []Requirement {
	return []Requirement{
		{"containerd", "containerd"},
		{"containerd-shim-runc-v2", "containerd"},
		{"ctr", "containerd"},
		{"runc", "runc"},
		{"/usr/lib/cni/bridge", "containernetworking-plugins"},
		{"nft", "nftables"},
		{"iptables", "iptables"},
		{"conntrack", "conntrack"},
		{"mount", "mount"},
	}
}

// Images is what the images are assembled from.
func Images() []Requirement {
	return []Requirement{
		{"busybox", "busybox-static"},
		{"git", "git"},
		{"/usr/lib/git-core/git-remote-http", "git"},
		{"/etc/ssl/certs/ca-certificates.crt", "ca-certificates"},
		{"ldd", "libc-bin"},
	}
}

// Missing returns the packages of what isn't there.
func Missing(requirements []Requirement, there func(path string) bool) []string {
	var packages []string
	seen := map[string]bool{}
	for _, r := range requirements {
		if !seen[r.Package] && !there(r.Path) {
			seen[r.Package] = true
			packages = append(packages, r.Package)
		}
	}
	return packages
}

// There looks at this machine.
func There(path string) bool {
	if strings.Contains(path, "/") {
		_, err := os.Stat(path)
		return err == nil
	}
	_, err := Find(path)
	return err == nil
}

// Find looks a program up in PATH and in the folders for administrators, which
// PATH may lack.
func Find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("program %s is not installed", program)
}

// Ensure installs the packages of what is missing.
func Ensure(ctx context.Context, out *progress.Printer, requirements []Requirement) error {
	missing := Missing(requirements, There)
	if len(missing) == 0 {
		return nil
	}
	names := strings.Join(missing, " ")
	if os.Geteuid() != 0 {
		return fmt.Errorf("install first, as root: %s", names)
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this isn't Debian or a relative of it, so install by other means what these packages have: %s", names)
	}
	err := out.Step("installing "+names, func(report func(string)) error {
		report("(reading the lists of packages)")
		if err := apt(ctx, "update"); err != nil {
			return err
		}
		report("")
		return apt(ctx, append([]string{"install", "--yes", "--no-install-recommends"}, missing...)...)
	})
	if err != nil {
		return err
	}
	if missing = Missing(requirements, There); len(missing) > 0 {
		return errors.New("installed, but without what was expected of: " + strings.Join(missing, " "))
	}
	return nil
}

func apt(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"--quiet"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, output.String())
	}
	return nil
}
