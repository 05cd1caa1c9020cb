package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/fluxcd/pkg/runtime/logger"
	"github.com/go-logr/logr"
)

// setLogger has everything that this process says go through one logger: also
// what the standard library's servers say for want of another.
func setLogger(opts logger.Options) {
	log := logger.NewLogger(opts)
	logger.SetLogger(log)
	slog.SetDefault(slog.New(quieted{logr.ToSlogHandler(log.WithName("net/http"))}))
}

// handshake begins what a TLS server says of a client that went away, or spoke
// another protocol: a port scan, a probe.
const handshake = "http: TLS handshake error"

// quieted has what strangers can cause at will said only when asked for.
type quieted struct {
	slog.Handler
}

// Handle implements slog.Handler.
func (q quieted) Handle(ctx context.Context, record slog.Record) error {
	if strings.HasPrefix(record.Message, handshake) {
		record.Level = slog.LevelDebug
		if !q.Enabled(ctx, record.Level) {
			return nil
		}
	}
	return q.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (q quieted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quieted{q.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (q quieted) WithGroup(name string) slog.Handler { return quieted{q.Handler.WithGroup(name)} }
