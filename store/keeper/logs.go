// Package keeper keeps what Runs leave behind: it follows the logs of their containers
// while those run, and stores a record of each Run at its end.
//
// What is stored is known from the bucket and from the Runs' conditions. Memory only
// knows which logs are being followed: a process that is killed goes on where it was.
package keeper

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/kayci/kayci/api/v1alpha1"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/logs/mask/secrets"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
)

// Logs follows the logs of Runs' containers. Set every exported field.
type Logs struct {
	// Client reads from the cache, and APIReader asks the API server.
	Client, APIReader client.Reader
	// Keeper keeps one log.
	Keeper *logs.Keeper
	// Clock tells the time.
	Clock clock.Clock
	// Streams has room for as many elements as logs are followed at once.
	Streams chan struct{}
	// Ended gets the Run of each log that has ended.
	Ended chan event.TypedGenericEvent[*v1alpha1.Run]
	// Metrics count.
	Metrics *Metrics

	mu   sync.Mutex
	runs map[types.UID]*followed
	// lane has room for those of the logs of long ago that are read at once.
	lane chan struct{}
}

// followed is what is known of a Run whose logs are being kept.
type followed struct {
	// ends are nil of logs that haven't ended.
	ends map[place.Log]*logs.End
	// pods as they were seen last, also such as are gone.
	pods map[types.UID]corev1.Pod
}

// Reconcile begins to follow the logs of a pod's containers that have started.
func (l *Logs) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var pod corev1.Pod
	if err := l.Client.Get(ctx, req.NamespacedName, &pod); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	job := jobOf(&pod)
	if job == "" {
		return ctrl.Result{}, nil
	}
	run, err := l.runOf(ctx, &pod)
	if apierrors.IsNotFound(err) && l.Clock.Since(pod.CreationTimestamp.Time) < unseen {
		return ctrl.Result{RequeueAfter: awaitOwner}, nil
	}
	if err != nil || run == nil || meta.IsStatusConditionTrue(run.Status.Conditions, v1alpha1.StoredCondition) {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	for _, c := range runlogs.Containers(&pod) {
		if c.State.Started.IsZero() {
			continue
		}
		log := place.Log{Run: records.PlaceOf(run), Job: job, Pod: pod.UID, Container: c.Name}
		if l.begin(log, &pod) {
			go l.follow(ctx, run, log, &c)
		}
	}
	return ctrl.Result{}, nil
}

// The cache may show a pod before its Job and Run: for so long, and so often it is looked
// at again.
const (
	unseen     = time.Minute
	awaitOwner = time.Second
)

// jobOf returns the job or service that the pod is of; blank for one that is neither's,
// as a notifier's.
func jobOf(pod *corev1.Pod) string {
	if name := pod.Labels[v1alpha1.JobLabel]; name != "" {
		return name
	}
	return pod.Labels[v1alpha1.ServiceLabel]
}

// runOf returns the Run that the pod's Job belongs to, or nil if it belongs to none.
func (l *Logs) runOf(ctx context.Context, pod *corev1.Pod) (*v1alpha1.Run, error) {
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.Kind != "Job" {
		return nil, nil //nolint:nilnil // Anybody can give a pod such labels.
	}
	var job batchv1.Job
	err := l.Client.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: owner.Name}, &job)
	if err != nil || job.UID != owner.UID {
		return nil, err
	}
	if owner = runOwning(&job); owner == nil {
		return nil, nil //nolint:nilnil // So it is with Jobs.
	}
	var run v1alpha1.Run
	err = l.Client.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: owner.Name}, &run)
	if err != nil || run.UID != owner.UID {
		return nil, err
	}
	return &run, nil
}

// runOwning is the reference to the Run that the Job belongs to, or nil if it belongs to none.
func runOwning(job *batchv1.Job) *metav1.OwnerReference {
	if owner := metav1.GetControllerOf(job); owner != nil && owner.Kind == v1alpha1.RunKind {
		return owner
	}
	return nil
}

// begin reports whether the log isn't followed yet, and notes that it is.
func (l *Logs) begin(log place.Log, pod *corev1.Pod) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runs == nil {
		l.runs, l.lane = map[types.UID]*followed{}, make(chan struct{}, max(1, cap(l.Streams)/laneShare))
	}
	of := l.runs[log.Run.UID]
	if of == nil {
		of = &followed{ends: map[place.Log]*logs.End{}, pods: map[types.UID]corev1.Pod{}}
		l.runs[log.Run.UID] = of
	}
	of.pods[pod.UID] = *pod
	if _, known := of.ends[log]; known {
		return false
	}
	of.ends[log] = nil
	l.Metrics.awaited.Inc()
	return true
}

