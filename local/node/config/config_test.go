package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with a file of testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s; write it anew with -update (-want +got)\n%s", path, diff)
	}
}

func TestFiles(t *testing.T) {
	v := Default("/state")
	v.Forward = true
	files, err := Files(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		golden(t, f.Path, f.Text)
	}
	found, err := filepath.Glob("testdata/config/*")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(files) {
		t.Errorf("%d files are rendered, and testdata has %v", len(files), found)
	}
}

func TestComponents(t *testing.T) {
	before, after := Components(Default("/state"))
	var text strings.Builder
	names := map[string]bool{}
	for _, c := range append(before, after...) {
		if names[c.Name] {
			t.Errorf("two components are named %s", c.Name)
		}
		names[c.Name] = true
		text.WriteString(c.Name + ": " + c.Program + "\n  " + strings.Join(c.Args, "\n  ") + "\n")
	}
	golden(t, "components", text.String())
}

func TestKubeconfig(t *testing.T) {
	text, err := Kubeconfig(Default("/state"), "admin", Credentials{CA: []byte("authority"), Cert: []byte("certificate"), Key: []byte("key")})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "kubeconfig", text)
}

// TestNoForward is for a machine that knows no DNS server: CoreDNS refuses to
// start if it is to forward to none.
func TestNoForward(t *testing.T) {
	files, err := Files(Default("/state"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Path == "config/Corefile" && strings.Contains(f.Text, "forward") {
			t.Errorf("CoreDNS forwards:\n%s", f.Text)
		}
	}
}

func TestNamesServer(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                 false,
		"# nameserver 1.1.1.1\n":           false,
		"nameserver\n":                     false,
		"search x\nnameserver 192.0.2.1\n": true,
		"options edns0\n  nameserver ::1":  true,
	} {
		if got := NamesServer(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
