package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
)

type probe struct {
	url    string
	status int
}

func newProbeCommand() *cobra.Command {
	var want probe
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "probe URL",
		Short: "Send an empty webhook to URL until its answer has the expected status",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			want.url = args[0]
			if err := want.await(cmd.Context(), timeout); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s answers with %d\n", want.url, want.status)
			return nil
		},
	}
	cmd.Flags().IntVar(&want.status, "expect-status", http.StatusOK, "status code to wait for")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "when to give up")
	return cmd
}

// await gives the last failure as the reason why it gave up.
func (p probe) await(ctx context.Context, timeout time.Duration) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, time.Second, timeout, true, func(ctx context.Context) (bool, error) {
		last = p.once(ctx)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("probe gave up after %s: %w", timeout, last)
	}
	return nil
}

func (p probe) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)); err != nil {
		return fmt.Errorf("read the answer of %s: %w", p.url, err)
	}
	if answer.StatusCode != p.status {
		return fmt.Errorf("%s answers with %d, not %d", p.url, answer.StatusCode, p.status)
	}
	return nil
}
