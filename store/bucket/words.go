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
		text string
	}{
		{syscall.ENOSPC, "the file system is full: make room or enlarge it"},
		{syscall.EDQUOT, "the quota is used up: make room or raise it"},
		{syscall.EROFS, "the file system is read-only: mount it for writing"},
		{fs.ErrPermission, "no right to do so; if files may be written, the file system may have no hard links, which the store needs"},
		{errors.ErrUnsupported, "the file system has no hard links, which the store needs: choose another one"},
		{syscall.EXDEV, "another file system is mounted within the store's folder: the store must be on one"},
		{syscall.ENOTDIR, "what would be its folder is an object"},
		{syscall.ENAMETOOLONG, "the file system takes no names that long: choose another one"},
	} {
		if errors.Is(err, known.is) {
			return fmt.Errorf("%s (%w)", known.text, err)
		}
	}
	return err
}

// meaning is what a person has to know of a server's answer, by its code.
func meaning(code string) string {
	return map[string]string{
		minio.NoSuchBucket:                 "the bucket doesn't exist: make it, or correct its name",
		minio.InvalidBucketName:            "the server takes no bucket of such a name: correct it",
		minio.RequestTimeTooSkewed:         "this machine's clock and the server's differ: set them",
		minio.InvalidAccessKeyID:           "access denied, the server doesn't know the access key: correct it",
		minio.SignatureDoesNotMatch:        "access denied, the secret key isn't that of the access key: correct it",
		"ExpiredToken":                     "access denied, the credentials have expired: renew them",
		"InvalidToken":                     "access denied, the session's token isn't valid: renew it",
		minio.AccessDenied:                 "access denied: the access key needs the rights to list the bucket and to get, put and delete its objects",
		minio.AllAccessDisabled:            "access denied: the bucket is disabled",
		minio.AuthorizationHeaderMalformed: "the region is wrong: set the bucket's",
		minio.InvalidRegion:                "the region is wrong: set the bucket's",
		"PermanentRedirect":                "the bucket is elsewhere: set its region and endpoint",
		"XMinioStorageFull":                "the server is full: make room",
		"InsufficientStorage":              "the server is full: make room",
		"QuotaExceeded":                    "the bucket's quota is used up: make room or raise it",
		"XMinioAdminBucketQuotaExceeded":   "the bucket's quota is used up: make room or raise it",
		"ReadOnly":                         "the bucket is read-only",
		minio.MethodNotAllowed:             "the server takes no such request: it is read-only, or no S3-like store",
		minio.NotImplemented:               "the server can't put an object only if its name is free (If-None-Match: *): it can't be used",
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
	if text := cmp.Or(meaning(answer.Code), meaning(codeOf(answer.StatusCode))); text != "" {
		return fmt.Errorf("%s (the server says %s)", text, said)
	}
	return fmt.Errorf("the server says %s", said)
}

func unanswered(err error) error {
	if _, is := errors.AsType[x509.UnknownAuthorityError](err); is {
		return fmt.Errorf("nobody known has signed the server's certificate: set the CA's file (%w)", err)
	}
	return err
}
