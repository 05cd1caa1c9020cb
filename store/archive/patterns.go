package archive

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
)

const (
	maxPatterns = 64
	maxPattern  = 1024
	// Each `{a,b}` of a pattern doubles the time that matching may take.
	maxBraces, maxCommas = 4, 16
)

// patterns say which files of a folder are taken.
type patterns struct {
	wanted, unwanted []string
}

func parse(texts []string) (patterns, error) {
	var p patterns
	if len(texts) > maxPatterns {
		return p, fmt.Errorf("there are %d patterns, more than %d", len(texts), maxPatterns)
	}
	for _, text := range texts {
		pattern, unwanted := strings.CutPrefix(text, "!")
		pattern = path.Clean(pattern)
		if err := checkPattern(text, pattern); err != nil {
			return p, err
		}
		if unwanted {
			p.unwanted = append(p.unwanted, pattern)
		} else {
			p.wanted = append(p.wanted, pattern)
		}
	}
	if len(p.wanted) == 0 {
		return p, errors.New("there is no pattern of what to take")
	}
	return p, nil
}

func checkPattern(text, pattern string) error {
	switch {
	case len(text) > maxPattern:
		return fmt.Errorf("the pattern %.100q… has %d bytes, more than %d", text, len(text), maxPattern)
	case strings.Trim(text, "!") == "" || !utf8.ValidString(text) || !doublestar.ValidatePattern(pattern):
		return fmt.Errorf("%.100q is no pattern of paths", text)
	case strings.HasPrefix(pattern, "/") || slices.Contains(strings.Split(strings.TrimPrefix(text, "!"), "/"), ".."):
		return fmt.Errorf("the pattern %.100q must be of paths below the folder", text)
	case strings.Count(pattern, "{") > maxBraces || strings.Contains(pattern, "{") && strings.Count(pattern, ",") > maxCommas:
		return fmt.Errorf("the pattern %.100q has more than %d braces or %d commas: write several patterns", text, maxBraces, maxCommas)
	}
	return nil
}

// take tells whether a path is wanted, and so all that is below it.
func (p patterns) take(name string) bool { return matches(p.wanted, name) }

// leave tells whether a path is unwanted, and so all that is below it.
func (p patterns) leave(name string) bool { return matches(p.unwanted, name) }

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		return pattern == "." || doublestar.MatchUnvalidated(pattern, name)
	})
}

// mayTakeBelow tells whether something in a folder can be wanted that itself isn't.
func (p patterns) mayTakeBelow(folder string) bool {
	return slices.ContainsFunc(p.wanted, func(pattern string) bool { return mayMatchBelow(pattern, folder) })
}

// mayMatchBelow compares segments as long as they are the ones that a path must have.
func mayMatchBelow(pattern, folder string) bool {
	segments := strings.Split(pattern, "/")
	for i, name := range strings.Split(folder, "/") {
		if i >= len(segments)-1 {
			return segments[len(segments)-1] == "**"
		}
		// A slash within braces isn't between segments.
		if segments[i] == "**" || strings.ContainsAny(segments[i], `{[\`) {
			return true
		}
		if !doublestar.MatchUnvalidated(segments[i], name) {
			return false
		}
	}
	return true
}
