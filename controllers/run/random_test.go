package run_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run"
	"github.com/kayci/kayci/controllers/run/plan"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/test/copies"
)

var seeds = flag.Uint64("seeds", 40, "how many random worlds to try")

// A random world is a Pipeline with a random graph, some Runs of it, and
// everything that can get in their way. Each seed is one world: it goes the same
// way every time. To see one again, with all that happened:
//
//	go test ./controllers/run -run 'TestRandomWorlds/^17$' -seeds 18
func TestRandomWorlds(t *testing.T) {
	t.Parallel()
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := newSimulation(t, seed)
			defer s.tellOf() // A cleanup would keep the world until all worlds have ended.
			s.disturb(100 + s.rng.IntN(400))
			s.finish()
			s.checkEnd()
		})
	}
}

// simulation is a world that goes on by itself, in steps that a generator of
// random numbers chooses.
type simulation struct {
	t      *testing.T
	rng    *rand.Rand
	clock  *clocktesting.FakePassiveClock
	server *server
	cache  *informers
	events *events.FakeRecorder
	faults faults
	calm   bool // nobody interferes
	plain  bool // nobody ever has
	pace   int  // how often the controller works, in a thousand steps
	stale  bool // the cache may be behind by any time, and be so after a restart

	pipeline *v1alpha1.Pipeline
	defaults *changingDefaults
	jobQueue *jobQueue
	truths   map[string]*truth // by run/job
	notices  map[string]int    // how often a notifier's Job was made, by its name
	coming   []*v1alpha1.Run   // that don't exist yet
	room     time.Time         // when something last happened that may make room for a Run that waits

	// What Job controller and kubelet remember.
	counted, stopped, evicted, lostNodes map[types.UID]bool
	charged                              map[types.UID]int32

	reconciler *run.Reconciler
	queue      *queue
	tell       func(change)
	dead       bool          // the process is
	died       bool          // it ever was
	hurt       bool          // a request of this reconcile was made to fail
	writing    bool          // the change is the controller's
	believes   *v1alpha1.Run // the Run as the Reconciler has read it
	depth      int
	writes     []string // the controller's
	explained  int      // how many of them say why a job doesn't go on, or that it does again
	history    []string
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // Repeatable on purpose.
	s := &simulation{
		t: t, rng: rng,
		clock:    clocktesting.NewFakePassiveClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
		events:   events.NewFakeRecorder(1000),
		defaults: newChangingDefaults(seed),
		truths:   map[string]*truth{},
		notices:  map[string]int{},
		counted:  map[types.UID]bool{}, stopped: map[types.UID]bool{}, evicted: map[types.UID]bool{}, lostNodes: map[types.UID]bool{},
		charged: map[types.UID]int32{},
	}
	s.server = &server{t: t, clock: s.clock, objects: objects{}, log: map[string][]change{}, admit: s.admit, check: s.checkChange}
	s.cache = &informers{server: s.server, objects: objects{}, seen: map[string]int{}}
	s.tell = s.watch(t.Context())
	s.populate()
	s.start()
	return s
}

// tellOf says what happened in a world where something is wrong.
func (s *simulation) tellOf() {
	s.t.Helper()
	if s.t.Failed() {
		s.t.Logf("what happened:\n%s", strings.Join(s.history, "\n"))
	}
}

