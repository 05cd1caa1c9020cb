package git

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/kayci/kayci/api/printable"
)

// maxText bounds what a server can put into a condition.
const maxText = 400

// errSHA256 says that a server's list of references names objects by SHA-256.
var errSHA256 = errors.New("object format sha256")

// errTooLarge is returned by readers that have reached their limit.
var errTooLarge = errors.New("more bytes than allowed")

// reporter makes errors of one request: it knows the secrets that must not be
// in them.
type reporter struct {
	secrets []string
}

// newReporter takes what is sent to servers, which may repeat it: as it is and in
// the form that basic authentication has. A passphrase is sent to nobody.
func newReporter(req Request) reporter {
	var r reporter
	hide := func(values ...string) {
		for _, value := range values {
			if value = strings.TrimSpace(value); value != "" {
				r.secrets = append(r.secrets, value)
			}
		}
	}
	login := func(name, password string) {
		if password != "" {
			hide(password, url.QueryEscape(password), url.PathEscape(password),
				base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
		}
	}
	for line := range strings.Lines(string(req.Auth["identity"])) {
		if !strings.HasPrefix(line, "-----") {
			hide(line)
		}
	}
	if !strings.HasPrefix(req.URL, "ssh:") {
		hide(string(req.Auth["bearerToken"]))
		login(trimmed(req.Auth, "username"), trimmed(req.Auth, "password"))
	}
	if to, err := parseTarget(req.URL, reporter{}); err == nil {
		if proxy, _ := req.proxyOf(to); proxy != nil {
			password, _ := proxy.User.Password()
			login(proxy.User.Username(), password)
		}
	}
	return r
}

// withheld stands for a text that holds a secret. To cut out the secret alone
// would tell a short or common one: what is missing is plain to see.
const withheld = "(withheld: it repeats a credential)"

// fail makes an error with a text of its own. Arguments that are errors, or
// foreign, may repeat what was sent; the others come from the ConfigRepo's spec.
func (r reporter) fail(reason Reason, format string, args ...any) *Error {
	for i, arg := range args {
		switch from := arg.(type) {
		case foreign:
			args[i] = r.hide(string(from))
		case error:
			args[i] = r.hide(from.Error())
		}
	}
	return &Error{Reason: reason, text: clean(fmt.Sprintf(format, args...))}
}

func (r reporter) hide(text string) string {
	for _, secret := range r.secrets {
		if strings.Contains(text, secret) {
			return withheld
		}
	}
	return text
}

// wrap classifies an error from below and says what was being done.
func (r reporter) wrap(ctx context.Context, doing string, err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return r.ended(ctx, doing)
	}
	words := r.words(err)
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return r.fail(ReasonAuthenticationFailed, "%s: the server refused the credentials, or asks for some%s", doing, words)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return r.fail(ReasonRepositoryNotFound, "%s: the server knows no such repository, or these credentials may not see it%s", doing, words)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return r.fail(ReasonRefNotFound, "%s: the repository is empty", doing)
	case errors.Is(err, errSHA256):
		return r.fail(ReasonUnsupportedFormat, "%s: the repository's object format is SHA-256, which isn't supported: SHA-1 is", doing)
	case errors.Is(err, errTooLarge):
		return r.fail(ReasonTooLarge, "%s: the server sent more than is allowed", doing)
	case errors.Is(err, packfile.ErrEmptyPackfile):
		return r.fail(ReasonFetchFailed, "%s: the server sent no objects", doing)
	default:
		return r.fail(ReasonFetchFailed, "%s: %v%s", doing, err, words)
	}
}

// words are the server's own for an error, if there are any.
func (r reporter) words(err error) string {
	said, ok := errors.AsType[saidError](err)
	if !ok || said.said == "" {
		return ""
	}
	// Cut before, a credential at the end would not be known again.
	return "; the server says: " + printable.Cut(r.hide(said.said), maxSentence)
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

// clean makes a text fit for a condition: one line, of a bounded length.
func clean(text string) string {
	return printable.Cut(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?")), maxText)
}
