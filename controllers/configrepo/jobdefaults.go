package configrepo

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job/defaults"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
)

// merged is a rendering with the defaults for jobs, and what it was made from. It
// saves work and may be lost.
type merged struct {
	key string
	// defaults names the version of the defaults, and of has what was made with them,
	// by what it was made from: objects that a next commit renders alike are the same.
	defaults string
	of       map[*unstructured.Unstructured]mergedOne
	desired  []apply.Desired
}

// mergedOne is an object with the defaults, and what it counts for in memory.
type mergedOne struct {
	apply.Desired
	weight int
}

// merging is defaults to merge under the Pipelines of a commit.
type merging struct {
	template *defaults.Defaults
	// from names the ConfigMap, version this state of it, and key both it and the
	// rendering.
	from, version, key string
	desired            []apply.Desired
	namespace          string
	// before is the last merge.
	before merged
	// slice is how long the merge may keep others waiting.
	slice time.Duration
}

// withJobDefaults applies the objects with the defaults that the spec names merged
// under them. These are read at each look, by name, since they can't be watched
// without the right to see all ConfigMaps. As with a commit's own faults, those of
// the defaults leave everything as it was.
func (s *sync) withJobDefaults(ctx context.Context, l look, desired []apply.Desired) (ctrl.Result, error) {
	if s.repo.Spec.JobDefaults == nil {
		return s.land(ctx, l, desired)
	}
	work, err := s.jobDefaults(ctx)
	if err != nil {
		return s.finishLook(ctx, l, err)
	}
	if len(work.template.Canonical()) == 0 {
		return s.land(ctx, l, desired)
	}
	work.key = l.rendering + "\n" + work.version
	if s.known.merged.key == work.key {
		return s.land(ctx, l, s.known.merged.desired)
	}
	if refused := s.refused(l, work.key); refused != nil {
		return s.finishLook(ctx, l, refused)
	}
	work.desired, work.namespace, work.slice = desired, s.repo.Namespace, s.known.refusal.slice(work.key)
	work.before = s.known.merged
	r := s.Reconciler
	s.inBackground(ctx, func(ctx context.Context) step {
		result, err := r.merge(ctx, work)
		return func(ctx context.Context, s *sync) (ctrl.Result, error) {
			return s.gotMerged(ctx, l, result, err)
		}
	})
	return ctrl.Result{}, nil
}

// jobDefaults reads the defaults that the spec names. The key is their version.
func (s *sync) jobDefaults(ctx context.Context) (work merging, err error) {
	var found corev1.ConfigMap
	name := s.repo.Spec.JobDefaults.Name
	err = s.APIReader.Get(ctx, client.ObjectKey{Namespace: s.repo.Namespace, Name: name}, &found)
	switch {
	case apierrors.IsNotFound(err):
		return work, invalidJobDefaults("there is no ConfigMap %q in this namespace", name)
	case err != nil:
		return work, fmt.Errorf("read ConfigMap %q: %w", name, err)
	}
	work.from, work.version = fmt.Sprintf("ConfigMap %q", name), fmt.Sprintf("%s %s", found.UID, found.ResourceVersion)
	if work.template, err = defaults.Parse(found.Data); err != nil {
		return work, invalidJobDefaults("%s: %v", work.from, err)
	}
	return work, nil
}

// maxFaults bounds what is listed of those that can't stand together.
const maxFaults = 20

// merge takes an evaluation's place, as both need memory and time by what a
// commit holds. It ends with the first fault of size, or with many of others. The
// result always has the key.
func (r *Reconciler) merge(ctx context.Context, work merging) (merged, error) {
	result := merged{key: work.key, defaults: work.version, of: map[*unstructured.Unstructured]mergedOne{}}
	within, release, err := r.evaluations.Take(ctx, work.namespace, work.slice)
	if err != nil {
		return result, err
	}
	defer release()
	var faults []apply.Fault
	left := r.room - result.carry(work)
	for _, d := range work.desired {
		if within.Err() != nil {
			return result, overtaken(work.slice)
		}
		one, there := result.of[d.Config]
		if !there {
			before := left
			with, messages, err := MergeUnder(work.template, d, &left)
			if err != nil {
				return result, fmt.Errorf("%s: merge the defaults for jobs under %s: %w", d.File, d.Key, err)
			}
			for _, message := range messages {
				faults = append(faults, apply.Fault{File: d.File, Key: d.Key, Message: fmt.Sprintf("with the defaults of %s: %s", work.from, message)})
			}
			one = mergedOne{with, before - left}
			result.of[d.Config] = one
		}
		result.desired = append(result.desired, one.Desired)
		if left < 0 || len(faults) >= maxFaults {
			break
		}
	}
	if len(faults) > 0 {
		return result, &apply.RefusedError{Faults: faults}
	}
	return result, nil
}

// carry takes over what the last merge has made of the same, and returns what it
// counts for: what has changed is to blame if all is too much.
func (m *merged) carry(work merging) (weight int) {
	if work.before.defaults != work.version {
		return 0
	}
	for _, d := range work.desired {
		if one, there := work.before.of[d.Config]; there {
			m.of[d.Config] = one
			weight += one.weight
		}
	}
	return weight
}

// MergeUnder returns the object as it is applied, or what keeps it and the
// defaults from standing together. With them the limits are those of a commit: left is
// what of its memory the objects may still take, in bytes, and is lowered.
func MergeUnder(template *defaults.Defaults, d apply.Desired, left *int) (apply.Desired, []string, error) {
	if d.Key.Kind != v1alpha1.PipelineKind {
		return d, nil, nil
	}
	var pipeline v1alpha1.Pipeline
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(d.Config.Object, &pipeline); err != nil {
		return d, nil, err
	}
	spec, errs := template.Under(&pipeline.Spec, render.DefaultSize)
	if len(errs) > 0 {
		var messages []string
		for _, err := range errs {
			messages = append(messages, err.Error())
		}
		return d, messages, nil
	}
	pipeline.Spec = *spec
	weight := render.Weight(&pipeline)
	if *left -= weight; *left < 0 || weight > render.DefaultDecodedObject {
		*left = min(*left, -1)
		return d, []string{fmt.Sprintf("takes too much memory: an object may take %d MiB and all of a commit %d MiB: "+
			"let the defaults say less, or split the repository", render.DefaultDecodedObject>>20, render.DefaultDecoded>>20)}, nil
	}
	with, err := d.WithSpec(spec)
	return with, nil, err
}

// gotMerged remembers how the merge ended, so that it isn't repeated.
func (s *sync) gotMerged(ctx context.Context, l look, result merged, err error) (ctrl.Result, error) {
	s.repo.Status.LastAttemptedRevision = l.revision()
	if err != nil {
		return s.finishLook(ctx, l, s.known.refuse(result.key, timeout(s.repo), err, s.Clock.Now()))
	}
	s.known.refusal, s.known.merged = nil, result
	return s.land(ctx, l, result.desired)
}

func invalidJobDefaults(format string, args ...any) error {
	return &failure{reason: v1alpha1.ReasonInvalidJobDefaults, message: fmt.Sprintf(format, args...)}
}
