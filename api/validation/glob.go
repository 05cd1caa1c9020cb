package validation

import (
	"errors"

	"github.com/bmatcuk/doublestar/v4"
)

// Glob returns what is wrong with a pattern of a branch or file, to follow the pattern.
// Alternatives in braces are refused: with thirty of them, in 150 characters, one
// branch takes hours to match.
func Glob(pattern string) error {
	if !doublestar.ValidatePattern(pattern) {
		return errors.New("is not a valid glob")
	}
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '{':
			return errors.New(`has alternatives in braces: list each as a pattern of its own, or write \{ and \} for the characters`)
		}
	}
	return nil
}
