package lean

import (
	"slices"
	"weak"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Pack returns Jobs and pods that have ended as a third of their size, and anything
// else as it is. Of their types most fields are empty by then, and each is there.
// Nothing is lost: [Whole] is the way back. The object may not be changed any more.
func Pack(obj any) any {
	switch obj := obj.(type) {
	case *batchv1.Job:
		if slices.ContainsFunc(obj.Status.Conditions, ends) {
			return pack(obj, &obj.ObjectMeta)
		}
	case *corev1.Pod:
		if obj.Status.Phase == corev1.PodSucceeded || obj.Status.Phase == corev1.PodFailed {
			return pack(obj, &obj.ObjectMeta)
		}
	}
	return obj
}

// Whole returns the object that was packed, or nil if that is none; and anything
// else as it is. It may not be changed: who asks next may get the same.
func Whole(obj any) any {
	if packed, ok := obj.(interface{ whole() any }); ok {
		return packed.whole()
	}
	return obj
}

func ends(condition batchv1.JobCondition) bool {
	return condition.Status == corev1.ConditionTrue && (condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed)
}

// message is a pointer to an object that can be written as bytes.
type message[T any] interface {
	*T
	Marshal() ([]byte, error)
	Unmarshal(data []byte) error
}

// ended is an object that has ended, as bytes.
type ended[T any, P message[T]] struct {
	namespace, name, version string

	data []byte
	// lately is the object until garbage is collected: its last news is told to many.
	lately weak.Pointer[T]
}

func pack[T any, P message[T]](obj P, meta *metav1.ObjectMeta) any {
	data, err := obj.Marshal()
	if err != nil {
		return obj
	}
	return &ended[T, P]{namespace: meta.Namespace, name: meta.Name, version: meta.ResourceVersion, data: data, lately: weak.Make((*T)(obj))}
}

func (e *ended[T, P]) whole() any {
	if obj := e.lately.Value(); obj != nil {
		return P(obj)
	}
	obj := P(new(T))
	if err := obj.Unmarshal(e.data); err != nil {
		return nil
	}
	return obj
}

// GetObjectMeta is what a cache asks of the object itself: its key and version.
func (e *ended[T, P]) GetObjectMeta() metav1.Object {
	return &metav1.ObjectMeta{Namespace: e.namespace, Name: e.name, ResourceVersion: e.version}
}
