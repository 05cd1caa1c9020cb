package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Applier carries plans out.
type Applier struct {
	// Client reads from the informer cache and writes.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
	// Settled reports whether all Jobs of these finished Runs have ended, and none is
	// still to be created for a notifier. It is given all Jobs of their Pipeline.
	Settled func([]v1alpha1.Run, []batchv1.Job, time.Time) bool
	// Try, if it isn't nil, returns what is wrong with an object beyond what the API
	// server says of the object itself. It is given what would be stored, defaults
	// included, of each object that differs from what was applied before. It is
	// called for many objects at once.
	Try func(context.Context, *unstructured.Unstructured) ([]string, error)
}

// Track stores an inventory before an object is applied that isn't in the
// stored one, so that a crash in between loses sight of none.
type Track func(context.Context, *v1alpha1.Inventory) error

// Result is what a sync did. It is right even if the sync failed halfway.
type Result struct {
	// Inventory to store.
	Inventory *v1alpha1.Inventory
	// Created, Changed and Pruned count objects that are different now.
	Created, Changed, Pruned int
	// Waiting are Pipelines that are pruned later.
	Waiting []Wait
}

// Wrote reports whether any object is different now.
func (r Result) Wrote() bool { return r.Created+r.Changed+r.Pruned > 0 }

// Sync makes the namespace hold what is desired. Input.Live and Input.Repos are
// filled in here. A *RefusedError or *MassPruneError means that no object was
// touched, a *PruneError that only deletions failed; anything else is the world's fault.
func (a Applier) Sync(ctx context.Context, in Input, track Track) (Result, error) {
	inv := inventoryOf(in.Inventory)
	untouched := Result{Inventory: in.Inventory}
	in, err := a.observe(ctx, in)
	if err != nil {
		return untouched, err
	}
	plan := Make(in)
	if plan.idle() {
		untouched.Waiting = plan.Await
		return untouched, nil
	}
	touched := plan.touched()
	live, err := a.liveObjects(ctx, in.Namespace, touched, len(in.Live))
	if err != nil {
		return untouched, err
	}
	in = in.with(touched, asObjects(live))
	plan = Make(in)
	if gone := plan.newlyUnwanted(inv); !in.AllowPrune && prunesMost(gone, inv) {
		return untouched, &MassPruneError{Pruned: gone, Of: len(inv)}
	}
	if err := a.rehearse(ctx, plan, live, inv); err != nil {
		return untouched, err
	}
	if err := a.confirm(ctx, in); err != nil {
		return untouched, err
	}
	plan = Make(in)
	if inv.announce(plan.Apply) {
		if err := track(ctx, inv.stored()); err != nil {
			return untouched, err
		}
	}
	s := &session{Applier: a, namespace: in.Namespace, live: live, inventory: inv}
	err = s.act(ctx, plan)
	inv.mark(plan, in.Now)
	s.result.Inventory, s.result.Waiting = inv.stored(), plan.Await
	return s.result, err
}

// rehearse finds out whether every object of the plan would be accepted, and
// writes nothing.
func (a Applier) rehearse(ctx context.Context, plan Plan, live map[Key]*metav1.PartialObjectMetadata, inv inventory) error {
	if len(plan.Refused) > 0 {
		return &RefusedError{Faults: plan.Refused}
	}
	messages := make([][]string, len(plan.Apply))
	err := each(len(plan.Apply), func(i int) (err error) {
		c := plan.Apply[i]
		if messages[i], err = a.try(ctx, c.Desired, live[c.Key], inv[c.Key].Digest != c.Digest); err != nil {
			return fmt.Errorf("try to apply %s: %w", c.Key, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var faults []Fault
	for i, c := range plan.Apply {
		for _, message := range messages[i] {
			faults = append(faults, Fault{File: c.File, Key: c.Key, Message: message})
		}
	}
	if len(faults) > 0 {
		return &RefusedError{Faults: faults}
	}
	return nil
}

// try returns why the API server would refuse an object, or what is made from it
// if that is new.
func (a Applier) try(ctx context.Context, d Desired, live *metav1.PartialObjectMetadata, isNew bool) ([]string, error) {
	answer, err := a.dryRun(ctx, d, live)
	switch {
	case refused(err):
		return []string{err.Error()}, nil
	case err != nil || !isNew || a.Try == nil:
		return nil, err
	default:
		return a.Try(ctx, answer)
	}
}

// dryRun returns what an apply would make. One of whose spec others claim fields is
// replaced instead: these claims are only taken over when it is applied for real,
// and an apply without that would be judged as a mixture that isn't going to be
// made.
func (a Applier) dryRun(ctx context.Context, d Desired, live *metav1.PartialObjectMetadata) (*unstructured.Unstructured, error) {
	claims, err := claimsOf(live)
	if err != nil {
		return nil, err
	}
	if claims == nil {
		return a.send(ctx, d, client.DryRunAll)
	}
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/spec", "value": d.Config.Object["spec"]},
		{"op": "add", "path": "/metadata/labels", "value": merged(live.GetLabels(), d.Config.GetLabels())},
		{"op": "add", "path": "/metadata/annotations", "value": merged(live.GetAnnotations(), d.Config.GetAnnotations())},
	})
	if err != nil {
		return nil, err
	}
	answer := &unstructured.Unstructured{}
	answer.SetGroupVersionKind(d.Config.GroupVersionKind())
	answer.SetNamespace(d.Config.GetNamespace())
	answer.SetName(d.Config.GetName())
	err = a.Client.Patch(ctx, answer, client.RawPatch(types.JSONPatchType, patch),
		client.DryRunAll, client.FieldOwner(v1alpha1.FieldManager), client.FieldValidation(metav1.FieldValidationStrict))
	return answer, err
}

func merged(base, over map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, base)
	maps.Copy(all, over)
	return all
}

// claimsOf returns the managed fields that a live object is to have before an
// apply, or nil if they are right.
func claimsOf(live *metav1.PartialObjectMetadata) ([]metav1.ManagedFieldsEntry, error) {
	if live == nil {
		return nil, nil
	}
	return takeOver(live.GetManagedFields())
}

// claimSpec makes KayCI the manager of every field of a live object's spec. It
// changes no field itself.
func (a Applier) claimSpec(ctx context.Context, live *metav1.PartialObjectMetadata) error {
	fields, err := claimsOf(live)
	if err != nil || fields == nil {
		return err
	}
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": fields},
		// A write in between ends in a conflict, not in lost claims.
		{"op": "replace", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()},
	})
	if err != nil {
		return err
	}
	return a.Client.Patch(ctx, live, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(v1alpha1.FieldManager))
}

