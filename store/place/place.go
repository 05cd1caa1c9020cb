// Package place says under which names the store keeps what it keeps. A name says of what
// Run, job, pod and container the object is, so that nobody has to read objects to find
// one, and two Runs of one name never meet. It is pure.
//
//	runs/<namespace>/<pipeline>/<run>/<uid>/record.json.gz
//	runs/<namespace>/<pipeline>/<run>/<uid>/logs/<job>/<pod uid>/<container>/<line>-<byte>.log.gz
//	runs/<namespace>/<pipeline>/<run>/<uid>/logs/<job>/<pod uid>/<container>/end.json
//	index/<namespace>/<pipeline>/<number, newest first>/<run>/<uid>
//	names/<namespace>/<run>/<uid>/<pipeline>
package place

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// Run names a Run, and no other of its name.
type Run struct {
	Namespace, Pipeline, Name string
	UID                       types.UID
}

// Folder is where all is kept that is of the Run alone.
func (r Run) Folder() string {
	return strings.Join([]string{"runs", r.Namespace, r.Pipeline, r.Name, string(r.UID)}, "/") + "/"
}

// Record is the name of the Run's record.
func (r Run) Record() string { return r.Folder() + "record.json.gz" }

// Logs is where the logs of the Run are.
func (r Run) Logs() string { return r.Folder() + "logs/" }

// NameEntry is the name of the entry by which the Run is found by its own name.
func (r Run) NameEntry() string {
	return Names(r.Namespace, r.Name) + string(r.UID) + "/" + r.Pipeline
}

// Names is where the Runs of a name are found.
func Names(namespace, run string) string { return "names/" + namespace + "/" + run + "/" }

// ReadName reads what stands behind [Names]: a Run's UID and its Pipeline.
func ReadName(namespace, run, rest string) (Run, bool) {
	uid, pipeline, is := strings.Cut(rest, "/")
	return Run{Namespace: namespace, Pipeline: pipeline, Name: run, UID: types.UID(uid)}, is
}

// Index is where the Runs of a namespace's Pipelines are listed, and with a Pipeline its
// Runs, newest first.
func Index(namespace, pipeline string) string {
	if pipeline == "" {
		return "index/" + namespace + "/"
	}
	return "index/" + namespace + "/" + pipeline + "/"
}

// digits of a number in an index.
const digits = 19

// Number is how an index has a Run's number: the higher, the earlier it is listed.
func Number(number int64) string {
	return fmt.Sprintf("%0*d", digits, math.MaxInt64-max(number, 0))
}

// IndexEntry is the name of the Run's entry.
func (r Run) IndexEntry(number int64) string {
	return Index(r.Namespace, r.Pipeline) + Number(number) + "/" + r.Name + "/" + string(r.UID)
}

// ReadEntry reads what stands behind the [Index] of a Pipeline.
func ReadEntry(namespace, pipeline, rest string) (run Run, number int64, is bool) {
	parts := strings.Split(rest, "/")
	if len(parts) != 3 {
		return Run{}, 0, false
	}
	left, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return Run{}, 0, false
	}
	return Run{Namespace: namespace, Pipeline: pipeline, Name: parts[1], UID: types.UID(parts[2])}, math.MaxInt64 - left, true
}

// Log names the log of a container.
type Log struct {
	Run Run
	// Job or service of the Run.
	Job       string
	Pod       types.UID
	Container string
}

// Folder is where the log's parts are.
func (l Log) Folder() string {
	return l.Run.Logs() + l.Job + "/" + string(l.Pod) + "/" + l.Container + "/"
}

// ReadLog reads of which log an object is, by what stands behind [Run.Logs] in its name.
func (r Run) ReadLog(rest string) (Log, bool) {
	parts := strings.Split(rest, "/")
	if len(parts) != 4 {
		return Log{}, false
	}
	return Log{Run: r, Job: parts[0], Pod: types.UID(parts[1]), Container: parts[2]}, true
}

// end is the last name of what is in the folder.
const end = "end.json"

// End is the name of what says that the log has ended.
func (l Log) End() string { return l.Folder() + end }

// Part is the name of a part of the log, by the number of its first line, from 1, and by
// how many bytes come before. In the order of their names they are the log.
func (l Log) Part(line, before int64) string {
	return l.Folder() + fmt.Sprintf("%0*d-%0*d.log.gz", digits, line, digits, before)
}

// ReadPart reads the name of a part.
func ReadPart(name string) (line, before int64, is bool) {
	name = name[strings.LastIndexByte(name, '/')+1:]
	name, is = strings.CutSuffix(name, ".log.gz")
	first, second, two := strings.Cut(name, "-")
	if !is || !two {
		return 0, 0, false
	}
	line, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	before, err = strconv.ParseInt(second, 10, 64)
	return line, before, err == nil
}
