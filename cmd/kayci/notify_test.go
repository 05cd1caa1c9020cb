package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// notifyCanary stands for what is secret in an address.
const notifyCanary = "xoxb-canary"

func describeRun(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"KAYCI_RUN": "web-3f9k2c", "KAYCI_PIPELINE": "web", "KAYCI_NAMESPACE": "ci", "KAYCI_RUN_NUMBER": "12", "KAYCI_RUN_PHASE": "Failed",
		"KAYCI_FAILED_JOBS": "test", "KAYCI_RUN_MESSAGE": "job test failed", "KAYCI_GIT_SHA": "8f3",
	} {
		t.Setenv(name, value)
	}
}

// notifyWith runs the whole program, as a container does.
func notifyWith(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	cmd, out := newRootCommand(), &bytes.Buffer{}
	cmd.SetOut(out)
	cmd.SetErr(out)
	cmd.SetArgs(append([]string{"notify"}, args...))
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestNotify(t *testing.T) {
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(server.URL+"/"+notifyCanary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const inJSON = `{"title":"web #12 Failed","run":"web-3f9k2c","pipeline":"web","namespace":"ci","number":12,"phase":"Failed",` +
		`"failedJobs":["test"],"message":"job test failed","params":{"git_sha":"8f3"}}`
	tests := map[string]struct {
		variable string
		args     []string
		want     string
	}{
		"variable": {server.URL, nil, inJSON},
		"file":     {"", []string{"--url-file", file}, inJSON},
		"the file wins, and the variable is no parameter": {"http://127.0.0.1:1/", []string{"--url-file", file}, inJSON},
		"flags": {server.URL, []string{"--format=slack", "--title=Oh no"}, `{"text":"Oh no: job test failed\nFailed jobs: test\n` +
			`Run web-3f9k2c in namespace ci","mrkdwn":false,"unfurl_links":false,"unfurl_media":false}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			describeRun(t)
			t.Setenv("KAYCI_NOTIFY_URL", test.variable)
			output, err := notifyWith(t, test.args...)
			if err != nil {
				t.Fatal(err)
			}
			if want := "the message was sent\n"; output != want {
				t.Errorf("output %q, want %q", output, want)
			}
			if string(body) != test.want {
				t.Errorf("the server got %s, want %s", body, test.want)
			}
		})
	}
}

func TestNotifyKeepsTheAddressSecret(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no "+r.URL.String(), http.StatusNotFound)
	}))
	defer server.Close()
	secret := server.URL + "/" + notifyCanary
	tests := map[string]struct {
		variable string
		args     []string
		want     string
	}{
		"refused":         {secret, nil, "send the message: the server answered with 404 Not Found"},
		"no address":      {"", nil, "there is no address: set KAYCI_NOTIFY_URL or --url-file"},
		"no URL":          {notifyCanary, nil, "the address is no URL with a host: it begins with https://, http://, smtps:// or smtp://"},
		"as an argument":  {"", []string{secret}, "notify takes no arguments: the address comes from KAYCI_NOTIFY_URL or --url-file"},
		"as a file":       {"", []string{"--url-file", secret}, "read the file of --url-file: no such file or directory"},
		"as a format":     {secret, []string{"--format", secret}, "the format is not one of json and slack"},
		"as a timeout":    {secret, []string{"--timeout", secret}, "--timeout can't take that value: see kayci notify --help"},
		"as a flag":       {"", []string{"--url=" + secret}, "there is no flag url: see kayci notify --help"},
		"as a short flag": {"", []string{"-u=" + secret}, "there is no flag u: see kayci notify --help"},
		"without a value": {secret, []string{"--title"}, "--title needs a value: see kayci notify --help"},
		"help":            {secret, []string{"--help"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			describeRun(t)
			t.Setenv("KAYCI_NOTIFY_URL", test.variable)
			output, err := notifyWith(t, test.args...)
			failed := ""
			if err != nil {
				failed = err.Error()
			}
			if failed != test.want {
				t.Errorf("got %q, want %q", failed, test.want)
			}
			if strings.Contains(output+failed, notifyCanary) || strings.Contains(output+failed, server.Listener.Addr().String()) {
				t.Errorf("the address stands in %q or %q", output, failed)
			}
		})
	}
}

func TestNotifyNeedsARun(t *testing.T) {
	t.Setenv("KAYCI_NOTIFY_URL", "http://127.0.0.1:1/")
	_, err := notifyWith(t)
	if want := "the environment variable KAYCI_RUN is not set: it says what the message is about"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
