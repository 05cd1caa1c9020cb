package upload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/pods"
)

const (
	// usual is how long all may take whose context has no deadline.
	usual = 30 * time.Minute
	// A request is tried again after a pause that doubles.
	firstPause, maxPause = 500 * time.Millisecond, 10 * time.Second
	// What is refused for now is tried again no more often than that.
	maxRefusals = 15
	// What a connection carries at least, in bytes a second, once patience is over.
	minRate  = 64 << 10
	patience = time.Minute
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = bucket.MaxSize
)

// RefusedError is what the store has answered that it won't do.
type RefusedError struct {
	// Code is the answer's HTTP status, and Reason says more.
	Code   int
	Reason metav1.StatusReason
	// Message is the store's, in a sentence.
	Message string
}

// Error is the store's message.
func (r *RefusedError) Error() string { return "the store says: " + r.Message }

// call is one request.
type call struct {
	method string
	// path below the pods' part of the store.
	path  string
	query url.Values
	body  []byte
	// size of the answer, as far as it is known.
	size int64
}

// with returns the call with another value in its query.
func (r call) with(pairs ...string) call {
	r.query = maps.Clone(r.query)
	for pair := range slices.Chunk(pairs, 2) {
		if r.query == nil {
			r.query = url.Values{}
		}
		r.query.Set(pair[0], pair[1])
	}
	return r
}

// answer is what the store has sent, whole.
type answer struct {
	body []byte
	id   string
}

func (a *answer) reader() io.Reader { return bytes.NewReader(a.body) }

// bound gives a context a deadline.
func bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, usual)
}

// attempt is what has come of a request.
type attempt struct {
	answer *answer
	err    error
	// again is set if another attempt may do better; after is how long the store wants to
	// be left alone before.
	again bool
	after time.Duration
	// refused is set if the store has answered that not the store but something else is
	// to change.
	refused bool
}

// do asks the store, as often as it takes, until the context is done.
func (c *Client) do(ctx context.Context, r call) (*answer, error) {
	refusals := 0
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		tried := c.try(ctx, r)
		if tried.err == nil || !tried.again {
			return tried.answer, tried.err
		}
		if tried.refused {
			refusals++
		}
		if refusals > maxRefusals {
			return nil, tried.err
		}
		if err := c.pause(ctx, max(pause, tried.after)); err != nil {
			return nil, fmt.Errorf("%w (the time for it is over: %w)", tried.err, err)
		}
	}
}

// pause waits. It ends at once if the context would be done before.
func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if c.wait != nil {
		return c.wait(ctx, d)
	}
	if deadline, has := ctx.Deadline(); has && time.Until(deadline) < d {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try asks the store once.
func (c *Client) try(ctx context.Context, r call) attempt {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, patience+time.Duration(max(len(r.body), maxAnswer)/minRate)*time.Second)
	defer cancel()
	request, err := c.request(ctx, r)
	if err != nil {
		return attempt{err: err}
	}
	response, err := c.http().Do(request)
	if err != nil {
		return attempt{err: fmt.Errorf("the store can't be reached: %w", bare(err)), again: whole.Err() == nil}
	}
	defer response.Body.Close()
	data, err := read(io.LimitReader(response.Body, maxAnswer+1), r.size)
	switch {
	case err != nil:
		return attempt{err: fmt.Errorf("the store's answer broke off: %w", bare(err)), again: whole.Err() == nil}
	case len(data) > maxAnswer:
		return attempt{err: errors.New("the store's answer is too long")}
	case response.StatusCode/100 == 2:
		return attempt{answer: &answer{body: data, id: response.Header.Get(pods.IDHeader)}}
	}
	return refusedBy(response, data)
}

// read reads all, which is probably so much.
func read(from io.Reader, size int64) ([]byte, error) {
	buffer := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err := buffer.ReadFrom(from)
	return buffer.Bytes(), err
}

// refusedBy reads an answer that is none.
func refusedBy(response *http.Response, data []byte) attempt {
	told := &RefusedError{Code: response.StatusCode, Message: response.Status}
	var status metav1.Status
	if json.Unmarshal(data, &status) == nil && status.Message != "" {
		told.Reason, told.Message = status.Reason, status.Message
	}
	a := attempt{err: told}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	switch code := response.StatusCode; {
	case code == http.StatusInsufficientStorage || code == http.StatusNotImplemented:
	case code >= 500 || code == http.StatusTooManyRequests:
		a.again = true
	case err == nil:
		a.again, a.refused = true, true
	}
	a.after = time.Duration(max(0, min(seconds, 60))) * time.Second
	return a
}

// bare leaves out the address, whose keys and names say nothing to a person.
func bare(err error) error {
	if of, is := errors.AsType[*url.Error](err); is {
		return of.Err
	}
	return err
}

func (c *Client) request(ctx context.Context, r call) (*http.Request, error) {
	token, err := c.Token()
	if err != nil {
		return nil, fmt.Errorf("read the pod's token: %w", err)
	}
	address := strings.TrimSuffix(c.URL, "/") + "/v1/pod/" + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("the store's address is none: %w", bare(err))
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
	if len(r.body) > 0 {
		sum := sha256.Sum256(r.body)
		request.Header.Set(pods.DigestHeader, hex.EncodeToString(sum[:]))
		request.Header.Set("Expect", "100-continue")
	}
	return request, nil
}

func (c *Client) http() *http.Client {
	c.once.Do(func() {
		if c.HTTP == nil {
			c.HTTP = newHTTP()
		}
	})
	return c.HTTP
}

// newHTTP returns what does requests. The environment's proxy isn't asked: the store is
// in the cluster.
func newHTTP() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			ExpectContinueTimeout: 3 * time.Second,
			MaxIdleConnsPerHost:   4,
			IdleConnTimeout:       30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
