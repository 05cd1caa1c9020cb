package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// Format is how a message is laid out for an http or https address.
type Format string

// The formats. The zero value means Slack for hooks.slack.com, else JSON.
const (
	// FormatJSON is the whole Message, for a program.
	FormatJSON Format = "json"
	// FormatSlack is the text alone, as Slack's incoming webhooks take it.
	FormatSlack Format = "slack"
)

// attemptTimeout bounds one attempt, so that a server that hangs leaves time for
// another one.
const attemptTimeout = 15 * time.Second

// Options of a Sender.
type Options struct {
	// Format of messages to an http or https address; e-mail has but one.
	Format Format
	// Roots are trusted instead of the system's certificates, unless nil.
	Roots *x509.CertPool
}

// Sender sends messages to one address. Formatting it prints nothing of the
// address.
type Sender struct {
	channel channel
	backoff wait.Backoff
}

// channel sends a message once. Its errors are failures, or cancellation.
type channel interface {
	send(ctx context.Context, m Message) error
}

// NewSender understands addresses that begin with http, https, smtp or smtps. No
// part of the address is in its errors.
func NewSender(address string, options Options) (*Sender, error) {
	if options.Format != "" && options.Format != FormatJSON && options.Format != FormatSlack {
		return nil, errors.New("the format is not one of json and slack")
	}
	parsed, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, errors.New("the address is no URL")
	}
	if parsed.Hostname() == "" {
		return nil, errors.New("the address is no URL with a host: it begins with https://, http://, smtps:// or smtp://")
	}
	target, err := newChannel(parsed, options)
	if err != nil {
		return nil, err
	}
	return &Sender{
		channel: target,
		backoff: wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 15 * time.Second},
	}, nil
}

func newChannel(address *url.URL, options Options) (channel, error) {
	switch address.Scheme {
	case "http", "https":
		return newWebhook(address, options), nil
	case "smtp", "smtps":
		if options.Format != "" {
			return nil, errors.New("a format is for http and https addresses: an e-mail has its own")
		}
		return newMailbox(address, options.Roots)
	default:
		return nil, errors.New("the address begins with something else than https://, http://, smtps:// or smtp://")
	}
}

// Send tries until the message was taken, until a failure that another attempt
// can't mend, or until ctx would end before the next attempt. A server that took
// a message and lost the connection before it said so gets it twice.
func (s *Sender) Send(ctx context.Context, m Message) error {
	backoff := s.backoff
	for attempt := 1; ; attempt++ {
		err := s.try(ctx, m)
		var f *failure
		if err == nil || !errors.As(err, &f) || !f.transient {
			return err
		}
		if !pause(ctx, max(backoff.Step(), f.after)) {
			return fmt.Errorf("gave up after attempt %d: %w", attempt, err)
		}
	}
}

func (s *Sender) try(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return s.channel.send(ctx, m)
}

// pause doesn't begin to wait for what ctx will not let happen.
func pause(ctx context.Context, delay time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return false
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
