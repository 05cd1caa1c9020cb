package logs

import (
	"context"
	"errors"
	"io"
)

// Scan passes on the lines of a log that was kept elsewhere: each has its stamp in front,
// as a node gives it, if a blank one. First is the number of the first of them.
func Scan(ctx context.Context, c *Container, kept io.Reader, first int64, o Options, each func(*Line) error) (End, error) {
	r := &reading{container: c, options: o, each: each, window: newWindow(), number: first - 1, kept: true}
	r.end.State = c.State
	err := r.drain(ctx, kept)
	if err == nil {
		err = r.remainder()
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return r.end, err
}
