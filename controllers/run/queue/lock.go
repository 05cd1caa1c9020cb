package queue

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/names"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// Lock is what Runs compete for: the places of a key.
type Lock struct {
	// Pipeline that the key is of. Blank if it is a group's.
	Pipeline string
	// Group of Pipelines that the key is of. Blank if it is one Pipeline's own.
	Group string
	// Key, see Key.
	Key string
}

// NewLock returns the lock that a Run of the Pipeline competes for.
func NewLock(pipeline, group, key string) Lock {
	if group != "" {
		pipeline = ""
	}
	return Lock{Pipeline: pipeline, Group: group, Key: Key(key)}
}

// LockOf returns the lock that is recorded of the Run.
func LockOf(run *v1alpha1.Run) (Lock, bool) {
	c := run.Status.Concurrency
	if c == nil {
		return Lock{}, false
	}
	return NewLock(run.Spec.Pipeline, c.Group, c.Key), true
}

// Concerns reports whether the Run may compete for the lock, for all that is
// recorded.
func (l Lock) Concerns(run *v1alpha1.Run) bool {
	if recorded, known := LockOf(run); known {
		return recorded == l
	}
	return l.Group != "" || l.Pipeline == run.Spec.Pipeline
}

// Label returns the value of LockLabel, which no two locks have in common.
func (l Lock) Label() string {
	return names.Hash(l.Pipeline, l.Group, l.Key)
}

// JobHolds returns the label of the lock that the Job holds a place of, blank for
// none: pods of it may come or run.
func JobHolds(job *batchv1.Job) string {
	if evidence.Finished(job) {
		return ""
	}
	return job.Labels[v1alpha1.LockLabel]
}

// PodHolds returns the label of the lock that the pod holds a place of, blank for
// none. A pod that is being deleted may run until it is gone, or has ended.
func PodHolds(pod *corev1.Pod) string {
	if evidence.Ended(pod) {
		return ""
	}
	return pod.Labels[v1alpha1.LockLabel]
}

// Holder is a Run that Jobs and pods are of.
type Holder struct {
	Name string
	UID  types.UID
}

// HolderOf returns the Run that a Job or pod is of which holds a place.
func HolderOf(obj metav1.Object) Holder {
	labels := obj.GetLabels()
	return Holder{labels[v1alpha1.RunLabel], types.UID(labels[v1alpha1.RunUIDLabel])}
}

// maxKey bounds a recorded key: event data may be any length.
const maxKey = 253

// Key returns what is recorded of a key: all of it, or, of a long one, its
// beginning and a hash.
func Key(key string) string {
	if len(key) <= maxKey {
		return key
	}
	hash := "-" + names.Hash(key)
	return printable.Head(key, maxKey-len(hash)) + hash
}
