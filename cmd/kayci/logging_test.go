package main

import (
	"log/slog"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
)

func TestHandshakesAreSaidOnlyWhenAskedFor(t *testing.T) {
	for verbosity, want := range map[int][]string{
		0: {`"level"=0 "msg"="http: panic serving" "peer"="a"`},
		4: {`"level"=4 "msg"="http: TLS handshake error from 10.0.0.1:5: EOF"`, `"level"=0 "msg"="http: panic serving" "peer"="a"`},
	} {
		var lines []string
		log := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{Verbosity: verbosity})
		std := slog.New(quieted{logr.ToSlogHandler(log)})
		std.Info("http: TLS handshake error from 10.0.0.1:5: EOF")
		std.With("peer", "a").Info("http: panic serving")
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("at verbosity %d (-want +got):\n%s", verbosity, diff)
		}
	}
}
