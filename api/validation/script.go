package validation

import (
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
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
	// Without a command the image's entrypoint is unknown, and may be a shell.
	line := commandLine{possible: len(command) == 0}
	for i, word := range slices.Concat(command, args) {
		advice := line.objection(word)
		if advice == "" {
			line.read(word)
			continue
		}
		at := commandPath.Index(i)
		if i >= len(command) {
			at = argsPath.Index(i - len(command))
		}
		return field.ErrorList{field.Forbidden(at, advice)}
	}
	return nil
}

const (
	scriptAdvice = `Kubernetes would paste an event's data into a program before it runs: write "$KAYCI_…" with quotes, which the shell reads as data`
	flagAdvice   = `Kubernetes would paste an event's data into a flag that may hold a program: make $(KAYCI_…) an argument of its own`
)

var (
	interpreter = regexp.MustCompile(`^(busybox|sh|ash|bash|dash|ksh|mksh|zsh|fish|pwsh|python[0-9.]*|perl|ruby|node|deno|bun|php|lua)$`)
	// scriptFlag of an interpreter says that a program follows.
	scriptFlag = regexp.MustCompile(`^(-[a-zA-Z]*[ceErp][a-zA-Z]*|--command|--eval|--print|eval)$`)
	// likelyScriptFlag is for what need not be an interpreter: a program may have
	// a flag -commit.
	likelyScriptFlag = regexp.MustCompile(`^(-[a-zA-Z]*[ceErp]|-[aefilmux]*c[aefilmuxo]*|--command|--eval|--print|-Command|eval)$`)
	// likelyScript is a flag and its program in one word, and not -commit=….
	likelyScript = regexp.MustCompile(`^(-[ceErp](\W|\w+[^\w=-])|--(command|eval|print)=)`)
	// optionFlag of a shell takes the next word: -o pipefail.
	optionFlag = regexp.MustCompile(`^[-+][a-zA-Z]*[oO]$`)
)

// commandLine is what is known of a command's words so far. In doubt a word is
// taken for a program's text: a value can always be an argument of its own.
type commandLine struct {
	// possible: some word so far may be an interpreter's name.
	possible bool
	// certain: one is, and its program hasn't come yet.
	certain bool
	// pending: the next word that isn't a flag is a program's text.
	pending bool
	// named: the word after a script is only what the script is called.
	named    bool
	previous string
}

// objection to the next word, or blank.
func (l *commandLine) objection(word string) string {
	switch {
	case !expandsParam(word):
		return ""
	case l.pending:
		return scriptAdvice
	case l.certain && strings.HasPrefix(word, "-"), l.possible && likelyScript.MatchString(word):
		return flagAdvice
	default:
		return ""
	}
}

func (l *commandLine) read(word string) {
	named := l.named
	l.named = false
	switch {
	case l.certain && scriptFlag.MatchString(word), l.possible && likelyScriptFlag.MatchString(word):
		l.pending = true
	case l.pending:
		isFlag := strings.HasPrefix(word, "-") || strings.HasPrefix(word, "+")
		if !isFlag && !optionFlag.MatchString(l.previous) {
			l.pending, l.certain, l.named = false, false, true
		}
	case !named && interpreter.MatchString(path.Base(word)):
		l.possible, l.certain = true, true
	}
	l.previous = word
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
