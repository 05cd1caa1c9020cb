package configrepo

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/remote"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
	"github.com/kayci/kayci/sync/git"
)

// Reasons for Ready=False beside those of git.Reason.
const (
	// ReasonRenderFailed: a file of the commit can't be evaluated, or what it
	// yields is not valid.
	ReasonRenderFailed = "RenderFailed"
	// ReasonEvaluationStopped: the evaluation took long while others waited.
	ReasonEvaluationStopped = "EvaluationStopped"
	// ReasonEmptyCommit: the commit renders nothing, and that isn't allowed.
	ReasonEmptyCommit = "EmptyCommit"
	// ReasonPruneRefused: the commit no longer renders most of the objects, and that
	// isn't allowed.
	ReasonPruneRefused = "PruneRefused"
	// ReasonApplyRefused: the API server refuses an object of the commit, or the
	// object belongs to another ConfigRepo.
	ReasonApplyRefused = "ApplyRefused"
	// ReasonSyncFailed: the cluster or this process is in trouble.
	ReasonSyncFailed = "SyncFailed"
)

// failure is an error with all that a report of it needs.
type failure struct {
	reason, message string
	// stalled: only a change of the repository, the spec or a Secret can help.
	stalled bool
	// retryAt is when to try again. Zero: soon, and then less and less often.
	retryAt time.Time
}

// Error makes a failure an error, for those that arise in this package.
func (f *failure) Error() string { return f.message }

func emptyCommit() error {
	return &failure{
		reason:  ReasonEmptyCommit,
		message: "the commit renders no object, so nothing was changed; set spec.allowEmpty if everything is to be removed",
		stalled: true,
	}
}

func storageFailed(err error) error {
	return &failure{reason: string(git.ReasonStorageFailed), message: fmt.Sprintf("make a folder for the commit: %v", err)}
}

// classify says whose an error is.
func classify(err error) *failure {
	var (
		own     *failure
		missing *remote.MissingSecretError
		fetch   *git.Error
		files   render.Errors
		refused *apply.RefusedError
		most    *apply.MassPruneError
	)
	found := &failure{reason: ReasonSyncFailed}
	switch {
	case errors.As(err, &own):
		*found = *own
	case errors.As(err, &missing):
		found.reason = v1alpha1.ReasonSecretNotFound
	case errors.As(err, &fetch):
		found.reason, found.stalled = string(fetch.Reason), !fetch.Transient()
	case errors.As(err, &files):
		found.reason, found.stalled = ReasonRenderFailed, true
	case errors.As(err, &refused):
		found.reason, found.stalled = ReasonApplyRefused, true
	case errors.As(err, &most):
		found.reason, found.stalled = ReasonPruneRefused, true
	case apply.IsPrune(err):
		found.reason = meta.PruneFailedReason
	}
	found.message = steady(err.Error())
	return found
}

// maxMessage bounds what goes into a condition: a screenful, not a log.
const maxMessage = 4096

// steady bounds a text that stays the same as long as the same thing goes wrong.
func steady(text string) string {
	text = remote.Steady(text)
	if len(text) <= maxMessage {
		return text
	}
	const more = "\n…"
	text = printable.Head(text, maxMessage-len(more))
	if end := strings.LastIndexByte(text, '\n'); end > maxMessage/2 {
		text = text[:end]
	}
	return text + more
}
