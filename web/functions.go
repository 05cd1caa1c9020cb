package web

import (
	"html/template"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/web/static"
)

// functions are what templates call. What they return is escaped by the templates.
func functions(files *static.Files, now clock.PassiveClock) template.FuncMap {
	return template.FuncMap{
		// static is the path of one of the page's own files.
		"static": files.Path,
		// plain is text without what would change the text around it: a build's names
		// and messages may hold characters that turn the direction of writing.
		"plain": printable.Text,
		// size is a number of bytes in words.
		"size": printable.Size,
		// short is a time in words, ago how long something is past, and instant a point
		// in time for programs.
		"short":   duration.HumanDuration,
		"ago":     func(t time.Time) string { return duration.HumanDuration(now.Since(t)) + " ago" },
		"instant": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		// The paths of pages.
		"namespacePath": namespacePath,
		"pipelinePath":  pipelinePath,
		"runPath":       runPath,
		"jobPath":       jobPath,
		"repoPath":      configRepoPath,
		"triggerPath":   triggerPath,
	}
}
