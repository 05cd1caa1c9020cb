package v1alpha1

import "github.com/fluxcd/pkg/apis/meta"

// Report says where at the git host the state of a Trigger's Runs is to stand: at the
// commit that each is about, as a commit status, or by a GitHub App as a check run.
type Report struct {
	// Provider is the kind of git host: github, gitlab, gitea (and Forgejo), bitbucket
	// (Cloud) or bitbucket-server (Data Center). Default: the webhook's.
	// +optional
	// +kubebuilder:validation:Enum=github;gitlab;gitea;bitbucket;bitbucket-server
	Provider string `json:"provider,omitempty"`

	// API is the base address of the host's API, such as
	// https://git.example.com/api/v1 of Gitea, /api/v4 of GitLab, /api/v3 of GitHub
	// Enterprise and /rest/api/1.0 of Bitbucket Data Center. The credentials go to no
	// other host. Default, of github, gitlab and bitbucket: the one that everybody uses.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	API string `json:"api,omitempty"`

	// SecretRef names a Secret of the same namespace. Its key `token` holds a token of
	// the host. In its place, GitHub takes an app's `appID`, `installationID` and
	// `privateKey`, and Bitbucket `username` and `password`. The certificates in
	// `ca.crt`, if it is there, are trusted as well.
	SecretRef meta.LocalObjectReference `json:"secretRef"`

	// Context tells the status or check run apart from others at the same commit.
	// Default: kayci/ and the Trigger's name.
	// +optional
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][A-Za-z0-9 ._/:-]*$')",message="context must begin with a letter or digit, and hold letters, digits, spaces and . _ / : - alone",reason=FieldValueForbidden
	Context string `json:"context,omitempty"`

	// URL of a page about the Run, which the status links to. In it {namespace},
	// {trigger}, {pipeline}, {run}, {uid} and {sha} stand for what they name. Default:
	// the installation's, reports.url of the chart, and without it no link.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// Logs has the end of what failed jobs have printed leave the cluster with the
	// Run's result: in a check run the last 100 lines of each, in a status the last
	// line of the first, where there is room for it. The values of the Secrets that a
	// job's pod names are masked. Default: true for check runs, false for statuses.
	// +optional
	Logs *bool `json:"logs,omitempty"`
}

// ReportedCondition is a condition of a Run that has ended, and whose Trigger has a
// report: True when the git host has taken its last state. A Run of another Trigger
// doesn't have it.
const ReportedCondition = "Reported"

// ReportProvider is the kind of git host that the Trigger's Runs are reported to.
func (t *TriggerSpec) ReportProvider() Provider {
	switch {
	case t.Report == nil:
		return ""
	case t.Report.Provider != "":
		return Provider(t.Report.Provider)
	case t.Webhook != nil:
		return t.Webhook.Provider
	}
	return ""
}
