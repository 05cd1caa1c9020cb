package validation

import (
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const expansionAdvice = `Kubernetes would paste an event's data into a program before it runs: write "$KAYCI_…" with quotes, which the shell reads as data`

var (
	interpreter = regexp.MustCompile(`^(busybox|sh|ash|bash|dash|ksh|mksh|zsh|fish|pwsh|python[0-9.]*|perl|ruby|node|deno|bun|php|lua)$`)
	programFlag = regexp.MustCompile(`^(-[a-zA-Z]*[ceErp]|--command|--eval|--print|-Command|eval)$`)
)

// validateScripts refuses $(KAYCI_…) where it would become program text.
// Kubernetes expands it in commands and arguments, so that a branch named
// `$(rm -rf .)` would run. As an argument of its own it is data, and fine.
func validateScripts(c *corev1.Container, p *field.Path) field.ErrorList {
	errs := validateCommand(c.Command, c.Args, p.Child("command"), p.Child("args"))
	errs = append(errs, validateProbe(c.LivenessProbe, p.Child("livenessProbe"))...)
	errs = append(errs, validateProbe(c.ReadinessProbe, p.Child("readinessProbe"))...)
	errs = append(errs, validateProbe(c.StartupProbe, p.Child("startupProbe"))...)
	if c.Lifecycle == nil {
		return errs
	}
	errs = append(errs, validateHook(c.Lifecycle.PostStart, p.Child("lifecycle", "postStart"))...)
	return append(errs, validateHook(c.Lifecycle.PreStop, p.Child("lifecycle", "preStop"))...)
}

func validateProbe(probe *corev1.Probe, p *field.Path) field.ErrorList {
	if probe == nil || probe.Exec == nil {
		return nil
	}
	return validateCommand(probe.Exec.Command, nil, p.Child("exec", "command"), nil)
}

func validateHook(hook *corev1.LifecycleHandler, p *field.Path) field.ErrorList {
	if hook == nil || hook.Exec == nil {
		return nil
	}
	return validateCommand(hook.Exec.Command, nil, p.Child("exec", "command"), nil)
}

func validateCommand(command, args []string, commandPath, argsPath *field.Path) field.ErrorList {
	words := slices.Concat(command, args)
	// Without a command the image's entrypoint is unknown, and may be a shell.
	program := len(command) == 0
	for i, word := range words {
		if interpreter.MatchString(path.Base(word)) {
			program = true
		}
		if i == 0 || !program || !programFlag.MatchString(words[i-1]) || !expandsParam(word) {
			continue
		}
		at := commandPath.Index(i)
		if i >= len(command) {
			at = argsPath.Index(i - len(command))
		}
		return field.ErrorList{field.Forbidden(at, expansionAdvice)}
	}
	return nil
}

// expandsParam reports whether Kubernetes would expand a $(KAYCI_…) in s. There
// `$$` is an escaped dollar sign, so "$$(KAYCI_X)" is not a reference.
func expandsParam(s string) bool {
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i+1 == len(s) {
			return false
		}
		if s[i+1] == '$' {
			s = s[i+2:]
			continue
		}
		if strings.HasPrefix(s[i+1:], "(KAYCI_") {
			return true
		}
		s = s[i+1:]
	}
}
