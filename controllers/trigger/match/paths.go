package match

import (
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// maxSteps bounds what comparing paths takes: about a second of a processor where who
// has chosen the paths and who has chosen the globs mean ill. 10,000 usual paths and
// 64 usual globs are far below it.
const maxSteps = 1 << 26

// decidePaths asks for a changed path that counts: one of `paths`, if there are any,
// and none of `pathsIgnore`. A tag or a release changes no path.
func decidePaths(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	given := len(webhook.Paths)+len(webhook.PathsIgnore) > 0
	if !given || e.Kind == v1alpha1.EventRelease || e.Tag != "" {
		return Decision{Outcome: Matched}
	}
	wanted, err := newGlobs(webhook.Paths)
	if err != nil {
		return invalid("spec.webhook.paths: %v", err)
	}
	ignored, err := newGlobs(webhook.PathsIgnore)
	if err != nil {
		return invalid("spec.webhook.pathsIgnore: %v", err)
	}
	search := pathSearch{wanted: wanted, ignored: ignored}
	for _, path := range e.Paths {
		by, counts := search.counts(path)
		switch {
		case search.steps > maxSteps:
			return yes("%d changed paths are too many to compare with all globs of paths and pathsIgnore", len(e.Paths))
		case counts:
			return yes("path %s %s", printable.Cut(path, maxItem), by)
		}
	}
	if e.PathsGap != "" {
		return unknown(ChangedPaths, "not all changed paths are known: %s", e.PathsGap)
	}
	return noPath(webhook, e.Paths)
}

// noPath says of all changed paths why none counts. Where nothing has changed nothing
// was ignored either: an empty commit is a wish for a Run.
func noPath(webhook *v1alpha1.Webhook, changed []string) Decision {
	switch onlyIgnored := len(webhook.Paths) == 0; {
	case len(changed) == 0 && onlyIgnored:
		return yes("no path has changed")
	case len(changed) == 0:
		return no("no path has changed, and paths are given")
	case onlyIgnored:
		return no("all changed paths match pathsIgnore: %s", list(changed))
	case len(webhook.PathsIgnore) == 0:
		return no("no changed path matches paths: %s", list(changed))
	default:
		return no("no changed path matches paths and not pathsIgnore: %s", list(changed))
	}
}

// pathSearch looks for a path that counts.
type pathSearch struct {
	wanted, ignored globs
	// steps that it has taken, at most.
	steps int
}

// counts says by what a path counts, if it does.
func (s *pathSearch) counts(path string) (by string, ok bool) {
	by = "is none of pathsIgnore"
	if len(s.wanted) > 0 {
		found, ok := s.find(s.wanted, path)
		if !ok {
			return "", false
		}
		by = "matches " + found
	}
	_, ignored := s.find(s.ignored, path)
	return by, !ignored
}

func (s *pathSearch) find(among globs, path string) (pattern string, ok bool) {
	for _, one := range among {
		s.steps += one.cost(path)
		if s.steps > maxSteps {
			break
		}
		if one.matches(path) {
			return one.pattern, true
		}
	}
	return "", false
}