func (l *Logs) note(log place.Log, end *logs.End) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of := l.runs[log.Run.UID]; of != nil {
		of.ends[log] = end
	}
}

// Forget forgets the logs of a Run that is stored or gone.
func (l *Logs) Forget(run types.UID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.runs, run)
}

// Ends returns how the logs of a Run have ended that were followed, nil of those that
// haven't.
func (l *Logs) Ends(run types.UID) map[place.Log]*logs.End {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of := l.runs[run]; of != nil {
		return maps.Clone(of.ends)
	}
	return nil
}

// Pods returns those of a Run whose logs were followed, also such as are gone.
func (l *Logs) Pods(run types.UID) []corev1.Pod {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of := l.runs[run]; of != nil {
		return slices.Collect(maps.Values(of.pods))
	}
	return nil
}

const (
	minPause = time.Second
	maxPause = time.Minute
)

// follow keeps a log until it has ended. What fails is tried again as long as the process
// lives: without its pod it ends.
func (l *Logs) follow(ctx context.Context, run *v1alpha1.Run, log place.Log, c *runlogs.Container) {
	logger := ctrl.LoggerFrom(ctx).WithValues("run", log.Run.Name, "job", log.Job, "container", log.Container)
	began := l.Clock.Now()
	leave := l.enter(ctx, c)
	l.Metrics.awaited.Dec()
	late := l.Clock.Since(began)
	for wait := minPause; leave != nil; wait = min(2*wait, maxPause) {
		end, err := l.keep(ctx, log, c, late)
		// Others have their turn while this one waits.
		leave()
		if err == nil {
			l.note(log, &end)
			l.Metrics.kept(&end)
			break
		}
		if ctx.Err() != nil {
			return
		}
		l.Metrics.failures.Inc()
		logger.Error(err, "A log can't be kept for now", "tryAgainIn", wait.String())
		select {
		case <-ctx.Done():
			return
		case <-l.Clock.After(wait):
		}
		leave = l.enter(ctx, c)
	}
	select {
	case <-ctx.Done():
	case l.Ended <- event.TypedGenericEvent[*v1alpha1.Run]{Object: run}:
	}
}

const (
	// longAgo is how long after its end nobody waits for a log: it is of before the store
	// was installed, or was started again.
	longAgo = 10 * time.Minute
	// laneShare of the streams reads such logs, so that what runs now isn't late for them.
	laneShare = 10
)

// enter waits for a log's turn, and returns what ends that; nil if the context is done.
func (l *Logs) enter(ctx context.Context, c *runlogs.Container) (leave func()) {
	rooms := []chan struct{}{l.Streams}
	if !c.State.Ended.IsZero() && l.Clock.Since(c.State.Ended) > longAgo {
		rooms = []chan struct{}{l.lane, l.Streams}
	}
	for i, room := range rooms {
		select {
		case <-ctx.Done():
			for _, entered := range rooms[:i] {
				<-entered
			}
			return nil
		case room <- struct{}{}:
		}
	}
	l.Metrics.followed.Inc()
	return func() {
		l.Metrics.followed.Dec()
		for _, room := range rooms {
			<-room
		}
	}
}

// keep keeps a log, without the values of the Secrets that its pod names.
func (l *Logs) keep(ctx context.Context, log place.Log, c *runlogs.Container, late time.Duration) (logs.End, error) {
	var pod corev1.Pod
	err := l.APIReader.Get(ctx, client.ObjectKey{Namespace: log.Run.Namespace, Name: c.Pod}, &pod)
	if apierrors.IsNotFound(err) || err == nil && pod.UID != c.UID {
		return l.Keeper.Gone(ctx, log, c.State)
	}
	if err != nil {
		return logs.End{}, fmt.Errorf("get pod %s: %w", c.Pod, err)
	}
	masker, why, err := secrets.Masker(ctx, l.APIReader, &pod)
	if err != nil {
		return logs.End{}, err
	}
	if masker == nil {
		return l.Keeper.Refuse(ctx, log, c.State, why)
	}
	// What the cache shows may be old.
	all := runlogs.Containers(&pod)
	if i := slices.IndexFunc(all, func(now runlogs.Container) bool { return now.Name == c.Name }); i >= 0 {
		c = &all[i]
	}
	return l.Keeper.Keep(ctx, log, c, masker, late)
}
