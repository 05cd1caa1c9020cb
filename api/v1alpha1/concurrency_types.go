package v1alpha1

// Concurrency bounds how many Runs of a Pipeline, or of several, run at the same
// time. Runs whose key is the same share the places; others don't meet. Each Run
// goes by the revision that it is pinned to.
//
// +kubebuilder:validation:XValidation:rule="has(self.key) || has(self.group)",message="key is required, unless there is a group"
type Concurrency struct {
	// Key is a CEL expression that gives a string: Runs of the same key wait for
	// each other. It sees `params` and `run`, as in params.branch, run.ref, or
	// '"deploy"' for one key in all. run.number isn't known yet. With a group it may
	// be left out: then all Runs of the group wait for each other.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Key string `json:"key,omitempty"`

	// Group is a name. Pipelines of the namespace that give the same name share their
	// keys: Runs of one wait for those of the others. Without it a Pipeline's Runs
	// meet only each other.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Group string `json:"group,omitempty"`

	// Limit is how many Runs of a key run at the same time. Default 1. Pipelines of a
	// group do well to have the same: each Run goes by its own Pipeline's.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Limit int32 `json:"limit,omitempty"`

	// Policy says what becomes of a Run that finds no place. Default Queue.
	// +optional
	// +kubebuilder:default=Queue
	Policy ConcurrencyPolicy `json:"policy,omitempty"`
}

// ConcurrencyPolicy says what becomes of a Run that finds no place: Queue, it
// waits until those before it have ended; Replace, it waits, and a Run that has
// as many newer ones as there are places is cancelled for them; Skip, it is
// cancelled at once.
// +kubebuilder:validation:Enum=Queue;Replace;Skip
type ConcurrencyPolicy string

// The policies.
const (
	ConcurrencyQueue   ConcurrencyPolicy = "Queue"
	ConcurrencyReplace ConcurrencyPolicy = "Replace"
	ConcurrencySkip    ConcurrencyPolicy = "Skip"
)

// ConcurrencyStatus is where a Run stands among the Runs of its key.
type ConcurrencyStatus struct {
	// Key that the expression gave. One of more than 253 bytes is its beginning and
	// a hash.
	Key string `json:"key"`

	// Group that the key is of. Blank: the key is the Pipeline's own.
	// +optional
	Group string `json:"group,omitempty"`

	// Admitted: the Run has one of the places, and keeps it until it ends, or nothing
	// is left but to wait for approvals.
	// +optional
	Admitted bool `json:"admitted,omitempty"`

	// Released: the Run has given its place back, since it waits for approvals alone.
	// When it has something to run it waits for a place again: it has a position then.
	// +optional
	Released bool `json:"released,omitempty"`

	// Position among the Runs that wait, from 1, in the order of their creation.
	// Beyond 10 it is rounded up to tens, beyond 100 to hundreds, and so on: each
	// change is a write.
	// +optional
	Position int32 `json:"position,omitempty"`

	// ReplacedBy is the newer Run that this one is cancelled for.
	// +optional
	ReplacedBy string `json:"replacedBy,omitempty"`
}
