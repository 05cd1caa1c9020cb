package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestProbeWaitsForTheStatus(t *testing.T) {
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	cmd, out := newProbeCommand(), &bytes.Buffer{}
	cmd.SetOut(out)
	cmd.SetArgs([]string{"--expect-status=401", server.URL})
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := server.URL + " answers with 401\n"; out.String() != want {
		t.Errorf("output %q, want %q", out, want)
	}
}

func TestProbeSaysWhyItGaveUp(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	cmd := newProbeCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs([]string{"--expect-status=401", "--timeout=100ms", server.URL})
	err := cmd.ExecuteContext(t.Context())
	if want := "answers with 404, not 401"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one with %q", err, want)
	}
}
