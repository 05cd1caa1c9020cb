package main

import (
	"strings"
	"testing"
)

// TestReportURL: an address that can't be one ends the program at once, in words that
// don't repeat it.
func TestReportURL(t *testing.T) {
	t.Parallel()
	const page = "--report-url: Invalid value: must begin with https:// or http://, and name a host and no user"
	for address, want := range map[string]string{
		"": "",
		"https://ci.example.com/ns/{namespace}/runs/{run}": "",
		"https://ci.example.com/{title}":                   "--report-url: Invalid value: in braces may stand namespace, trigger, pipeline, run, uid, sha",
		"ci.example.com/canary":                            page,
		"javascript:canary":                                page,
		"https://canary@ci.example.com":                    page,
		"https://" + strings.Repeat("canary", 400):         "--report-url: Too long: may not be more than 2048 bytes",
	} {
		got := ""
		if err := checkReportURL(address); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%.60q: %q, want %q", address, got, want)
		}
	}
	command := newControllerCommand()
	command.SetArgs([]string{"--report-url", "ftp://ci.example.com"})
	command.SilenceErrors, command.SilenceUsage = true, true
	if err := command.ExecuteContext(t.Context()); err == nil || err.Error() != page {
		t.Errorf("the program ends with %v", err)
	}
}
