package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"time"
)

// printCommand has this program act as the one in a container, which prints lines.
const printCommand = "print"

// printMain prints numbered lines at once, or one at a time with when it was printed.
func printMain(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet(printCommand, flag.ContinueOnError)
	lines := flags.Int("lines", 1, "how many")
	every := flags.Duration("every", 0, "how long to wait before each, which is the time then; 0 prints them at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *every == 0 {
		buffered := bufio.NewWriter(out)
		for i := range *lines {
			_, _ = buffered.WriteString(logLine(i)) // Flush returns the error.
		}
		return buffered.Flush()
	}
	ticker := time.NewTicker(*every)
	defer ticker.Stop()
	for range *lines {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		if _, err := fmt.Fprintln(out, time.Now().UnixNano()); err != nil {
			return err
		}
	}
	return nil
}
