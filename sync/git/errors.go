package git

import (
	"errors"
)

// Reason says in one word why a fetch failed; it is fit for a condition.
type Reason string

// The reasons.
const (
	// ReasonInvalidURL: the URL's scheme or form is refused.
	ReasonInvalidURL Reason = "InvalidURL"
	// ReasonInvalidSecret: a key of the Secret is missing or malformed.
	ReasonInvalidSecret Reason = "InvalidSecret"
	// ReasonAuthenticationFailed: the server refused the credentials, or could not
	// prove that it is the one in known_hosts.
	ReasonAuthenticationFailed Reason = "AuthenticationFailed"
	// ReasonRepositoryNotFound: the server knows no such repository.
	ReasonRepositoryNotFound Reason = "RepositoryNotFound"
	// ReasonRefNotFound: the repository has no such branch, tag or commit.
	ReasonRefNotFound Reason = "RefNotFound"
	// ReasonInvalidTree: the commit holds a name or object that is refused.
	ReasonInvalidTree Reason = "InvalidTree"
	// ReasonTooLarge: the commit exceeds one of the Limits.
	ReasonTooLarge Reason = "TooLarge"
	// ReasonUnsupportedFormat: the repository names its objects in a way that KayCI
	// can't read.
	ReasonUnsupportedFormat Reason = "UnsupportedFormat"
	// ReasonTimeout: the context's deadline ended the fetch.
	ReasonTimeout Reason = "Timeout"
	// ReasonFetchFailed: the network or the server failed.
	ReasonFetchFailed Reason = "FetchFailed"
	// ReasonStorageFailed: the store or the target folder can't be used.
	ReasonStorageFailed Reason = "StorageFailed"
)

// Error is what every function of this package returns. Its text holds no
// credential.
type Error struct {
	// Reason classifies the error.
	Reason Reason
	text   string
	cause  error
}

// Error returns a text without the reason.
func (e *Error) Error() string { return e.text }

// Unwrap returns the context's error when that ended the fetch, and nil
// otherwise: an error from below may hold a credential in its text.
func (e *Error) Unwrap() error { return e.cause }

// Transient reports whether trying again soon may help. If not, a person has to
// change the spec, the Secret or the repository first.
func (e *Error) Transient() bool {
	switch e.Reason {
	case ReasonTimeout, ReasonFetchFailed, ReasonStorageFailed:
		return true
	default:
		return false
	}
}

// ReasonOf returns the reason of an error of this package, and
// ReasonFetchFailed for any other.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ReasonFetchFailed
}