// populate makes a world, and says how hostile it is: a fifth of them aren't at
// all.
func (s *simulation) populate() {
	all := []fate{succeeds, succeeds, succeeds, succeeds, fails, runsOutOfMemory, flaky, hangs, refused, unschedulable, imagePull, unkept}
	when := conditions()
	if s.plain = chance(s.rng, 200); s.plain {
		all, when = []fate{succeeds}, []string{""}
	}
	s.pace = 20 + s.rng.IntN(500)
	p, fates := randomGraph(s.rng, all, when)
	if !s.plain {
		limit(s.rng, &p.Spec)
		addServices(s.rng, &p.Spec)
		bound(s.rng, &p.Spec)
		askApprovals(s.rng, &p.Spec)
		share(s.rng, &p.Spec)
		s.addJobQueue(&p.Spec)
	}
	addNotifiers(s.rng, &p.Spec)
	p.UID = ""
	s.mustCreate(p)
	s.pipeline = p
	s.mustCreate(revision.New(p, 1))
	runs := 1 + s.rng.IntN(3)
	if p.Spec.Concurrency != nil {
		runs += 3
	}
	if s.plain {
		runs = 1
	} else {
		s.stale = chance(s.rng, 300)
		s.faults = faults{fails: s.rng.IntN(60), lost: s.rng.IntN(60), dies: s.rng.IntN(60), full: s.rng.IntN(60)}
	}
	for i := range runs {
		r := started(fmt.Sprintf("run%d", i), p)
		if !s.plain && chance(s.rng, 200) {
			r.Spec.Revision, r.Labels, r.OwnerReferences = "", nil, nil
		}
		s.enrollOthers(r)
		for k := range p.Spec.Jobs {
			truth := &truth{outcome: fates[k]}
			if chance(s.rng, 800) {
				truth.onTerm = 143
			}
			s.truths[r.Name+"/"+p.Spec.Jobs[k].Name] = truth
			s.note("%s: job %s needs %v, if %q, %s, exits with %d when told to", r.Name, p.Spec.Jobs[k].Name, p.Spec.Jobs[k].Needs, p.Spec.Jobs[k].If, truth.outcome, truth.onTerm)
		}
		if i > 0 && p.Spec.Concurrency != nil && chance(s.rng, 700) {
			s.coming = append(s.coming, r)
		} else {
			s.mustCreate(r)
		}
	}
}

func (s *simulation) mustCreate(obj client.Object) {
	s.t.Helper()
	obj.SetUID("")
	if err := s.server.create(obj); err != nil {
		s.t.Fatal(err)
	}
}

// start starts a controller with an empty memory.
func (s *simulation) start() {
	s.died, s.dead = s.died || s.dead, false
	s.queue = &queue{due: map[types.NamespacedName]time.Time{}, now: s.clock.Now}
	conn, live := &connection{simulation: s}, &connection{simulation: s, live: true}
	s.reconciler = &run.Reconciler{
		Client: conn, APIReader: live, Recorder: s.events, Clock: s.clock, Starter: &start.Starter{Client: conn, APIReader: live},
		Installed: s.defaults.installed(),
	}
	for _, kind := range cachedKinds() {
		behind := 0
		if s.stale && !s.calm && chance(s.rng, 300) {
			behind = s.rng.IntN(10)
		}
		for _, c := range s.cache.list(kind, behind) {
			s.tell(c)
		}
	}
}

// watch returns what lets the controller's watches see a change.
func (s *simulation) watch(ctx context.Context) func(change) {
	runs, jobs, pods := run.News()
	news := map[string]predicate.Predicate{"Run": runs, "Job": jobs, "Pod": pods}
	return func(c change) {
		if let := news[kindOf(c.object())]; let != nil {
			believes := s.believes // A handler's reads are not the reconcile's.
			deliver(ctx, c, let, s.reconciler.Enqueue(), s.queue)
			s.believes = believes
		}
		if kind := kindOf(c.object()); kind == "Job" || kind == "Pod" {
			believes := s.believes
			deliver(ctx, c, run.Vacancies(), s.reconciler.Vacated(), s.queue)
			s.believes = believes
		}
		if kindOf(c.object()) == "Run" {
			believes := s.believes
			deliver(ctx, c, run.PlaceNews(), s.reconciler.Wake(), s.queue)
			s.believes = believes
		}
	}
}

// reconcile lets the controller work on the Run that is due the longest.
func (s *simulation) reconcile() bool {
	key, found := s.queue.pop()
	if !found {
		return false
	}
	if !s.calm && s.defaults.edit() {
		s.note("the defaults for jobs are %d, faulty: %t", s.defaults.version, s.defaults.faulty)
	}
	s.note("reconcile %s", key.Name)
	s.believes, s.hurt = nil, false
	result, err := s.reconciler.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: key})
	s.note("  %v, %v", result.RequeueAfter, err)
	switch {
	case s.dead:
		s.start()
	case err != nil:
		// It isn't found if somebody has just deleted it.
		if !s.hurt && !apierrors.IsNotFound(err) {
			s.t.Errorf("reconcile %s: %v, and no request was made to fail", key.Name, err)
		}
		s.queue.addAfter(key, time.Duration(1+s.rng.IntN(2000))*time.Millisecond)
	case result.RequeueAfter > 0:
		s.queue.addAfter(key, result.RequeueAfter)
	}
	return true
}

