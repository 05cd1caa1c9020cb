package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout/plan"
)

// Git LFS gets the server from the URL alone.
func TestServerOfLFS(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://git.example.com/acme/web":              "https://git.example.com/acme/web.git/info/lfs",
		"https://git.example.com:8443/acme/web.git/":    "https://git.example.com:8443/acme/web.git/info/lfs",
		"http://git.example.com/acme/a%2Bb.git":         "http://git.example.com/acme/a%2Bb.git/info/lfs",
		"ssh://git@git.example.com:2222/acme/web.git":   "ssh://git@git.example.com:2222/acme/web.git",
		"https://git.example.com/acme/web.git?lfs=x":    "",
		"https://git.example.com/acme/web.git/info/lfs": "https://git.example.com/acme/web.git/info/lfs.git/info/lfs",
	} {
		source, err := plan.Read(plan.Input{URL: url, SHA: "main", LFS: true})
		if (err != nil) != (want == "") {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil {
			continue
		}
		got := map[string]string{}
		for _, setting := range source.Config(plan.Access{Folder: "/work/it's/.git"}) {
			got[setting.Name] = setting.Value
		}
		want := map[string]string{
			"lfs.url":              want,
			"filter.lfs.process":   `unset GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX; GIT_DIR='/work/it'\''s/.git/kayci-lfs' exec git-lfs filter-process`,
			"filter.lfs.required":  "true",
			"lfs.sshTransfer":      "never",
			"core.hooksPath":       "/dev/null",
			"filter.evil.process":  "",
			"submodule.recurse":    "false",
			"lfs.customtransfer.x": "",
		}
		for name, value := range want {
			if diff := cmp.Diff(value, got[name]); diff != "" {
				t.Errorf("%s: %s (-want +got)\n%s", url, name, diff)
			}
		}
	}
}

// Without being asked for no filter is there.
func TestNoFilter(t *testing.T) {
	t.Parallel()
	source, err := plan.Read(plan.Input{URL: address, SHA: "main"})
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range source.Config(plan.Access{Folder: "/work/.git"}) {
		if setting.Name == "filter.lfs.process" || setting.Name == "lfs.url" {
			t.Errorf("%v is set", setting)
		}
	}
}

func TestAsksForLFS(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]bool{
		"git-lfs-authenticate acme/web.git download":        true,
		"git-lfs-authenticate '/acme/web.git' 'download'":   true,
		"git-lfs-authenticate ~git/web.git download":        true,
		"git-lfs-authenticate acme/web.git upload":          false,
		"git-lfs-authenticate acme/$(id).git download":      false,
		"git-lfs-authenticate acme/web.git;id download":     false,
		"git-lfs-authenticate 'acme/web.git'';id' download": false,
		"git-lfs-authenticate acme/web.git download;id":     false,
		"git-lfs-authenticate acme/web.git download\nid":    false,
		"git-lfs-authenticate -x download":                  false,
		"git-lfs-transfer acme/web.git download":            false,
		"sh -c git-lfs-authenticate acme/web.git download":  false,
	} {
		if got := plan.AsksForLFS(command); got != want {
			t.Errorf("%q: %t, want %t", command, got, want)
		}
	}
}
