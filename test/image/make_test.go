package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMakeNamesTheImages looks at what Docker is asked for.
func TestMakeNamesTheImages(t *testing.T) {
	folder := t.TempDir()
	told := filepath.Join(folder, "told")
	docker := "#!/bin/sh\nprintf '%s\\n' \"$@\" >>" + told + "\n"
	if err := os.WriteFile(filepath.Join(folder, "docker"), []byte(docker), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "make", "docker-image", "REPOSITORY=registry.example.com/kayci", "VERSION=1.2.3", "REVISION=0123abc")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make docker-image: %v\n%s", err, out)
	}
	got, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	const common = "build\n--build-arg=VERSION=1.2.3\n--build-arg=REVISION=0123abc\n"
	want := common + "--tag=registry.example.com/kayci:1.2.3\n.\n" + common + "--target=git\n--tag=registry.example.com/kayci:1.2.3-git\n.\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docker's arguments (-want +got):\n%s", diff)
	}
}
