package bucket

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"syscall"

	"github.com/minio/minio-go/v7"
)

// inWords says what a file system's error means for the store.
func inWords(err error) error {
	for _, known := range []struct {
		is   error
		kind error
		text string
	}{
		{syscall.ENOSPC, ErrFull, "the file system is full: make room or enlarge it"},
		{syscall.EDQUOT, ErrFull, "the quota is used up: make room or raise it"},
		{syscall.EROFS, ErrDenied, "the file system is read-only: mount it for writing"},
		{fs.ErrPermission, ErrDenied, "no right to do so; if files may be written, the file system may have no hard links, which the store needs"},
		{errors.ErrUnsupported, nil, "the file system has no hard links, which the store needs: choose another one"},
		{syscall.EXDEV, nil, "another file system is mounted within the store's folder: the store must be on one"},
		{syscall.ENOTDIR, nil, "what would be its folder is an object"},
		{syscall.ENAMETOOLONG, nil, "the file system takes no names that long: choose another one"},
	} {
		if errors.Is(err, known.is) {
			return ofKind(known.kind, fmt.Errorf("%s (%w)", known.text, err))
		}
	}
	return err
}

// kindError is an error of a kind, which its text doesn't repeat.
type kindError struct {
	error

	kind error
}

// Unwrap returns both.
func (k kindError) Unwrap() []error { return []error{k.error, k.kind} }

// ofKind returns the error as one of the kind, if that isn't nil.
func ofKind(kind, err error) error {
	if kind == nil {
		return err
	}
	return kindError{err, kind}
}

// meaning is what a person has to know of a server's answer, and its kind, if it has one.
type meaning struct {
	text string
	kind error
}

// meaningOf an answer, by its code.
func meaningOf(code string) meaning {
	return map[string]meaning{
		minio.NoSuchBucket:                 {"the bucket doesn't exist: make it, or correct its name", nil},
		minio.InvalidBucketName:            {"the server takes no bucket of such a name: correct it", nil},
		minio.RequestTimeTooSkewed:         {"this machine's clock and the server's differ: set them", nil},
		minio.InvalidAccessKeyID:           {"access denied, the server doesn't know the access key: correct it", ErrDenied},
		minio.SignatureDoesNotMatch:        {"access denied, the secret key isn't that of the access key: correct it", ErrDenied},
		"ExpiredToken":                     {"access denied, the credentials have expired: renew them", ErrDenied},
		"InvalidToken":                     {"access denied, the session's token isn't valid: renew it", ErrDenied},
		minio.AccessDenied:                 {"access denied: the access key needs the rights to list the bucket and to get, put and delete its objects", ErrDenied},
		minio.AllAccessDisabled:            {"access denied: the bucket is disabled", ErrDenied},
		minio.AuthorizationHeaderMalformed: {"the region is wrong: set the bucket's", nil},
		minio.InvalidRegion:                {"the region is wrong: set the bucket's", nil},
		"PermanentRedirect":                {"the bucket is elsewhere: set its region and endpoint", nil},
		// MinIO's.
		"XMinioStorageFull":              {"the server is full: make room", ErrFull},
		"XMinioAdminBucketQuotaExceeded": {"the bucket's quota is used up: make room or raise it", ErrFull},
		// Ceph's.
		"QuotaExceeded": {"the bucket's quota is used up: make room or raise it", ErrFull},
		// Huawei's.
		"InsufficientStorageSpace": {"the bucket's quota is used up: make room or raise it", ErrFull},
		// Of no code, but a status.
		"InsufficientStorage":  {"the server is full: make room", ErrFull},
		"ReadOnly":             {"the bucket is read-only", ErrDenied},
		minio.MethodNotAllowed: {"the server takes no such request: it is read-only, or no S3-like store", nil},
		minio.NotImplemented:   {"the server can't put an object only if its name is free (If-None-Match: *): it can't be used", nil},
	}[code]
}

// codeOf stands for the code of an answer that has none that is known.
func codeOf(status int) string {
	switch status {
	case http.StatusForbidden, http.StatusUnauthorized:
		return minio.AccessDenied
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect:
		return "PermanentRedirect"
	case http.StatusInsufficientStorage:
		return "InsufficientStorage"
	case http.StatusMethodNotAllowed:
		return minio.MethodNotAllowed
	case http.StatusNotImplemented:
		return minio.NotImplemented
	}
	return ""
}

// answered says what a server's answer means. Its own words are bounded.
func answered(err error) error {
	answer, is := errors.AsType[minio.ErrorResponse](err)
	if !is {
		return unanswered(err)
	}
	said := fmt.Sprintf("%d %.60q, %.200q", answer.StatusCode, answer.Code, answer.Message)
	if m := cmp.Or(meaningOf(answer.Code), meaningOf(codeOf(answer.StatusCode))); m.text != "" {
		return ofKind(m.kind, fmt.Errorf("%s (the server says %s)", m.text, said))
	}
	return fmt.Errorf("the server says %s", said)
}

func unanswered(err error) error {
	if _, is := errors.AsType[x509.UnknownAuthorityError](err); is {
		return fmt.Errorf("nobody known has signed the server's certificate: set the CA's file (%w)", err)
	}
	return err
}
