package match

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func pathsOf(paths, ignored []string) v1alpha1.TriggerSpec {
	return github(func(w *v1alpha1.Webhook) {
		w.Events, w.Paths, w.PathsIgnore = v1alpha1.EventKinds(), paths, ignored
	})
}

func changed(gap string, paths ...string) *event.Event {
	e := push("refs/heads/main")
	e.Paths, e.PathsGap = paths, gap
	return e
}

func TestPaths(t *testing.T) {
	sources, docs := []string{"src/**", "go.mod"}, []string{"docs/**", "**/*.md"}
	wanted, ignoring, both := pathsOf(sources, nil), pathsOf(nil, docs), pathsOf(sources, docs)
	tag := changed("the ref is new", "docs/a.md")
	tag.Ref, tag.Branch, tag.Tag = "refs/tags/v1", "", "v1"
	release := &event.Event{Kind: v1alpha1.EventRelease, Action: "published", Release: event.Release{Tag: "v1"}}
	conditional := pathsOf(sources, nil)
	conditional.Webhook.If = "event.branch == 'dev'"
	asking := pathsOf(sources, nil)
	asking.Webhook.If = "'src/a' in event.paths"
	long := strings.Repeat("é", 300)
	const main = "a push of refs/heads/main, "
	check(t, map[string]decided{
		"one of them":               {wanted, changed("", "docs/a.md", "src/a/b.go"), matched(main + "path src/a/b.go matches src/**")},
		"none of them":              {wanted, changed("", "docs/a.md", "go.mod.old"), not("no changed path matches paths: docs/a.md, go.mod.old")},
		"none of many":              {wanted, changed("", strings.Split("a b c d e f g h i j", " ")...), not("no changed path matches paths: a, b, c, d, e, f, g, h, 2 more")},
		"a long one":                {wanted, changed("", long), not("no changed path matches paths: " + strings.Repeat("é", 254) + "…")},
		"a long one that matches":   {wanted, changed("", "src/"+long), matched(main + "path src/" + strings.Repeat("é", 250) + "… matches src/**")},
		"a folder's own name":       {wanted, changed("", "src"), matched(main + "path src matches src/**")},
		"nothing changed":           {wanted, changed(""), not("no path has changed, and paths are given")},
		"known in part, and enough": {wanted, changed("the ref is new", "src/a.go"), matched(main + "path src/a.go matches src/**")},
		"known in part":             {wanted, changed("the ref is new", "docs/a.md"), lacking(ChangedPaths, main+"not all changed paths are known: the ref is new")},
		"unknown":                   {wanted, changed("the ref is new"), lacking(ChangedPaths, main+"not all changed paths are known: the ref is new")},
		"unknown, and needless":     {conditional, changed("the ref is new"), not("spec.webhook.if is false: event.branch == 'dev'")},
		"unknown, and asked again": {asking, changed("the ref is new"), lacking(ChangedPaths, main+"not all changed paths are known: the ref is new, "+
			"and spec.webhook.if depends on the list of changed paths, which is incomplete: the ref is new")},
		"one not ignored":              {ignoring, changed("", "docs/a.html", "src/a.go"), matched(main + "path src/a.go is none of pathsIgnore")},
		"all ignored":                  {ignoring, changed("", "docs/a.html", "README.md"), not("all changed paths match pathsIgnore: docs/a.html, README.md")},
		"nothing changed, nor ignored": {ignoring, changed(""), matched(main + "no path has changed")},
		"ignored in part":              {ignoring, changed("the push was forced", "docs/a.html"), lacking(ChangedPaths, main+"not all changed paths are known: the push was forced")},
		"both":                         {both, changed("", "src/a.go", "src/b.md"), matched(main + "path src/a.go matches src/**")},
		"both, and ignored":            {both, changed("", "src/b.md", "Makefile"), not("no changed path matches paths and not pathsIgnore: src/b.md, Makefile")},
		"both, and nothing changed":    {both, changed(""), not("no path has changed, and paths are given")},
		"a tag is not asked":           {wanted, tag, matched("a push of refs/tags/v1")},
		"a release is not asked":       {wanted, release, matched("the release of v1 (published)")},
		"a pull request":               {wanted, pullRequest(nil), not("no changed path matches paths: docs/a.md")},
		"a bad glob":                   {pathsOf([]string{"a", "{b}"}, nil), changed("", "c"), Decision{Outcome: Invalid, Reason: `spec.webhook.paths: "{b}" has alternatives in braces: list each as a pattern of its own, or write \{ and \} for the characters`}},
		"a bad glob to ignore":         {pathsOf(nil, []string{"["}), changed("", "c"), Decision{Outcome: Invalid, Reason: `spec.webhook.pathsIgnore: "[" is not a valid glob`}},
	})
}

// TestPathsBounded: what takes hours to compare is not compared to the end. Without
// the bound this test doesn't end.
func TestPathsBounded(t *testing.T) {
	many := func(count int, path string) *event.Event {
		all := make([]string, count)
		for i := range all {
			all[i] = fmt.Sprintf("%s%d", path, i)
		}
		return changed("", all...)
	}
	times := func(pattern string) []string {
		all := make([]string, 64)
		for i := range all {
			all[i] = fmt.Sprintf("%s%d", pattern, i)
		}
		return all
	}
	usual, hostile := times("**/*.go"), times("**/*"+strings.Repeat("a", 240)+"b*")
	none := func(reason string) Decision {
		return not(reason + ": lib/a0, lib/a1, lib/a2, lib/a3, lib/a4, lib/a5, lib/a6, lib/a7, 99992 more")
	}
	tooMany := matched("a push of refs/heads/main, 10000 changed paths are too many to compare with all globs of paths and pathsIgnore")
	check(t, map[string]decided{
		"usual":            {pathsOf(usual, nil), many(100_000, "lib/a"), none("no changed path matches paths")},
		"usual, and both":  {pathsOf(times("src/"), usual), many(100_000, "lib/a"), none("no changed path matches paths and not pathsIgnore")},
		"hostile":          {pathsOf(hostile, nil), many(10_000, strings.Repeat("a", 4000)), tooMany},
		"hostile, ignored": {pathsOf(nil, slices.Concat(hostile, []string{"**"})), many(10_000, strings.Repeat("a", 4000)), tooMany},
	})
}

// FuzzGlob checks that looking at the fixed beginning first changes nothing.
func FuzzGlob(f *testing.F) {
	f.Add("src/**", "src")
	f.Add("src/**/", "src")
	f.Add("src/*", "src/")
	f.Add("a/b?", "a/bc")
	f.Add("**/src", "src")
	f.Add("**/src/", "src")
	f.Add("a/**/b/**/", "a/b")
	f.Add("*.go", ".go")
	f.Add("**.go", "a.go")
	f.Add("[*].go", "*.go")
	f.Add("*[a].go", "xa.go")
	f.Add(`*\]`, "a]")
	f.Add("?]", "a]")
	f.Add("[]*]b", "]b")
	f.Add(`a\*b`, "a*b")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 255 || len(name) > 4096 || validation.Glob(pattern) != nil {
			return
		}
		if !utf8.ValidString(name) || !utf8.ValidString(pattern) {
			return // no JSON document or object holds such a string
		}
		one, err := newGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := one.matches(name), doublestar.MatchUnvalidated(pattern, name); got != want {
			t.Errorf("%q matches %q: got %t, want %t", pattern, name, got, want)
		}
	})
}
