package logs

import "slices"

// Filter says which logs of a Run are wanted. The zero one is all of its jobs', and those
// of services that have failed.
type Filter struct {
	// Parts are the names of jobs and services.
	Parts []string
	// Failed leaves out those that haven't failed.
	Failed bool
	// Container by name. Blank: all.
	Container string
	// Attempt by number. Zero: all.
	Attempt int
}

func (f Filter) wants(part *Part) bool {
	switch {
	case f.Failed && !part.Failed:
		return false
	case len(f.Parts) > 0:
		return slices.Contains(f.Parts, part.Name)
	default:
		return !part.Service || part.Failed
	}
}

// Of returns those of a part's containers whose logs are wanted.
func (f Filter) Of(part *Part) []Container {
	if !f.wants(part) {
		return nil
	}
	var wanted []Container
	for _, c := range part.Containers {
		if (f.Container == "" || f.Container == c.Name) && (f.Attempt == 0 || f.Attempt == c.Attempt) {
			wanted = append(wanted, c)
		}
	}
	return wanted
}

// Missing returns what is to be told of what a part has no log of: nothing of one that
// hasn't begun, unless it is asked for by name.
func (f Filter) Missing(part *Part) []string {
	if !f.wants(part) || !part.Begun && len(f.Parts) == 0 || f.Attempt != 0 && len(f.Of(part)) > 0 {
		return nil
	}
	return part.Missing
}
