package checkup

import (
	"fmt"
	"slices"

	"github.com/fluxcd/pkg/apis/meta"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
)

const (
	// most is how many objects of a kind are named.
	most = 10
	// mostText bounds what is said of each, in characters.
	mostText = 300
)

func configRepos(f *Facts) []Line {
	if f.ConfigRepos.Err != nil {
		return []Line{unread("ConfigRepos", "ConfigRepos", f.ConfigRepos.Err)}
	}
	var lines []Line
	for i := range f.ConfigRepos.Value {
		repo := &f.ConfigRepos.Value[i]
		if line, is := unready("ConfigRepo", repo, repo.Status.Conditions, repo.Spec.Suspend); is {
			line.Do = fmt.Sprintf("see `kubectl describe configrepo %s -n %s`, and docs/reasons.md", repo.Name, repo.Namespace)
			lines = append(lines, line)
		}
	}
	return bounded("ConfigRepos", len(f.ConfigRepos.Value), lines)
}

func triggers(f *Facts) []Line {
	if f.Triggers.Err != nil {
		return []Line{unread("Triggers", "Triggers", f.Triggers.Err)}
	}
	var lines []Line
	for i := range f.Triggers.Value {
		trigger := &f.Triggers.Value[i]
		if line, is := unready("Trigger", trigger, trigger.Status.Conditions, trigger.Spec.Suspend); is {
			line.Do = fmt.Sprintf("see `kubectl describe trigger %s -n %s`, and docs/reasons.md", trigger.Name, trigger.Namespace)
			lines = append(lines, line)
		}
	}
	return bounded("Triggers", len(f.Triggers.Value), lines)
}

// unready says of an object why it isn't Ready.
func unready(kind string, object metav1.Object, conditions []metav1.Condition, suspended bool) (Line, bool) {
	about := fmt.Sprintf("%s %s/%s", kind, object.GetNamespace(), object.GetName())
	ready := apimeta.FindStatusCondition(conditions, meta.ReadyCondition)
	switch {
	case suspended:
		return Line{Level: Note, About: about, Text: "it is suspended"}, true
	case ready == nil:
		return Line{Level: Note, About: about, Text: "no controller has looked at it yet"}, true
	case ready.Status == metav1.ConditionTrue:
		return Line{}, false
	case ready.Status == metav1.ConditionFalse:
		return Line{Level: Wrong, About: about, Text: said(ready)}, true
	}
	return Line{Level: Note, About: about, Text: said(ready)}, true
}

func said(condition *metav1.Condition) string {
	return printable.Cut(printable.Text(condition.Reason+": "+condition.Message), mostText)
}

// bounded is what is to be said of a kind: that all is well, or what isn't.
func bounded(about string, all int, lines []Line) []Line {
	if len(lines) == 0 {
		return []Line{{Good, about, fmt.Sprintf("all %d are ready", all), ""}}
	}
	if len(lines) <= most {
		return lines
	}
	worst := slices.SortedStableFunc(slices.Values(lines), func(a, b Line) int { return rank(a) - rank(b) })
	left := worst[most:]
	level := Note
	if left[0].Level == Wrong {
		level = Wrong
	}
	return append(worst[:most:most], Line{level, about, fmt.Sprintf("%d more are not ready", len(left)), ""})
}

func rank(line Line) int {
	if line.Level == Wrong {
		return 0
	}
	return 1
}

// runs says which wait, and what for.
func runs(f *Facts) []Line {
	if f.Runs.Err != nil {
		return []Line{unread("Runs", "Runs", f.Runs.Err)}
	}
	var lines []Line
	active := 0
	for i := range f.Runs.Value {
		run := &f.Runs.Value[i]
		if run.Status.Phase.Finished() {
			continue
		}
		active++
		if line, waits := waiting(f, run); waits {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return []Line{{Good, "Runs", fmt.Sprintf("%d are active, and none waits", active), ""}}
	}
	if len(lines) > most {
		lines = append(lines[:most:most], Line{Note, "Runs", fmt.Sprintf("%d more wait", len(lines)-most), ""})
	}
	return lines
}

func waiting(f *Facts, run *v1alpha1.Run) (Line, bool) {
	seen := view.Of(view.Facts{Run: run, Now: f.Now})
	if run.Status.Phase == "" {
		seen.Why = "no controller has looked at it yet"
	}
	if seen.Why == "" {
		return Line{}, false
	}
	line := Line{Level: Note, About: fmt.Sprintf("Run %s/%s", run.Namespace, seen.Address), Text: printable.Cut(seen.Why, mostText)}
	if len(seen.Commands) > 0 {
		line.Do = "`" + seen.Commands[0] + "`"
	}
	return line, true
}
