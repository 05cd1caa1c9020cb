// Package lean keeps of the cache's objects what KayCI reads of them, and lets them
// share what they have in common. A finished Run may be kept for long, and its Jobs
// and pods with it: they are most of what the process has in memory. It is pure.
//
// No more is left out than nobody reads. Nothing may be written back from such an
// object but by a patch of its own, and nothing in it may be changed.
package lean

import (
	"maps"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Cache are the transforms of one cache. The zero value is ready, and safe for
// concurrent use.
type Cache struct {
	texts    texts
	labels   pool[map[string]string]
	owners   pool[[]metav1.OwnerReference]
	jobSpecs pool[batchv1.JobSpec]
	podSpecs pool[corev1.PodSpec]
}

// Job is the transform of Jobs.
func (c *Cache) Job(obj any) (any, error) {
	if job, ok := obj.(*batchv1.Job); ok {
		c.own(&job.ObjectMeta)
		job.Spec = c.jobSpec(&job.Spec)
		job.Status = c.jobStatus(&job.Status)
	}
	return obj, nil
}

// Pod is the transform of pods.
func (c *Cache) Pod(obj any) (any, error) {
	if pod, ok := obj.(*corev1.Pod); ok {
		pod.Annotations = nil
		c.own(&pod.ObjectMeta)
		pod.Spec = c.podSpec(&pod.Spec)
		pod.Status = c.podStatus(&pod.Status)
	}
	return obj, nil
}

// Run is the transform of Runs. They are kept whole: what a patch doesn't change it
// compares.
func (c *Cache) Run(obj any) (any, error) {
	if run, ok := obj.(*v1alpha1.Run); ok {
		run.ManagedFields = nil
		c.share(&run.ObjectMeta)
		c.shareRun(run)
	}
	return obj, nil
}

// own keeps labels and annotations that are KayCI's.
func (c *Cache) own(meta *metav1.ObjectMeta) {
	others := func(key, _ string) bool { return !strings.HasPrefix(key, v1alpha1.Group+"/") }
	maps.DeleteFunc(meta.Labels, others)
	maps.DeleteFunc(meta.Annotations, others)
	meta.ManagedFields, meta.GenerateName = nil, ""
	c.share(meta)
	meta.Annotations = c.shareMap(meta.Annotations)
}

// share shares what is short. Annotations of others may be long.
func (c *Cache) share(meta *metav1.ObjectMeta) {
	share(&c.texts, &meta.Namespace, &meta.Name)
	share(&c.texts, &meta.UID)
	for i := range meta.Finalizers {
		share(&c.texts, &meta.Finalizers[i])
	}
	meta.Labels = c.shareMap(meta.Labels)
	meta.OwnerReferences = c.shareOwners(meta.OwnerReferences)
}

// shareMap returns the same map for the same texts.
func (c *Cache) shareMap(from map[string]string) map[string]string {
	if len(from) == 0 {
		return from
	}
	shared, parts := make(map[string]string, len(from)), make([]string, 0, 2*len(from))
	for _, key := range slices.Sorted(maps.Keys(from)) {
		value := from[key]
		parts = append(parts, key, value)
		share(&c.texts, &key, &value)
		shared[key] = value
	}
	return c.labels.one(keyOf(parts...), shared)
}

func (c *Cache) shareOwners(owners []metav1.OwnerReference) []metav1.OwnerReference {
	if len(owners) == 0 {
		return owners
	}
	var parts []string
	for i := range owners {
		owner := &owners[i]
		share(&c.texts, &owner.APIVersion, &owner.Kind, &owner.Name)
		share(&c.texts, &owner.UID)
		parts = append(parts, owner.APIVersion, owner.Kind, owner.Name, string(owner.UID), number(owner.Controller), number(owner.BlockOwnerDeletion))
	}
	return c.owners.one(keyOf(parts...), slices.Clip(owners))
}
