package event

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Limits of an event's values, in bytes. What names something and is longer is
// an error, since a shortened name would be another name; free text is cut.
const (
	maxKind       = 64
	maxRepository = 1024
	maxURL        = 2048
	maxRef        = 1024
	maxSender     = 253
	maxTitle      = 1024
	maxMessage    = 32 << 10
	maxPath       = 4096
	maxPaths      = 10_000
)

var (
	control = regexp.MustCompile(`[\x00-\x1f\x7f]`)
	// page has no character that ends an address in a text, a quote or a tag.
	page = regexp.MustCompile(`^https?://[!#-&(-;=?-\[\]_a-z~]+$`)

	shaPattern  = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	zeroPattern = regexp.MustCompile(`^0+$`)
)

// checkNames returns an error if something is named as nothing can be.
func (e *Event) checkNames() error {
	for _, named := range []struct {
		what, value string
		limit       int
	}{
		{"repository", e.Repository, maxRepository},
		{"clone address", e.CloneURL, maxURL},
		{"ref", e.Ref, maxRef},
		{"sender", e.Sender, maxSender},
		{"author", e.PullRequest.Author, maxSender},
		{"head branch", e.PullRequest.Head, maxRef},
		{"base branch", e.PullRequest.Base, maxRef},
		{"head repository", e.PullRequest.HeadRepository, maxRepository},
		{"comment's author", e.Comment.Author, maxSender},
	} {
		if len(named.value) > named.limit {
			return fmt.Errorf("the payload's %s is longer than %d bytes", named.what, named.limit)
		}
		if control.MatchString(named.value) {
			return fmt.Errorf("the payload's %s contains a control character", named.what)
		}
	}
	if (e.Ref != "" || e.Kind == v1alpha1.EventPush) && !strings.HasPrefix(e.Ref, "refs/") {
		return errors.New("the payload's `ref` does not begin with refs/")
	}
	if e.Repository == "" {
		return errors.New("the payload names no repository")
	}
	return nil
}

// cutText bounds free text, and takes out NUL, which no environment variable
// can hold.
func cutText(text string, limit int) string {
	return printable.Head(strings.ReplaceAll(text, "\x00", ""), limit)
}

// cutTitle is cutText for what stands in one line.
func cutTitle(text string) string {
	return cutLine(text, maxTitle)
}

// cutLine is cutText for the first line of a text.
func cutLine(text string, limit int) string {
	line, _, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(text, "\x00", "")), "\n")
	return cutText(strings.TrimSpace(line), limit)
}

// pageURL is the address of a page for people to open, or nothing: an event is no
// worse without.
func pageURL(address string) string {
	if len(address) > maxURL || !page.MatchString(address) {
		return ""
	}
	return address
}

// commitOf is the name of a commit, or nothing where a host says that there is none.
func commitOf(sha string) string {
	if !shaPattern.MatchString(sha) || zeroPattern.MatchString(sha) {
		return ""
	}
	return sha
}
