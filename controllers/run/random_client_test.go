package run_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/lean"
)

// cachedKinds are those that the controller watches, in the order in which a
// process lists them.
func cachedKinds() []string {
	return []string{"Pipeline", "ControllerRevision", "Run", "Job", "Pod"}
}

// informers are the controller's cache. Each kind is behind by its own number of
// changes.
type informers struct {
	server  *server
	objects objects
	seen    map[string]int
	lean    lean.Cache
}

// list starts a kind anew, as it was that many changes ago, and returns what
// its watch tells.
func (i *informers) list(kind string, behind int) []change {
	delete(i.objects, kind)
	i.seen[kind] = max(0, len(i.server.log[kind])-behind)
	for _, c := range i.server.log[kind][:i.seen[kind]] {
		i.apply(c)
	}
	var news []change
	for _, obj := range i.objects[kind] {
		news = append(news, change{after: obj})
	}
	slices.SortFunc(news, func(a, b change) int { return compareNames(a.after, b.after) })
	return news
}

func compareNames(a, b client.Object) int {
	switch {
	case a.GetName() < b.GetName():
		return -1
	case a.GetName() > b.GetName():
		return 1
	}
	return 0
}

func (i *informers) behind(kind string) bool { return i.seen[kind] < len(i.server.log[kind]) }

// next is the first change of a kind that isn't known yet.
func (i *informers) next(kind string) change { return i.server.log[kind][i.seen[kind]] }

// follow takes in the next change of a kind. It reports whether the watch lets
// it through: only what carries KayCI's label is watched of Jobs and Pods.
func (i *informers) follow(kind string) (change, bool) {
	c := i.next(kind)
	i.seen[kind]++
	return c, i.apply(c)
}

func (i *informers) apply(c change) bool {
	obj := c.object()
	if kind := kindOf(obj); (kind == "Job" || kind == "Pod") && obj.GetLabels()[v1alpha1.RunLabel] == "" {
		return false
	}
	if c.after == nil {
		delete(i.objects[kindOf(obj)], obj.GetName())
	} else {
		i.objects.put(i.kept(c.after))
	}
	return true
}

// kept is what the cache keeps of the object.
func (i *informers) kept(obj client.Object) client.Object {
	transform := map[string]func(any) (any, error){"Job": i.lean.Job, "Pod": i.lean.Pod, "Run": i.lean.Run}[kindOf(obj)]
	if transform == nil {
		return obj
	}
	lean, err := transform(obj.DeepCopyObject())
	kept, is := lean.(client.Object)
	if err != nil || !is {
		return obj
	}
	return kept
}

// connection is what stands between the Reconciler and the API server. Methods
// that nobody has needed yet are nil.
type connection struct {
	client.Client
	*simulation
	live bool
}

// source says where a read of this kind goes: the controller has no ConfigMaps
// in its cache.
func (c *connection) source(kind string) objects {
	if c.live || !slices.Contains(cachedKinds(), kind) {
		return c.server.objects
	}
	return c.cache.objects
}

func (c *connection) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	kind := kindOf(obj)
	if err := c.beforeRead(c.live); err != nil {
		return err
	}
	err := c.source(kind).get(key.Name, obj)
	if run, is := obj.(*v1alpha1.Run); is && err == nil && !c.live && c.believes == nil {
		c.believes = run.DeepCopy()
	}
	return err
}

func (c *connection) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if err := c.beforeRead(c.live); err != nil {
		return err
	}
	return c.source(kindOf(list)).list(list, opts...)
}

func (c *connection) Create(_ context.Context, obj client.Object, _ ...client.CreateOption) error {
	return c.write("create", obj, func() error { return c.server.create(obj) })
}

func (c *connection) Patch(_ context.Context, obj client.Object, patch client.Patch, _ ...client.PatchOption) error {
	return c.write("patch", obj, func() error { return c.server.patch(obj, patch, false) })
}

func (c *connection) Delete(_ context.Context, obj client.Object, _ ...client.DeleteOption) error {
	return c.write("delete", obj, func() error {
		c.server.delete(obj, 0)
		return nil
	})
}

func (c *connection) Status() client.SubResourceWriter {
	return &statusConnection{simulation: c.simulation}
}

type statusConnection struct {
	client.SubResourceWriter
	*simulation
}

func (c *statusConnection) Patch(_ context.Context, obj client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	return c.write("patch status of", obj, func() error { return c.server.patch(obj, patch, true) })
}

// faults are how likely things go wrong, out of a thousand.
type faults struct {
	fails, // a request fails
	lost, // a write is done, and its answer lost
	dies, // the controller dies right before or after a write
	full int // a quota has no room for a Job now
}

var errServer = apierrors.NewInternalError(errors.New("the server is away"))

func chance(rng *rand.Rand, perMille int) bool { return rng.IntN(1000) < perMille }

// beforeRead lets the world go on, and the API server fail.
func (s *simulation) beforeRead(live bool) error {
	if s.dead {
		return errCrash
	}
	s.meanwhile()
	if live && chance(s.rng, s.faults.fails) {
		s.note("  a live read fails")
		s.hurt = true
		return errServer
	}
	return nil
}

// write is a request of the controller that changes something.
func (s *simulation) write(verb string, obj client.Object, do func() error) error {
	if s.dead {
		return errCrash
	}
	s.meanwhile()
	what := fmt.Sprintf("%s %s %s", verb, kindOf(obj), obj.GetName())
	switch _, isJob := obj.(*batchv1.Job); {
	case chance(s.rng, s.faults.dies):
		s.note("  dies before: %s", what)
		s.dead = true
		return errCrash
	case chance(s.rng, s.faults.fails):
		s.note("  fails: %s", what)
		s.hurt = true
		return errServer
	case isJob && verb == "create" && chance(s.rng, s.faults.full):
		s.note("  has no room: %s", what)
		return apierrors.NewForbidden(jobResource(), obj.GetName(), errors.New("exceeded quota: small"))
	case isJob && verb == "create" && s.truth(obj).outcome == refused:
		return apierrors.NewInvalid(batchv1.SchemeGroupVersion.WithKind("Job").GroupKind(), obj.GetName(), nil)
	}
	s.writing = true
	err := do()
	s.writing = false
	s.writes = append(s.writes, what)
	s.note("  %s: %v", what, err)
	switch {
	case chance(s.rng, s.faults.dies):
		s.note("  dies after it")
		s.dead = true
		return errCrash
	case err == nil && chance(s.rng, s.faults.lost):
		s.note("  the answer is lost")
		s.hurt = true
		return errServer
	}
	return err
}
