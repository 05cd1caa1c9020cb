package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// What a connection carries at least, in bytes a second.
	minRate = 128 << 10
	// The longest answer that is read: a page of a list is a few megabytes at most.
	maxAnswer = 64 << 20
)

var errAnswerTooLong = errors.New("the server's answer is too long")

// patience ends requests whose server takes too long. The time in which nobody reads an
// answer, because its reader is busy, isn't the server's.
type patience struct {
	next http.RoundTripper
	// For a request of no size.
	timeout time.Duration
}

// RoundTrip does a request.
func (p patience) RoundTrip(request *http.Request) (*http.Response, error) {
	allowed := p.allow(request.ContentLength)
	ctx, cancel := context.WithCancelCause(request.Context())
	timer := time.AfterFunc(allowed, func() { cancel(tooSlow(allowed)) })
	response, err := p.next.RoundTrip(request.WithContext(ctx))
	timer.Stop()
	if err != nil {
		err = cause(ctx, err)
		cancel(nil)
		return nil, err
	}
	length := response.ContentLength
	if length < 0 {
		length = MaxSize
	}
	response.Body = &patientBody{body: response.Body, ctx: ctx, cancel: cancel, left: p.allow(length), bytes: maxAnswer}
	return response, nil
}

// allow is how long so many bytes may take.
func (p patience) allow(length int64) time.Duration {
	return p.timeout + time.Duration(max(length, 0)/minRate)*time.Second
}

func tooSlow(allowed time.Duration) error {
	return fmt.Errorf("the server was too slow: it had %s", allowed)
}

// cause is why a request was cancelled, if it was here.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil && !errors.Is(why, context.Canceled) {
		return why
	}
	return err
}

// patientBody is an answer that is read.
type patientBody struct {
	body   io.ReadCloser
	ctx    context.Context //nolint:containedctx // It is the request's, which ends with this body.
	cancel context.CancelCauseFunc
	// What is left of the time in which the server has to send.
	left  time.Duration
	bytes int64
}

// Read waits for the server only as long as it may take.
func (b *patientBody) Read(p []byte) (int, error) {
	start := time.Now()
	left := b.left
	timer := time.AfterFunc(left, func() { b.cancel(tooSlow(left)) })
	n, err := b.body.Read(p)
	timer.Stop()
	b.left -= time.Since(start)
	if b.bytes -= int64(n); b.bytes < 0 {
		return 0, errAnswerTooLong
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = cause(b.ctx, err)
	}
	return n, err
}

// Close ends the request.
func (b *patientBody) Close() error {
	err := b.body.Close()
	b.cancel(nil)
	return err
}
