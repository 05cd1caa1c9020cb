package v1alpha1

// TestSummary is what a job's test reports say in short. It is what a program of the
// job has written: good to look at, and no proof of anything.
type TestSummary struct {
	// Total is how many tests there are. Those that failed, were skipped or are flaky are
	// among them.
	Total int32 `json:"total"`

	// Failed is how many tests failed.
	// +optional
	Failed int32 `json:"failed,omitempty"`

	// Skipped is how many tests were not run.
	// +optional
	Skipped int32 `json:"skipped,omitempty"`

	// Flaky is how many tests passed after they had failed.
	// +optional
	Flaky int32 `json:"flaky,omitempty"`

	// Unread is how many report files couldn't be read whole. What they lack isn't in
	// the numbers.
	// +optional
	Unread int32 `json:"unread,omitempty"`

	// Failures are the first tests that failed, 10 at most, and 4 KiB of text. Of a Run
	// whose jobs have more than 64 KiB of such text and warnings, later jobs have only
	// the numbers.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Failures []FailedTest `json:"failures,omitempty"`
}

// FailedTest is a test that failed.
type FailedTest struct {
	// Class is what the test belongs to: a package of Go, a class of Java.
	// +optional
	Class string `json:"class,omitempty"`

	// Name of the test.
	Name string `json:"name"`

	// Message is why it failed, in a line.
	// +optional
	Message string `json:"message,omitempty"`
}
