package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/place"
)

// End says how a log has ended, and what of it was kept.
type End struct {
	// Lines and Bytes of all parts together: ends of lines count, stamps don't.
	Lines int64 `json:"lines"`
	Bytes int64 `json:"bytes"`
	// First and Last are when the first and the last line were printed.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Started and Ended are when the container did.
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	// ExitCode of the container, and the reason in a word.
	ExitCode int32  `json:"exitCode"`
	Reason   string `json:"reason,omitempty"`
	// Complete says that the container has ended and its last line was kept.
	Complete bool `json:"complete"`
	// Missing says what is missing, a sentence each.
	Missing []string `json:"missing,omitempty"`
	// LateSeconds is how long the log had to wait until it was followed, since as many
	// others were as are at once.
	LateSeconds int64 `json:"lateSeconds,omitempty"`
}

// Whole reports whether nothing is known to be missing.
func (e *End) Whole() bool { return e.Complete && len(e.Missing) == 0 }

// maxEnd bounds what is read of an end, in bytes.
const maxEnd = 1 << 20

// ReadEnd returns how the log has ended, or nil if it hasn't.
func ReadEnd(ctx context.Context, from bucket.Bucket, log place.Log) (*End, error) {
	var end End
	err := bucket.ReadJSON(ctx, from, log.End(), maxEnd, &end)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil //nolint:nilnil // A log that hasn't ended is a usual answer and no error.
	}
	if err != nil {
		return nil, fmt.Errorf("read the end of a log: %w", err)
	}
	return &end, nil
}

// end notes what became of the container and stores it: first come, first served.
func (w *writer) end(ctx context.Context, read runlogs.End) (End, error) {
	end := End{
		Lines: w.line - 1, Bytes: w.before, First: w.first, Last: w.last,
		Started: read.State.Started, Ended: read.State.Ended, ExitCode: read.State.ExitCode, Reason: read.State.Reason,
		Complete: read.Complete, Missing: append(w.missing, read.Missing...), LateSeconds: int64(w.late.Seconds()),
	}
	data, err := json.Marshal(end)
	if err != nil {
		return end, fmt.Errorf("write the end of a log: %w", err)
	}
	err = w.put(ctx, w.log.End(), data)
	if !errors.Is(err, bucket.ErrExists) {
		return end, err
	}
	// Perhaps we have stored it, without an answer.
	first, err := ReadEnd(ctx, w.Bucket, w.log)
	if err != nil || first == nil {
		return end, err
	}
	return *first, nil
}
