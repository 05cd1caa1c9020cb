package validation

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

// maxArgument is the longest argument, and the longest NAME=value, that Linux
// gives to a program, in bytes: 128 KiB with the NUL at its end.
const maxArgument = 128<<10 - 1

// word is a text of a container that decides what runs in it.
type word struct {
	at   *field.Path
	text string
	// verbatim: Kubernetes expands nothing in it.
	verbatim bool
}

// validateCommands refuses $(KAYCI_…) in all that decides what a container runs:
// Kubernetes expands it before the program begins, and a branch may be named
// `$(rm -rf .)`. Whether a program runs an argument, as those of sh -c, su -c, awk
// and find -exec do, only its author knows, who says in an annotation that it
// doesn't. In the value of a variable it is fine, if that variable isn't expanded
// in its turn.
func validateCommands(c *corev1.Container, mayExpand bool, p *field.Path) field.ErrorList {
	carries := carriers(c.Env)
	var errs field.ErrorList
	for _, w := range words(c, p) {
		names, length := expand(w.text)
		if w.verbatim {
			length = len(w.text)
		}
		if i := slices.IndexFunc(names, carries); i >= 0 && (w.verbatim || !mayExpand) {
			errs = append(errs, field.Forbidden(w.at, w.advice(names[i])))
		}
		if length > maxArgument {
			errs = append(errs, tooLong(w.at, "", length, "argument"))
		}
	}
	for i, variable := range c.Env {
		_, length := expand(variable.Value)
		if length += len(variable.Name) + 1; length > maxArgument {
			errs = append(errs, tooLong(p.Child("env").Index(i).Child("value"), " with its name", length, "variable"))
		}
	}
	return errs
}

func (w word) advice(name string) string {
	if w.verbatim {
		return fmt.Sprintf(`Kubernetes expands nothing in a hook: read "$%s", with quotes, in a script`, name)
	}
	return fmt.Sprintf(`Kubernetes would paste an event's data here, and some programs run what they are given: read "$%s", with quotes, in a script, `+
		`or, if this container's program takes every argument as data, name the container in the pod's annotation %s (ci.expandParams)`, name, v1alpha1.ExpandParamsAnnotation)
}

// tooLong is said here because the container would exit with 1 and without a word.
func tooLong(at *field.Path, with string, length int, what string) *field.Error {
	return field.Forbidden(at, fmt.Sprintf("has %d bytes%s, and Linux takes %d in one %s: put the text into the image or a mounted ConfigMap, or split it",
		length, with, maxArgument, what))
}

func words(c *corev1.Container, p *field.Path) []word {
	found := wordsOf(c.Command, p.Child("command"), false)
	found = append(found, wordsOf(c.Args, p.Child("args"), false)...)
	for i := range c.VolumeMounts {
		if expression := c.VolumeMounts[i].SubPathExpr; expression != "" {
			found = append(found, word{at: p.Child("volumeMounts").Index(i).Child("subPathExpr"), text: expression})
		}
	}
	found = append(found, probeWords(c.LivenessProbe, p.Child("livenessProbe"))...)
	found = append(found, probeWords(c.ReadinessProbe, p.Child("readinessProbe"))...)
	found = append(found, probeWords(c.StartupProbe, p.Child("startupProbe"))...)
	if c.Lifecycle == nil {
		return found
	}
	found = append(found, hookWords(c.Lifecycle.PostStart, p.Child("lifecycle", "postStart"))...)
	return append(found, hookWords(c.Lifecycle.PreStop, p.Child("lifecycle", "preStop"))...)
}

func wordsOf(texts []string, p *field.Path, verbatim bool) []word {
	found := make([]word, 0, len(texts))
	for i, text := range texts {
		found = append(found, word{at: p.Index(i), text: text, verbatim: verbatim})
	}
	return found
}

func probeWords(probe *corev1.Probe, p *field.Path) []word {
	if probe == nil || probe.Exec == nil {
		return nil
	}
	return wordsOf(probe.Exec.Command, p.Child("exec", "command"), false)
}

func hookWords(hook *corev1.LifecycleHandler, p *field.Path) []word {
	if hook == nil || hook.Exec == nil {
		return nil
	}
	return wordsOf(hook.Exec.Command, p.Child("exec", "command"), true)
}
