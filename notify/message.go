// Package notify tells people and programs about a Run: it makes a message of
// what a container's environment says and sends it to a chat, by e-mail or to a
// web address.
//
// Two kinds of input meet here and are kept apart. The Run's values may have been
// chosen by whoever caused an event: they are data, never a template, and every
// format cuts them and takes out what has a meaning of its own there. The address
// holds credentials: no error is made of the address or of what a server says,
// because a server may repeat it.
package notify

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

// EnvURL is the environment variable that holds the address to send to.
const EnvURL = v1alpha1.EnvNotifyPrefix + "URL"

// Message says what became of a Run. Its values are as untrusted as they came;
// its JSON form is what a web address gets, once its lengths are bounded.
type Message struct {
	// Title is what is read first: an e-mail's subject.
	Title      string            `json:"title"`
	Run        string            `json:"run"`
	Pipeline   string            `json:"pipeline"`
	Namespace  string            `json:"namespace"`
	Number     int64             `json:"number"`
	Phase      v1alpha1.RunPhase `json:"phase"`
	FailedJobs []string          `json:"failedJobs"`
	// Message is that of the Run's condition Succeeded.
	Message string `json:"message"`
	// Params are the Run's parameters by their names, which are lower-case.
	Params map[string]string `json:"params"`
}

// FromEnvironment reads a Message from variables as os.Environ lists them. Every
// KAYCI_ variable that has no other meaning is taken for a parameter. A blank
// title becomes "<pipeline> #<number> <phase>".
func FromEnvironment(environ []string, title string) (Message, error) {
	env := make(map[string]string, len(environ))
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	m := Message{
		Title:      title,
		Run:        env[v1alpha1.EnvRun],
		Pipeline:   env[v1alpha1.EnvPipeline],
		Namespace:  env[v1alpha1.EnvNamespace],
		Phase:      v1alpha1.RunPhase(env[v1alpha1.EnvRunPhase]),
		FailedJobs: list(env[v1alpha1.EnvFailedJobs]),
		Message:    env[v1alpha1.EnvRunMessage],
		Params:     params(env),
	}
	for _, name := range []string{v1alpha1.EnvRun, v1alpha1.EnvPipeline, v1alpha1.EnvNamespace, v1alpha1.EnvRunNumber, v1alpha1.EnvRunPhase} {
		if env[name] == "" {
			return Message{}, fmt.Errorf("the environment variable %s is not set: it says what the message is about", name)
		}
	}
	switch m.Phase {
	case v1alpha1.RunQueued, v1alpha1.RunRunning, v1alpha1.RunSucceeded, v1alpha1.RunFailed, v1alpha1.RunCancelled:
	default:
		return Message{}, fmt.Errorf("%s takes Queued, Running, Succeeded, Failed or Cancelled", v1alpha1.EnvRunPhase)
	}
	number, err := strconv.ParseInt(env[v1alpha1.EnvRunNumber], 10, 64)
	if err != nil {
		return Message{}, errors.New(v1alpha1.EnvRunNumber + " is not a number")
	}
	m.Number = number
	if m.Title == "" {
		m.Title = fmt.Sprintf("%s #%d %s", m.Pipeline, m.Number, m.Phase)
	}
	return m, nil
}

func list(names string) []string {
	result := []string{}
	for name := range strings.SplitSeq(names, ",") {
		if name = strings.TrimSpace(name); name != "" {
			result = append(result, name)
		}
	}
	return result
}

func params(env map[string]string) map[string]string {
	result := map[string]string{}
	links := serviceLinks(env)
	for variable, value := range env {
		name, ours := strings.CutPrefix(variable, v1alpha1.EnvPrefix)
		if ours && isParam(variable) && !hasPrefix(variable, links) {
			result[strings.ToLower(name)] = value
		}
	}
	return result
}

// isParam knows the names that no parameter may have. KAYCI_NOTIFY_ is this
// package's own: what stands there may be secret.
func isParam(variable string) bool {
	switch variable {
	case v1alpha1.EnvRun, v1alpha1.EnvPipeline, v1alpha1.EnvNamespace, v1alpha1.EnvRunNumber, v1alpha1.EnvJob,
		v1alpha1.EnvRunPhase, v1alpha1.EnvRunMessage, v1alpha1.EnvFailedJobs:
		return false
	}
	return !hasPrefix(variable, []string{
		v1alpha1.EnvNotifyPrefix, v1alpha1.EnvOutputPrefix, v1alpha1.EnvServicePrefix,
	})
}

// serviceLinks are the beginnings of the variables that a kubelet sets for each
// Service of the namespace: one that is called kayci, or kayci-something, would
// look like parameters.
func serviceLinks(env map[string]string) []string {
	var prefixes []string
	for _, variable := range slices.Sorted(maps.Keys(env)) {
		stem, found := strings.CutSuffix(variable, "_SERVICE_HOST")
		if _, port := env[stem+"_SERVICE_PORT"]; found && port {
			prefixes = append(prefixes, stem+"_SERVICE_", stem+"_PORT")
		}
	}
	return prefixes
}

func hasPrefix(text string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
}
