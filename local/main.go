// The program kayci-local runs a real single-node Kubernetes on this machine, to
// try and to test KayCI on, and assembles container images without a registry.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := command(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kayci-local:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context) error {
	s, err := newSettings()
	if err != nil {
		return err
	}
	return s.commands(ctx).ExecuteContext(ctx)
}
