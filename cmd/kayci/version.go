package main

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// Both are set by the linker in released builds and images.
var (
	version  string
	revision string //nolint:gochecknoglobals // like version, nothing but the linker writes it
)

// build says what this program was built from. Where it can't be known a field
// is "unknown".
type build struct {
	// Version is the release, or what Go derives from the commit.
	Version string
	// Revision is the commit.
	Revision string
	// Go is the version of Go that compiled it.
	Go string
}

func buildInfo() build {
	b := build{Version: version, Revision: revision, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		b = b.or(info)
	}
	if b.Version == "" {
		b.Version = "unknown"
	}
	if b.Revision == "" {
		b.Revision = "unknown"
	}
	return b
}

// or completes what the linker wasn't told by what Go has noted itself.
func (b build) or(info *debug.BuildInfo) build {
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && b.Revision == "" {
			b.Revision = setting.Value
		}
	}
	return b
}

func (b build) String() string { return b.Version + " (" + b.Revision + ")" }

// metric is the constant 1, with what the program was built from as labels.
func (b build) metric() prometheus.Collector {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "kayci_build_info", Help: "What this process was built from: always 1.",
	}, []string{"version", "revision", "goversion"})
	info.WithLabelValues(b.Version, b.Revision, b.Go).Set(1)
	return info
}
