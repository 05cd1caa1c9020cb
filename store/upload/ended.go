package upload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/kayci/kayci/store/pods"
)

const (
	// endWithin is how long after a pod's containers have ended the API server may not
	// know it.
	endWithin = 30 * time.Second
	// It is asked again after a pause that doubles: mostly it knows a moment later.
	firstAsk, askAgain = 50 * time.Millisecond, time.Second / 2
)

// Succeeded waits until the pod's containers are known to have ended, but for its
// sidecars, and reports whether each of them has with 0.
func (c *Client) Succeeded(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, endWithin)
	defer cancel()
	for pause := firstAsk; ; pause = min(2*pause, askAgain) {
		answer, err := c.do(ctx, call{method: http.MethodGet, path: "ended"})
		var ended pods.Ended
		if err == nil {
			err = json.Unmarshal(answer.body, &ended)
		}
		if err != nil {
			return false, fmt.Errorf("ask how the job's containers have ended: %w", err)
		}
		if ended.All {
			return ended.Succeeded, nil
		}
		if c.pause(ctx, pause) != nil {
			return false, errors.New("the job's containers go on, as far as the API server knows")
		}
	}
}
