// Package records keeps what is known of Runs that have ended, beyond their deletion: the
// objects as they were, and an index that lists the newest first.
//
// A record is put before the entries that lead to it, and goes after everything else of
// its Run: whatever breaks off in between, an entry leads to a whole record or, while the
// Run is being removed, to none.
package records

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/place"
)

// Record is all that is kept of a Run, beside its logs.
type Record struct {
	// Run as it was when it was stored.
	Run *v1alpha1.Run `json:"run"`
	// Spec of the Pipeline's revision that the Run has executed. nil: it wasn't there.
	Spec *v1alpha1.PipelineSpec `json:"spec,omitempty"`
	// Pods of the Run, with what tells where its logs are and how they ended: MaxPods of
	// them at most, the newest.
	Pods []corev1.Pod `json:"pods,omitempty"`
	// Events about the Run, oldest first.
	Events []corev1.Event `json:"events,omitempty"`
	// Stored is when that was.
	Stored metav1.Time `json:"stored"`
}

// MaxPods bounds the pods of a record: an object of the bucket, which is read as a whole,
// has to hold them.
const MaxPods = 2000

// Place of the record.
func (r *Record) Place() place.Run { return PlaceOf(r.Run) }

// PlaceOf a Run.
func PlaceOf(run *v1alpha1.Run) place.Run {
	return place.Run{Namespace: run.Namespace, Pipeline: run.Spec.Pipeline, Name: run.Name, UID: run.UID}
}

// maxRecord bounds a record that is read, in bytes.
const maxRecord = 64 << 20

// Put stores a record and the entries that lead to it. What is there already stays.
func Put(ctx context.Context, to bucket.Bucket, r *Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the record of run %s: %w", r.Run.Name, err)
	}
	packed, err := parcel.Gzip(data)
	if err != nil {
		return fmt.Errorf("write the record of run %s: %w", r.Run.Name, err)
	}
	entry, err := json.Marshal(summaryOf(r.Run))
	if err != nil {
		return fmt.Errorf("write the entry of run %s: %w", r.Run.Name, err)
	}
	at := r.Place()
	for _, object := range []struct {
		name string
		body []byte
	}{
		{at.Record(), packed},
		{at.NameEntry(), entry},
		{at.IndexEntry(r.Run.Status.Number), entry},
	} {
		if err := to.Put(ctx, object.name, object.body); err != nil && !errors.Is(err, bucket.ErrExists) {
			return fmt.Errorf("store the record of run %s: %w", r.Run.Name, err)
		}
	}
	return nil
}

// Get returns the record of a Run. bucket.ErrNotFound: there is none.
func Get(ctx context.Context, from bucket.Bucket, run place.Run) (*Record, error) {
	body, err := from.Get(ctx, run.Record(), 0, -1)
	if err != nil {
		return nil, fmt.Errorf("read the record of run %s: %w", run.Name, err)
	}
	defer body.Close()
	packed, err := gzip.NewReader(body)
	if err != nil {
		return nil, fmt.Errorf("read the record of run %s: %w", run.Name, err)
	}
	var r Record
	if err := json.NewDecoder(io.LimitReader(packed, maxRecord)).Decode(&r); err != nil {
		return nil, fmt.Errorf("read the record of run %s: %w", run.Name, err)
	}
	if r.Run == nil || PlaceOf(r.Run) != run {
		return nil, fmt.Errorf("the record of run %s is another's", run.Name)
	}
	return &r, nil
}

// Lean returns the pod with what a record keeps of it.
func Lean(pod *corev1.Pod) corev1.Pod {
	lean := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, Labels: pod.Labels, Annotations: indexOf(pod),
			CreationTimestamp: pod.CreationTimestamp, DeletionTimestamp: pod.DeletionTimestamp, OwnerReferences: pod.OwnerReferences,
		},
		Spec:   corev1.PodSpec{NodeName: pod.Spec.NodeName},
		Status: pod.Status,
	}
	lean.Spec.InitContainers, lean.Spec.Containers = containers(pod.Spec.InitContainers), containers(pod.Spec.Containers)
	return lean
}

// indexOf returns the annotation that tells a pod of an Indexed Job from others.
func indexOf(pod *corev1.Pod) map[string]string {
	if index, is := pod.Annotations[batchv1.JobCompletionIndexAnnotation]; is {
		return map[string]string{batchv1.JobCompletionIndexAnnotation: index}
	}
	return nil
}

func containers(all []corev1.Container) []corev1.Container {
	lean := make([]corev1.Container, len(all))
	for i := range all {
		lean[i] = corev1.Container{Name: all[i].Name, Image: all[i].Image, RestartPolicy: all[i].RestartPolicy}
	}
	return lean
}
