package main

import "github.com/spf13/pflag"

// addresses are where a process says how it fares.
type addresses struct{ metrics, probes, profiles *string }

func (a addresses) bind(f *pflag.FlagSet) {
	f.StringVar(a.metrics, "metrics-bind-address", ":8081", "address of the Prometheus metrics; 0 for none")
	f.StringVar(a.probes, "health-probe-bind-address", ":8082", "address of /healthz and /readyz; 0 for none")
	f.StringVar(a.profiles, "pprof-bind-address", "0", "address of Go's profiles at /debug/pprof, which anyone who reaches it can read; 0 for none")
}
