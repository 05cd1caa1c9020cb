package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout"
	"github.com/kayci/kayci/test/githost"
)

// program runs a command of the whole program, as a container does.
func program(t *testing.T, in string, args ...string) (output string, err error) {
	t.Helper()
	cmd, out := newRootCommand(), &bytes.Buffer{}
	cmd.SetIn(strings.NewReader(in))
	cmd.SetOut(out)
	cmd.SetErr(out)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestCheckout(t *testing.T) {
	host, err := githost.Start(t.Context(), t.TempDir(), "127.0.0.1:0", githost.Credentials{Username: "kayci", Password: "canary"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Stop(t.Context()); err != nil {
			t.Log(err)
		}
	})
	repository, err := host.Create(t.Context(), "web", filepath.Join(t.TempDir(), "clone"))
	if err != nil {
		t.Fatal(err)
	}
	if err := repository.Write(map[string]string{"a.txt": "one"}); err != nil {
		t.Fatal(err)
	}
	commit, err := repository.Push(t.Context(), "Begin")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("CHECKOUT_URL", repository.URL)
	t.Setenv("CHECKOUT_SHA", commit)
	for name, args := range map[string][]string{
		"variables":       {"--dir=variables"},
		"flags over them": {"--dir=flags over them", "--sha=main", "--depth=0"},
	} {
		got, err := program(t, "", append([]string{"checkout"}, args...)...)
		if diff := cmp.Diff("Checked out "+commit+" of "+repository.URL+": Begin\n", got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
		info, err := os.Stat(filepath.Join(name, "a.txt"))
		if err != nil || info.Mode().Perm() != 0o664 {
			t.Errorf("%s: a.txt has the mode %v, %v; want one that lets the group write", name, info.Mode(), err)
		}
	}
	if _, err := program(t, "", "checkout", "--sha=-x"); err == nil || !strings.Contains(err.Error(), `the sha "-x" is neither`) {
		t.Errorf("an option for a commit: %v", err)
	}
}

func TestCheckoutHelper(t *testing.T) {
	secret := t.TempDir()
	for key, value := range map[string]string{"username": "someone", "password": "canary"} {
		if err := os.WriteFile(filepath.Join(secret, key), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := helperCommand("kayci", checkout.Answering{
		As: checkout.AsCredential, URL: "https://git.example.com/web.git", Host: "git.example.com", Secret: secret, Scratch: "/tmp",
	})
	for name, tt := range map[string]struct{ operation, question, want string }{
		"the host":          {"get", "protocol=https\nhost=git.example.com\n\n", "username=someone\npassword=canary\n"},
		"the host's port":   {"get", "protocol=https\nhost=git.example.com:443\n\n", "username=someone\npassword=canary\n"},
		"another host":      {"get", "protocol=https\nhost=git.example.com.evil.example\n\n", ""},
		"another port":      {"get", "protocol=https\nhost=git.example.com:8443\n\n", ""},
		"another scheme":    {"get", "protocol=http\nhost=git.example.com\n\n", ""},
		"a host that's two": {"get", "protocol=https\nhost=git.example.com\nhost=evil.example\n\n", ""},
		"no host":           {"get", "\n", ""},
		"storing":           {"store", "protocol=https\nhost=git.example.com\npassword=x\n\n", ""},
	} {
		got, err := program(t, tt.question, append(command[1:len(command):len(command)], tt.operation)...)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
	if _, err := program(t, "", "checkout-helper", "--as=ssh", "--host=git.example.com", "--", "-p", "22", "git@git.example.com", "rm -rf /"); err == nil || !strings.Contains(err.Error(), "only git-upload-pack is allowed") {
		t.Errorf("another command: %v", err)
	}
	if _, err := program(t, "", "checkout-helper", "--as=ssh", "--host=git.example.com", "--", "git@evil.example", "git-upload-pack '/x'"); err == nil || !strings.Contains(err.Error(), "they are not sent to evil.example") {
		t.Errorf("another host: %v", err)
	}
}
