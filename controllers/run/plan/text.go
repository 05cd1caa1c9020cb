package plan

import (
	"fmt"
	"strings"
)

const (
	// maxSummary bounds what a message repeats of another, in characters: it stands in
	// a table.
	maxSummary = 160
	// maxNamed bounds how many jobs a message names.
	maxNamed = 8
)

func names(jobs []string) string {
	if len(jobs) <= maxNamed {
		return strings.Join(jobs, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(jobs[:maxNamed], ", "), len(jobs)-maxNamed)
}

// list is a part of a message, blank without jobs.
func list(what string, jobs []string) string {
	if len(jobs) == 0 {
		return ""
	}
	return "; " + what + ": " + names(jobs)
}
