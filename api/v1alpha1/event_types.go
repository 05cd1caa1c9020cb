package v1alpha1

// EventKind is what happened at the git host.
// +kubebuilder:validation:Enum=push;pull_request;comment;release
type EventKind string

// The kinds of events. A merge request is a pull request.
const (
	// EventPush is a push of a branch or a tag.
	EventPush EventKind = "push"
	// EventPullRequest is a change of a pull request.
	EventPullRequest EventKind = "pull_request"
	// EventComment is a comment on a pull request.
	EventComment EventKind = "comment"
	// EventRelease is a change of a release.
	EventRelease EventKind = "release"
)

// EventKinds are all of them.
func EventKinds() []EventKind {
	return []EventKind{EventPush, EventPullRequest, EventComment, EventRelease}
}

// EventAction is what became of the thing that an event is about.
// +kubebuilder:validation:Enum=opened;updated;reopened;closed;merged;labeled;unlabeled;drafted;ready;edited;created;published
type EventAction string

// The actions.
const (
	// ActionOpened: the pull request is new.
	ActionOpened EventAction = "opened"
	// ActionUpdated: the pull request has another head.
	ActionUpdated EventAction = "updated"
	// ActionReopened: the pull request was closed, and is open again.
	ActionReopened EventAction = "reopened"
	// ActionClosed: the pull request was closed without a merge.
	ActionClosed EventAction = "closed"
	// ActionMerged: the pull request was merged.
	ActionMerged EventAction = "merged"
	// ActionLabeled: the pull request has another label.
	ActionLabeled EventAction = "labeled"
	// ActionUnlabeled: the pull request has lost a label.
	ActionUnlabeled EventAction = "unlabeled"
	// ActionDrafted: the pull request was made a draft.
	ActionDrafted EventAction = "drafted"
	// ActionReady: the pull request is no draft any more.
	ActionReady EventAction = "ready"
	// ActionEdited: a title, text or base branch was changed.
	ActionEdited EventAction = "edited"
	// ActionCreated: the comment is new.
	ActionCreated EventAction = "created"
	// ActionPublished: the release can be seen by all.
	ActionPublished EventAction = "published"
)

// EventActions are all of them.
func EventActions() []EventAction {
	return []EventAction{
		ActionOpened, ActionUpdated, ActionReopened, ActionClosed, ActionMerged, ActionLabeled, ActionUnlabeled,
		ActionDrafted, ActionReady, ActionEdited, ActionCreated, ActionPublished,
	}
}

// Actions are those that an event of the kind can have.
func (k EventKind) Actions() []EventAction {
	switch k {
	case EventPullRequest:
		return []EventAction{
			ActionOpened, ActionUpdated, ActionReopened, ActionClosed, ActionMerged, ActionLabeled, ActionUnlabeled,
			ActionDrafted, ActionReady, ActionEdited,
		}
	case EventComment:
		return []EventAction{ActionCreated, ActionEdited}
	case EventRelease:
		return []EventAction{ActionCreated, ActionPublished, ActionEdited}
	default:
		return nil
	}
}

// DefaultActions are those that start Runs where a Trigger names none: what brings
// new code, new words, or a new release.
func (k EventKind) DefaultActions() []EventAction {
	switch k {
	case EventPullRequest:
		return []EventAction{ActionOpened, ActionUpdated, ActionReopened, ActionReady}
	case EventComment:
		return []EventAction{ActionCreated}
	case EventRelease:
		return []EventAction{ActionPublished}
	default:
		return nil
	}
}

// DraftPolicy says what becomes of pull requests that are drafts.
// +kubebuilder:validation:Enum=Run;Ignore
type DraftPolicy string

// The policies for drafts.
const (
	// DraftsRun: a draft starts Runs as any pull request does.
	DraftsRun DraftPolicy = "Run"
	// DraftsIgnore: a draft starts none.
	DraftsIgnore DraftPolicy = "Ignore"
)

// DraftPolicies are all of them.
func DraftPolicies() []DraftPolicy { return []DraftPolicy{DraftsRun, DraftsIgnore} }