// disturb lets so many things happen.
func (s *simulation) disturb(steps int) {
	for range steps {
		if chance(s.rng, 10) {
			s.arrive()
		}
		if !s.plain && chance(s.rng, 40) {
			s.interfere()
			continue
		}
		if chance(s.rng, s.pace) {
			s.reconcile()
			continue
		}
		s.step()
	}
}

// step is something that happens beside the controller's own work.
func (s *simulation) step() {
	switch n := s.rng.IntN(10); {
	case n < 4:
		s.follow()
	case n < 6:
		s.stepJobs(1)
	case n < 9:
		s.stepPods(1)
		s.stepJobQueue()
	default:
		s.pass(time.Duration(s.rng.IntN(1500)) * time.Millisecond)
	}
}

// meanwhile lets things happen between two requests of the controller.
func (s *simulation) meanwhile() {
	if s.calm || s.depth > 0 || !chance(s.rng, 300) {
		return
	}
	s.depth++
	defer func() { s.depth-- }()
	if !s.plain && chance(s.rng, 50) {
		s.interfere()
		return
	}
	s.step()
}

// follow lets the cache of one kind take in a few changes.
func (s *simulation) follow() bool {
	kinds := slices.DeleteFunc(cachedKinds(), func(kind string) bool { return !s.cache.behind(kind) })
	if len(kinds) == 0 {
		return false
	}
	kind := kinds[s.rng.IntN(len(kinds))]
	for n := 1 + s.rng.IntN(8); n > 0 && s.cache.behind(kind); n-- {
		s.followOne(kind)
	}
	return true
}

func (s *simulation) followOne(kind string) {
	if c, watched := s.cache.follow(kind); watched {
		s.tell(c)
	}
}

// maxLag is how long a cache is behind at most, but in worlds where it may be so
// for any time.
const maxLag = 4 * time.Second

func (s *simulation) pass(d time.Duration) {
	s.clock.SetTime(s.clock.Now().Add(d))
	for _, kind := range cachedKinds() {
		for !s.stale && s.cache.behind(kind) && s.clock.Since(s.cache.next(kind).at) > maxLag {
			s.followOne(kind)
		}
	}
}

// stored returns all objects of a kind. They are the server's own.
func stored[T client.Object](s *simulation, kind string) []T {
	var found []T
	for _, name := range slices.Sorted(maps.Keys(s.server.objects[kind])) {
		found = append(found, as[T](s.server.objects[kind][name]))
	}
	return found
}

// pick returns copies of so many objects of a kind.
func pick[T client.Object](s *simulation, kind string, most int) []T {
	all := stored[T](s, kind)
	s.rng.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return copies.Of(all[:min(most, len(all))]...)
}

func (s *simulation) stepJobs(most int) {
	s.collectServices()
	for _, job := range pick[*batchv1.Job](s, "Job", most) {
		s.stepJob(job)
	}
}

func (s *simulation) stepPods(most int) {
	for _, pod := range pick[*corev1.Pod](s, "Pod", most) {
		s.stepPod(pod)
	}
}

func (s *simulation) podsOf(job *batchv1.Job) []*corev1.Pod {
	return copies.Of(slices.DeleteFunc(stored[*corev1.Pod](s, "Pod"), func(pod *corev1.Pod) bool { return !metav1.IsControlledBy(pod, job) })...)
}

// truth of the job or service that a Job or pod belongs to.
func (s *simulation) truth(obj client.Object) *truth {
	return s.truths[obj.GetLabels()[v1alpha1.RunLabel]+"/"+plan.PartOf(obj)]
}

func (s *simulation) version(obj client.Object) string {
	return s.server.current(obj).GetResourceVersion()
}

func (s *simulation) note(format string, args ...any) {
	s.history = append(s.history, s.clock.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}
