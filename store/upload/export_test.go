package upload

import (
	"context"
	"time"
)

// SetWait has something stand in for the time between attempts.
func (c *Client) SetWait(wait func(ctx context.Context, d time.Duration) error) { c.wait = wait }