// send applies an object and returns the whole of the API server's answer.
func (a Applier) send(ctx context.Context, d Desired, opts ...client.ApplyOption) (*unstructured.Unstructured, error) {
	// The client decodes the answer into what it sent.
	answer := d.Config.DeepCopy()
	opts = append(opts, client.ForceOwnership, client.FieldOwner(v1alpha1.FieldManager))
	if err := a.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(answer), opts...); err != nil {
		return nil, err
	}
	return answer, nil
}

// session is one plan being carried out.
type session struct {
	Applier
	namespace string
	live      map[Key]*metav1.PartialObjectMetadata
	inventory inventory
	result    Result
}

func (s *session) act(ctx context.Context, plan Plan) error {
	// A Trigger is only of use once its Pipeline is there.
	triggers := slices.IndexFunc(plan.Apply, func(c Change) bool { return c.Key.Kind == v1alpha1.TriggerKind })
	if triggers < 0 {
		triggers = len(plan.Apply)
	}
	for _, changes := range [][]Change{plan.Apply[:triggers], plan.Apply[triggers:]} {
		if err := s.applyAll(ctx, changes); err != nil {
			return err
		}
	}
	for _, key := range plan.Forget {
		delete(s.inventory, key)
	}
	var errs []error
	for _, key := range plan.Prune {
		if err := s.prune(ctx, key); err != nil {
			errs = append(errs, fmt.Errorf("delete %s: %w", key, err))
		}
	}
	if len(errs) > 0 {
		return &PruneError{errs: errs}
	}
	return nil
}

// applyAll records whatever was applied, even if not all could be.
func (s *session) applyAll(ctx context.Context, changes []Change) error {
	applied := make([]*unstructured.Unstructured, len(changes))
	err := each(len(changes), func(i int) (err error) {
		if applied[i], err = s.apply(ctx, changes[i].Desired); err != nil {
			return fmt.Errorf("apply %s: %w", changes[i].Key, err)
		}
		return nil
	})
	for i, c := range changes {
		if applied[i] != nil {
			s.record(c.Desired, applied[i])
		}
	}
	return err
}

// apply returns what the API server has made of an object.
func (s *session) apply(ctx context.Context, d Desired) (*unstructured.Unstructured, error) {
	if err := s.claimSpec(ctx, s.live[d.Key]); err != nil {
		return nil, fmt.Errorf("take over the fields: %w", err)
	}
	return s.send(ctx, d)
}

func (s *session) record(d Desired, got *unstructured.Unstructured) {
	s.inventory.record(d, got)
	switch before := s.live[d.Key]; {
	case before == nil:
		s.result.Created++
	case before.GetResourceVersion() != got.GetResourceVersion():
		s.result.Changed++
	}
}

// prune deletes the very object that the plan has seen: not one that was made
// anew under its name, nor one that was changed, and perhaps released, since.
func (s *session) prune(ctx context.Context, key Key) error {
	live := s.live[key]
	uid, version := live.GetUID(), live.GetResourceVersion()
	err := s.Client.Delete(ctx, live,
		client.Preconditions{UID: &uid, ResourceVersion: &version},
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	switch {
	case err == nil:
		s.result.Pruned++
	case !apierrors.IsNotFound(err):
		return err
	}
	delete(s.inventory, key)
	return nil
}
