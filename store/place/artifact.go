package place

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Artifacts is where all that jobs of the Run have left is.
func (r Run) Artifacts() string { return r.Folder() + "artifacts/" }

// Artifact names what a pod of a job has left.
type Artifact struct {
	Run Run
	// Job of the Run.
	Job string
	Pod types.UID
	// Name of the artifact.
	Name string
}

// JobFolder is where the artifacts of all pods of the job are.
func (a Artifact) JobFolder() string { return a.Run.Artifacts() + a.Job + "/" }

// PodFolder is where the artifacts of the pod are.
func (a Artifact) PodFolder() string { return a.JobFolder() + string(a.Pod) + "/" }

// Folder is where the artifact's parts are.
func (a Artifact) Folder() string { return a.PodFolder() + a.Name + "/" }

// Around a manifest's name stands when its pod was created.
const manifestPrefix, manifestSuffix = "manifest-", ".json.gz"

// Manifest is the name of what makes the artifact one. It says when the pod was created:
// of the pods of a job the newest has the artifact that counts.
func (a Artifact) Manifest(created time.Time) string {
	return a.Folder() + manifestPrefix + fmt.Sprintf("%0*d", digits, max(created.Unix(), 0)) + manifestSuffix
}

// ReadManifest reads what stands behind [Run.Artifacts]: whose manifest it is, and when
// the pod was created.
func ReadManifest(run Run, rest string) (a Artifact, created time.Time, is bool) {
	parts := strings.Split(rest, "/")
	if len(parts) != 4 {
		return Artifact{}, time.Time{}, false
	}
	number, began := strings.CutPrefix(parts[3], manifestPrefix)
	number, ended := strings.CutSuffix(number, manifestSuffix)
	seconds, err := strconv.ParseInt(number, 10, 64)
	if !began || !ended || err != nil {
		return Artifact{}, time.Time{}, false
	}
	return Artifact{Run: run, Job: parts[0], Pod: types.UID(parts[1]), Name: parts[2]}, time.Unix(seconds, 0), true
}

// Upload is where the parts of an upload are, within the folder of an artifact.
func (a Artifact) Upload(upload string) string { return a.Folder() + upload + "/" }

// Tests is the name of the report on the tests of a job's pod.
func (r Run) Tests(job string, pod types.UID) string {
	return r.Folder() + "tests/" + job + "/" + string(pod) + ".json.gz"
}
