package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxAnswer is what is read of a server's answer, and what its header may hold.
const maxAnswer = 16 << 10

// webhook posts messages to a web address.
type webhook struct {
	address string
	body    func(Message) ([]byte, error)
	client  *http.Client
}

// newWebhook follows no redirect: the address is a credential, and so is the
// message to whom it isn't for.
func newWebhook(address *url.URL, options Options) *webhook {
	body := Message.webhookBody
	if options.Format == FormatSlack || options.Format == "" && address.Hostname() == "hooks.slack.com" {
		body = Message.slackBody
	}
	return &webhook{
		address: address.String(),
		body:    body,
		client: &http.Client{
			Transport: &http.Transport{
				Proxy:                  http.ProxyFromEnvironment,
				TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: options.Roots},
				ForceAttemptHTTP2:      true,
				DisableKeepAlives:      true,
				MaxResponseHeaderBytes: maxAnswer,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (w *webhook) send(ctx context.Context, m Message) error {
	body, err := w.body(m)
	if err != nil {
		return fmt.Errorf("lay out the message: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address, bytes.NewReader(body))
	if err != nil {
		return &failure{text: "the address is no URL"}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "KayCI")
	answer, err := w.client.Do(request)
	if err != nil {
		return connectionFailure(err, "the server's answer is not HTTP")
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 == 2 {
		return nil
	}
	return w.refused(answer)
}

// slackCode is how Slack and its kin name an error: channel_not_found.
var slackCode = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)

// refused says the status and, of the answer's text, only an error's code.
func (w *webhook) refused(answer *http.Response) *failure {
	status := answer.StatusCode
	f := &failure{
		text:      fmt.Sprintf("the server answered with %d %s", status, http.StatusText(status)),
		transient: mayPass(status),
		after:     retryAfter(answer.Header.Get("Retry-After")),
	}
	if status/100 == 3 {
		f.text += ": redirects are not followed, so the address must be the final one"
		return f
	}
	// Without its text an answer is still an answer.
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	code := strings.TrimSpace(string(text))
	if len(code) <= 64 && slackCode.MatchString(code) && !strings.Contains(w.address, code) {
		f.text += ": " + code
	}
	return f
}

func mayPass(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func retryAfter(header string) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}
