package logs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Found are the pods of a Run, and those of the earlier Runs whose jobs it has taken.
type Found struct {
	Run  *v1alpha1.Run
	Pods []corev1.Pod
	// Unread is why what is kept of pods that are gone couldn't be read.
	Unread error
}

// Parts of the Run, which say what there is no log of.
func (f *Found) Parts() []Part {
	lost := usualLoss()
	if f.Unread != nil {
		what := "and what is kept of it can't be read for now: " + printable.Text(f.Unread.Error())
		lost = loss{what, what}
	}
	return parts(f.Run, f.Pods, lost)
}

// Of returns the pods of the Run. What is kept, and can't be read for now, hides nothing
// of what the cluster has.
func (p *Pods) Of(ctx context.Context, run *v1alpha1.Run) (*Found, error) {
	list, err := p.list(ctx, run)
	if err != nil {
		return nil, err
	}
	return p.withKept(ctx, run, list.Items)
}

// withKept adds pods that are gone, where some are known to be.
func (p *Pods) withKept(ctx context.Context, run *v1alpha1.Run, pods []corev1.Pod) (*Found, error) {
	found := &Found{Run: run, Pods: pods}
	if p.Kept == nil || !stored(run) || !slices.ContainsFunc(Parts(run, pods), func(part Part) bool { return part.Begun && len(part.Missing) > 0 }) {
		return found, nil
	}
	kept, err := p.Kept.Pods(ctx, run)
	if err != nil {
		found.Unread = err
		return found, ctx.Err()
	}
	for i := range kept {
		if !slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return pod.UID == kept[i].UID }) {
			found.Pods = append(found.Pods, kept[i])
		}
	}
	return found, nil
}

// stored reports whether the logs of the Run are kept.
func stored(run *v1alpha1.Run) bool {
	return run.ResourceVersion == "" || meta.IsStatusConditionTrue(run.Status.Conditions, v1alpha1.StoredCondition)
}

func (p *Pods) list(ctx context.Context, run *v1alpha1.Run) (*corev1.PodList, error) {
	list, err := p.Client.Pods(run.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector(run)})
	if err != nil {
		return nil, fmt.Errorf("list the pods of run %s: %w", run.Name, err)
	}
	return list, nil
}

func selector(run *v1alpha1.Run) string {
	return fmt.Sprintf("%s in (%s)", v1alpha1.RunLabel, strings.Join(Runs(run), ","))
}

// Runs are the names of the Run and of the earlier ones whose jobs it has taken.
func Runs(run *v1alpha1.Run) []string {
	names := []string{run.Name}
	for i := range run.Status.Jobs {
		if from := run.Status.Jobs[i].ReusedFrom; from != "" && !slices.Contains(names, from) {
			names = append(names, from)
		}
	}
	return names
}

// seen are the pods of a Run that have been there since somebody looks: one that is
// deleted keeps its place among the attempts.
type seen struct {
	source *Pods
	// changed has an element after each change.
	changed chan struct{}

	mu     sync.Mutex
	run    *v1alpha1.Run
	all    []corev1.Pod
	at     map[types.UID]int
	unread error
}

// see looks at the pods of a Run, until the context is done.
func (p *Pods) see(ctx context.Context, run *v1alpha1.Run) (*seen, error) {
	s := &seen{source: p, run: run, changed: make(chan struct{}, 1), at: map[types.UID]int{}}
	version, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	go s.watch(ctx, version)
	return s, nil
}

// look looks once more, whatever the watch has told. The Run may have taken jobs of
// earlier Runs since.
func (s *seen) look(ctx context.Context, run *v1alpha1.Run) error {
	s.mu.Lock()
	s.run = run
	s.mu.Unlock()
	_, err := s.list(ctx)
	return err
}

func (s *seen) of() *v1alpha1.Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

func (s *seen) list(ctx context.Context) (version string, err error) {
	run := s.of()
	list, err := s.source.list(ctx, run)
	if err != nil {
		return "", err
	}
	found, err := s.source.withKept(ctx, run, list.Items)
	if err != nil {
		return "", err
	}
	for i := range found.Pods {
		s.put(&found.Pods[i])
	}
	s.mu.Lock()
	s.unread = found.Unread
	s.mu.Unlock()
	return list.ResourceVersion, nil
}

// watch follows changes. Where it breaks off, as each watch does, it lists anew.
func (s *seen) watch(ctx context.Context, version string) {
	for ctx.Err() == nil {
		s.changes(ctx, version)
		timer := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		if again, err := s.list(ctx); err == nil {
			version = again
		}
	}
}

func (s *seen) changes(ctx context.Context, version string) {
	run := s.of()
	w, err := s.source.Client.Pods(run.Namespace).Watch(ctx, metav1.ListOptions{LabelSelector: selector(run), ResourceVersion: version})
	if err != nil {
		return
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		pod, is := event.Object.(*corev1.Pod)
		if !is {
			return
		}
		s.put(pod)
	}
}

func (s *seen) put(pod *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, known := s.at[pod.UID]; known {
		s.all[i] = *pod
	} else {
		s.at[pod.UID] = len(s.all)
		s.all = append(s.all, *pod)
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// found is what was seen, as parts of the Run.
func (s *seen) found(run *v1alpha1.Run) *Found {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Found{Run: run, Pods: slices.Clone(s.all), Unread: s.unread}
}
