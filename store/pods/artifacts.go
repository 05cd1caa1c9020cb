package pods

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/artifacts"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
)

// artifact is what a pod names when it leaves something.
func artifact(who *Identity, name string) place.Artifact {
	return place.Artifact{Run: who.Place, Job: who.Job, Pod: who.PodUID, Name: name}
}

// putArtifactPart takes a part of an artifact.
func (s *server) putArtifactPart(w http.ResponseWriter, r *http.Request, who *Identity) error {
	a := artifact(who, r.PathValue("name"))
	return receive(w, r, s.parts, func(ctx context.Context, data []byte) error {
		if err := s.Artifacts.Room(ctx, s.Bucket, s.ledger, a, int64(len(data))); err != nil {
			return err
		}
		return artifacts.Parcel(s.Bucket, a, who.PodCreated, r.PathValue("upload")).PutPart(ctx, part(r), data)
	})
}

// putArtifact takes an artifact's manifest, which makes one of its parts.
func (s *server) putArtifact(w http.ResponseWriter, r *http.Request, who *Identity) error {
	a, upload := artifact(who, r.PathValue("name")), r.URL.Query().Get("upload")
	if upload == "" {
		return refuse(http.StatusBadRequest, "the request names no upload")
	}
	return receive(w, r, s.lists, func(ctx context.Context, data []byte) error {
		manifest, m, err := decode(data, s.Artifacts.Archive)
		if err != nil {
			return err
		}
		if err := s.Artifacts.Room(ctx, s.Bucket, s.ledger, a, int64(len(data))); err != nil {
			return err
		}
		p := artifacts.Parcel(s.Bucket, a, who.PodCreated, upload)
		head := parcel.Head{Pod: who.PodUID, Upload: upload, Stored: s.Clock.Now()}
		stored, err := p.Seal(ctx, head, manifest, m, time.Time{})
		if errors.Is(err, parcel.ErrDiffers) {
			return refuse(http.StatusConflict, "the pod has stored an artifact %s with other files: it can't be changed", a.Name)
		}
		if err == nil && stored.Upload != upload {
			err = p.Discard(ctx)
		}
		return err
	})
}

// decode reads a manifest that was sent, and refuses a wrong one.
func decode(data []byte, limits archive.Limits) ([]byte, *archive.Manifest, error) {
	manifest, err := unpack(data, limits.ManifestBytes)
	if err != nil {
		return nil, nil, err
	}
	m, err := archive.Decode(manifest, limits)
	if err != nil {
		return nil, nil, refuse(http.StatusBadRequest, "%v", err)
	}
	return manifest, m, nil
}

// getArtifact answers with the manifest of what an earlier job has left.
func (s *server) getArtifact(w http.ResponseWriter, r *http.Request, who *Identity) error {
	job, name := r.PathValue("job"), r.PathValue("name")
	runs, err := s.origins(r.Context(), who, job)
	if err != nil {
		return err
	}
	for _, run := range runs {
		found, err := artifacts.Find(r.Context(), s.Bucket, run, job, name)
		if errors.Is(err, bucket.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		head, err := found.Head(r.Context(), s.Bucket)
		if err != nil {
			return err
		}
		w.Header().Set(IDHeader, strings.Join([]string{run.Name, string(run.UID), string(found.Pod), head.Upload}, "."))
		return s.send(w, r, found.Manifest())
	}
	return refuse(http.StatusNotFound, "job %s has left no artifact %s", job, name)
}

// getArtifactPart answers with a part of it. Whoever knows the upload has been told of it
// with a manifest, or has sent it.
func (s *server) getArtifactPart(w http.ResponseWriter, r *http.Request, who *Identity) error {
	job, id := r.PathValue("job"), strings.Split(r.URL.Query().Get("id"), ".")
	if len(id) != 4 || !isName(id[0]) || !isUID(id[1]) || !isUID(id[2]) || !isUpload(id[3]) {
		return refuse(http.StatusBadRequest, "the request has no id that came with a manifest")
	}
	runs, err := s.origins(r.Context(), who, job)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if run.Name != id[0] || string(run.UID) != id[1] {
			continue
		}
		a := place.Artifact{Run: run, Job: job, Pod: types.UID(id[2]), Name: r.PathValue("name")}
		return s.send(w, r, parcel.Parcel{Parts: a.Upload(id[3])}.Part(part(r)))
	}
	return refuse(http.StatusForbidden, "the id is of no Run that job %s of this one has run in", job)
}

// isUID reports whether a text can be the UID of an object.
func isUID(text string) bool { return len(validation.IsDNS1123Label(text)) == 0 }

// soon is when a job that has not ended is asked for again: a job may start a moment
// before the status says that those have ended that it has waited for.
const soon = 2 * time.Second

// origins are the Runs in which an earlier job has run, of which the first counts that
// has what is asked for: the pod's own, unless the job is one that was taken from an
// earlier Run.
func (s *server) origins(ctx context.Context, who *Identity, job string) ([]place.Run, error) {
	run := who.Run
	status := statusOf(run, job)
	if status == nil || !status.Phase.Finished() {
		// What is known of the Run may be some seconds old.
		run = &v1alpha1.Run{}
		err := s.Reader.Get(ctx, client.ObjectKeyFromObject(who.Run), run)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("read Run %s/%s: %w", who.Run.Namespace, who.Run.Name, err)
		}
		if err != nil || run.UID != who.Run.UID {
			return nil, refuse(http.StatusForbidden, "the Run of this token is gone")
		}
		status = statusOf(run, job)
	}
	switch {
	case status == nil:
		return nil, refuse(http.StatusNotFound, "the Run has no job %s", job)
	case !status.Phase.Finished():
		return nil, refuse(http.StatusConflict, "job %s has not ended: name it in needs", job).soon(soon)
	case status.ReusedFrom != "":
		return s.earlier(ctx, run, status.ReusedFrom)
	}
	return []place.Run{who.Place}, nil
}

func statusOf(run *v1alpha1.Run, job string) *v1alpha1.JobStatus {
	for i := range run.Status.Jobs {
		if run.Status.Jobs[i].Name == job {
			return &run.Status.Jobs[i]
		}
	}
	return nil
}

// earlier are the Runs of a name that came before another of the Pipeline.
func (s *server) earlier(ctx context.Context, than *v1alpha1.Run, name string) ([]place.Run, error) {
	var runs []place.Run
	run := &v1alpha1.Run{}
	err := s.Reader.Get(ctx, client.ObjectKey{Namespace: than.Namespace, Name: name}, run)
	switch {
	case err == nil && run.Spec.Pipeline == than.Spec.Pipeline && !run.CreationTimestamp.After(than.CreationTimestamp.Time):
		runs = append(runs, records.PlaceOf(run))
	case err != nil && !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("read Run %s/%s: %w", than.Namespace, name, err)
	}
	recorded, err := records.AllNamed(ctx, s.Bucket, than.Namespace, name)
	if err != nil {
		return nil, err
	}
	for _, one := range recorded {
		if one.Pipeline == than.Spec.Pipeline && (len(runs) == 0 || one != runs[0]) {
			runs = append(runs, one)
		}
	}
	return runs, nil
}
