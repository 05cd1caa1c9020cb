// Package checkup says what is right and wrong with KayCI in a cluster, by what was read
// there. It is pure.
package checkup

import (
	"fmt"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Answer is what was read, or why it couldn't be.
type Answer[T any] struct {
	Value T
	Err   error
}

// Facts are what is known of a cluster.
type Facts struct {
	Now time.Time
	// Program is the version of this program, and Namespace the one that is looked at;
	// blank are all.
	Program, Namespace string
	// Server is the API server's version.
	Server Answer[string]
	// Kinds are the definitions of KayCI's kinds, by their names.
	Kinds map[string]Answer[*apiextensionsv1.CustomResourceDefinition]
	// Deployments of controllers.
	Deployments Answer[[]appsv1.Deployment]
	// Webhooks for validation that ask KayCI.
	Webhooks Answer[[]admissionv1.ValidatingWebhookConfiguration]
	// Store is the Service of the store; blank: none is known.
	Store Answer[string]
	// Mine are the rights of who asks, and Controllers those of the controllers.
	Mine, Controllers []Right

	ConfigRepos Answer[[]v1alpha1.ConfigRepo]
	Triggers    Answer[[]v1alpha1.Trigger]
	Runs        Answer[[]v1alpha1.Run]
}

// Right is what somebody may do, or may not.
type Right struct {
	// Who has it; blank is who asks.
	Who string
	// To is what for.
	To string
	// Takes is the verb and what it is of: "get pods/log".
	Takes   string
	Allowed Answer[bool]
	// Needed: without it nothing works.
	Needed bool
}

// Level is how bad something is.
type Level string

// The levels.
const (
	Good    Level = "ok"
	Note    Level = "note"
	Unknown Level = "unknown"
	Wrong   Level = "wrong"
)

// Symbol of a level, for who looks at the beginnings of lines.
func (l Level) Symbol() string {
	switch l {
	case Good:
		return "✓"
	case Note:
		return "!"
	case Unknown:
		return "?"
	default:
		return "✕"
	}
}

// Line is what is known of one thing.
type Line struct {
	Level Level `json:"level"`
	// About names the thing.
	About string `json:"about"`
	// Text says what is known.
	Text string `json:"text"`
	// Do says what would help, if something would.
	Do string `json:"do,omitempty"`
}

// Lines says what is known, in the order in which one would look: what everything rests
// on comes first.
func Lines(f *Facts) []Line {
	checks := []func(*Facts) []Line{server, kinds, controllers, webhooks, controllerRights, myRights, configRepos, triggers, runs, store}
	var lines []Line
	for _, check := range checks {
		for _, line := range check(f) {
			line.About, line.Text, line.Do = printable.Text(line.About), printable.Text(line.Text), printable.Text(line.Do)
			lines = append(lines, line)
		}
	}
	return lines
}

// Healthy reports whether nothing is wrong.
func Healthy(lines []Line) bool {
	for _, line := range lines {
		if line.Level == Wrong {
			return false
		}
	}
	return true
}

// unread says why something isn't known.
func unread(about, what string, err error) Line {
	if apierrors.IsForbidden(err) {
		return Line{Unknown, about, "you may not read " + what, "whoever administers the cluster can call this command"}
	}
	return Line{Unknown, about, fmt.Sprintf("%s can't be read: %v", what, err), ""}
}

// store says whether logs outlive their pods.
func store(f *Facts) []Line {
	name, err := f.Store.Value, f.Store.Err
	switch {
	case err == nil && name == "":
		return []Line{{
			Note, "store", "none is known: without one logs go with their pods, and a node keeps the newest 10 MiB of what a container prints, unless its kubelet is told otherwise",
			"set store.enabled and store.readers of the chart, or name the store (--store); or collect logs, and raise containerLogMaxSize of the kubelets where jobs print more",
		}}
	case err != nil && name == "":
		return []Line{unread("store", "where the store is", err)}
	case apierrors.IsForbidden(err):
		return []Line{{Unknown, "store " + name, "you may not ask it", "whoever administers the cluster can name you in store.readers of the chart"}}
	case err != nil:
		namespace, _, _ := strings.Cut(name, "/")
		return []Line{{
			Wrong, "store " + name, fmt.Sprintf("it doesn't answer: %v", err),
			"see `kubectl describe deployment,pods -n " + namespace + " -l app.kubernetes.io/component=store` and its log",
		}}
	}
	return []Line{{Good, "store " + name, "it answers", ""}}
}
