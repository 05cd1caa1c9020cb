package job

import (
	"slices"

	"github.com/kayci/kayci/api/names"
	"github.com/kayci/kayci/api/v1alpha1"
)

// maxName leaves room for the index, of up to 10 digits, that an Indexed Job
// appends to its name: `<name>-<index>` is a pod's host name, of at most 63
// characters, and the API server refuses a Job whose pods would have a longer.
const maxName = names.MaxLabel - 1 - 10

// Name returns the name of the Job of a Run's job or service: `<run>-<name>`,
// and when that is longer than 52 characters its beginning and a hash of the
// whole.
func Name(run, name string) string {
	return names.Joined(run, name, maxName)
}

// JobPart returns how `status.renamed` calls the Job of a job or service.
func JobPart(name string) string { return "Job/" + name }

// ServicePart does so for a service's Service.
func ServicePart(name string) string { return "Service/" + name }

// NotifierPart does so for the Job of a notifier that tells of a phase.
func NotifierPart(name string) string { return "Notifier/" + name }

// JobName returns the name of the Job of a job or service of the Run.
func JobName(run *v1alpha1.Run, name string) string {
	return nameOf(run, JobPart(name), Name(run.Name, name))
}

// nameOf returns the name of an object of the Run: its own, or the other one if that
// is recorded.
func nameOf(run *v1alpha1.Run, part, own string) string {
	if slices.Contains(run.Status.Renamed, part) {
		return OtherName(run, own)
	}
	return own
}

// OtherName returns the name of an object of the Run that can't have its own,
// because something that isn't the Run's has that: Run `a` with a job `b-c` and Run
// `a-b` with a job `c` want one name. It ends with a hash of it and the Run's UID.
func OtherName(run *v1alpha1.Run, taken string) string {
	return names.Hashed(taken, maxName, string(run.UID))
}
