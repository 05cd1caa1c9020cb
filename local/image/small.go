package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const certificates = "/etc/ssl/certs/ca-certificates.crt"

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Pause is the image that holds a pod together; binary is the program pause.
func Pause(binary string) (Image, error) {
	tree := NewTree()
	if err := tree.File("/pause", binary); err != nil {
		return Image{}, fmt.Errorf("add pause: %w", err)
	}
	return Image{Tree: tree, Config: v1.Config{Entrypoint: []string{"/pause"}, User: "65535:65535"}}, nil
}

// KayCI is KayCI's own image: a static binary, no shell.
func KayCI(binary string) (Image, error) {
	tree := NewTree()
	if err := tree.File("/usr/local/bin/kayci", binary); err != nil {
		return Image{}, fmt.Errorf("add kayci: %w", err)
	}
	tree.Text("/etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")
	tree.Text("/etc/group", "root:x:0:\nnonroot:x:65532:\n")
	tree.Dir("/home/nonroot", 0o700, 65532)
	tree.Dir("/tmp", 0o1777, 0)
	if err := addCertificates(tree); err != nil {
		return Image{}, err
	}
	return Image{Tree: tree, Config: v1.Config{
		Entrypoint: []string{"/usr/local/bin/kayci"}, User: "65532:65532", WorkingDir: "/home/nonroot",
		Env: []string{"PATH=" + searchPath},
	}}, nil
}

// KayCIGit is KayCI's image with git in it, Git LFS, a static binary, and the shell that
// git starts its helpers with, which ci.checkout runs.
func KayCIGit(ctx context.Context, binary, lfs string) (Image, error) {
	img, err := KayCI(binary)
	if err != nil {
		return Image{}, err
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return Image{}, err
	}
	if err := img.Tree.File("/bin/sh", busybox); err != nil {
		return Image{}, fmt.Errorf("add a shell: %w", err)
	}
	if err := addGit(ctx, img.Tree); err != nil {
		return Image{}, fmt.Errorf("add git: %w", err)
	}
	if err := img.Tree.File("/usr/bin/git-lfs", lfs); err != nil {
		return Image{}, fmt.Errorf("add Git LFS: %w", err)
	}
	return img, nil
}

// Kueue is Kueue's own image, which its chart starts as /manager.
func Kueue(binary string) (Image, error) {
	tree := NewTree()
	if err := tree.File("/manager", binary); err != nil {
		return Image{}, fmt.Errorf("add kueue: %w", err)
	}
	return Image{Tree: tree, Config: v1.Config{Entrypoint: []string{"/manager"}, User: "65532:65532"}}, nil
}

// addCertificates adds the authorities that this machine trusts, if it names any.
func addCertificates(tree *Tree) error {
	err := tree.File(certificates, certificates)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Busybox is a shell and a few hundred small programs. The binary must be static.
func Busybox(ctx context.Context, binary string) (Image, error) {
	tree := NewTree()
	if err := addBusybox(ctx, tree, binary); err != nil {
		return Image{}, err
	}
	addAccounts(tree)
	return Image{Tree: tree, Config: v1.Config{Cmd: []string{"sh"}, Env: []string{"PATH=" + searchPath}}}, nil
}

// addBusybox adds the binary and a link for each applet that it has.
func addBusybox(ctx context.Context, tree *Tree, binary string) error {
	out, err := exec.CommandContext(ctx, binary, "--list-full").Output()
	if err != nil {
		return fmt.Errorf("ask busybox for its applets: %w", err)
	}
	if err := tree.File("/bin/busybox", binary); err != nil {
		return fmt.Errorf("add busybox: %w", err)
	}
	for applet := range strings.FieldsSeq(string(out)) {
		if file := path.Join("/", applet); file != "/bin/busybox" {
			tree.Link(file, "/bin/busybox")
		}
	}
	return nil
}

// addAccounts adds the users and folders that programs expect.
func addAccounts(tree *Tree) {
	tree.Text("/etc/passwd", strings.Join([]string{
		"root:x:0:0:root:/root:/bin/sh",
		"daemon:x:1:1:daemon:/usr/sbin:/bin/false",
		"nobody:x:65534:65534:nobody:/home:/bin/false",
		"",
	}, "\n"))
	tree.Text("/etc/group", "root:x:0:\ndaemon:x:1:\nnobody:x:65534:\n")
	tree.Text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
	tree.Dir("/root", 0o700, 0)
	tree.Dir("/home", 0o755, 65534)
	tree.Dir("/tmp", 0o1777, 0)
	tree.Dir("/var/tmp", 0o1777, 0)
}
