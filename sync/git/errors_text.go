package git

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// maxText bounds what a server can put into a condition.
const maxText = 400

// errTooLarge is returned by readers that have reached their limit.
var errTooLarge = errors.New("more bytes than allowed")

// reporter makes errors of one request: it knows the secrets that must not be
// in them.
type reporter struct {
	redact *strings.Replacer
}

// newReporter takes the values of the Secret as they are, line by line for keys,
// and in the form that basic authentication sends.
func newReporter(auth map[string][]byte) reporter {
	var pairs []string
	hide := func(value string) {
		if len(value) > 3 {
			pairs = append(pairs, value, "[redacted]")
		}
	}
	for _, key := range []string{"password", "bearerToken", "identity"} {
		value := strings.TrimSpace(string(auth[key]))
		hide(value)
		for line := range strings.Lines(value) {
			hide(strings.TrimSpace(line))
		}
	}
	if password := trimmed(auth, "password"); password != "" {
		hide(base64.StdEncoding.EncodeToString([]byte(trimmed(auth, "username") + ":" + password)))
	}
	return reporter{strings.NewReplacer(pairs...)}
}

// fail makes an error with a text of its own.
func (r reporter) fail(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, text: r.clean(fmt.Sprintf(format, args...))}
}

// wrap classifies an error from below and says what was being done.
func (r reporter) wrap(ctx context.Context, doing string, err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return r.ended(ctx, doing)
	}
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return r.fail(ReasonAuthenticationFailed, "%s: the server refused the credentials, or asks for some", doing)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return r.fail(ReasonRepositoryNotFound, "%s: the server knows no such repository, or these credentials may not see it", doing)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return r.fail(ReasonRefNotFound, "%s: the repository is empty", doing)
	case errors.Is(err, errTooLarge):
		return r.fail(ReasonTooLarge, "%s: the server sent more than is allowed", doing)
	case errors.Is(err, packfile.ErrEmptyPackfile):
		return r.fail(ReasonFetchFailed, "%s: the server sent no objects", doing)
	default:
		return r.fail(ReasonFetchFailed, "%s: %v", doing, err)
	}
}

// ended is the error of a context that is over.
func (r reporter) ended(ctx context.Context, doing string) *Error {
	if errors.Is(ctx.Err(), context.Canceled) {
		e := r.fail(ReasonFetchFailed, "%s: cancelled", doing)
		e.cause = context.Canceled
		return e
	}
	e := r.fail(ReasonTimeout, "%s: the server did not answer in time", doing)
	e.cause = context.DeadlineExceeded
	return e
}

// clean redacts before it cuts, so that no part of a secret is left.
func (r reporter) clean(text string) string {
	text = r.redact.Replace(text)
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + "…"
	}
	return text
}
