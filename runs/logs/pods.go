package logs

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Pods reads logs from the nodes, through the API server.
type Pods struct {
	// Client of whoever looks.
	Client corev1client.PodsGetter
	// Patience is how long to go on without an answer; two minutes if it is zero.
	Patience time.Duration
	// Pause is how long to wait before a stream is resumed for the first time, and
	// each time twice as long, up to five seconds; a quarter of a second if it is zero.
	Pause time.Duration
	// Kept is where the logs are of pods that are gone, and those that nodes have rotated
	// away. nil: nowhere.
	Kept Kept
}

// Kept is where logs are kept beyond their pods.
type Kept interface {
	Source
	// Pods returns those that the Run had, or none if nothing is known of it.
	Pods(ctx context.Context, run *v1alpha1.Run) ([]corev1.Pod, error)
}

const (
	defaultPatience = 2 * time.Minute
	defaultPause    = time.Second / 4
	maxPause        = 5 * time.Second
)

// errGone says that the pod isn't there any more.
var errGone = errors.New("the pod is gone")

// Read implements Source. What is kept is whole, or says what it lacks: that comes before
// what a node has still.
func (p *Pods) Read(ctx context.Context, c *Container, o Options, each func(*Line) error) (End, error) {
	if p.Kept != nil && c.Kept {
		end, err := p.Kept.Read(ctx, c, o, each)
		if err == nil || end.Lines > 0 || final(err) {
			return end, err
		}
		live, failed := p.read(ctx, c, o, each)
		if failed != nil || live.Lines == 0 {
			// Why it isn't kept is of more help than that the pod is gone.
			live.Missing = append(live.Missing, printable.Text(err.Error()))
		}
		return live, failed
	}
	return p.read(ctx, c, o, each)
}

func (p *Pods) read(ctx context.Context, c *Container, o Options, each func(*Line) error) (End, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &reading{pods: p, container: c, options: o, each: each, window: newWindow()}
	r.end.State = c.State
	err := r.run(ctx)
	return r.end, err
}

// pod of the container, and no other of its name.
func (p *Pods) pod(ctx context.Context, c *Container) (*corev1.Pod, error) {
	pod, err := p.Client.Pods(c.Namespace).Get(ctx, c.Pod, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && pod.UID != c.UID && c.UID != "" {
		return nil, errGone
	}
	if err != nil {
		return nil, fmt.Errorf("get pod %s: %w", c.Pod, err)
	}
	return pod, nil
}

// await waits until the container's state is as is asked for, or for so long. It returns
// the last one seen.
func (p *Pods) await(ctx context.Context, c *Container, atMost time.Duration, is func(State) bool) (State, error) {
	if atMost > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, atMost)
		defer cancel()
	}
	pod, err := p.pod(ctx, c)
	if err != nil {
		return State{}, err
	}
	state := stateOf(pod, c.Name)
	if is(state) {
		return state, nil
	}
	w, err := p.Client.Pods(c.Namespace).Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, c.Pod).String(), ResourceVersion: pod.ResourceVersion,
	})
	if err != nil {
		return state, fmt.Errorf("watch pod %s: %w", c.Pod, err)
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return state, nil
		case event, open := <-w.ResultChan():
			pod, isPod := event.Object.(*corev1.Pod)
			// The watch ends now and then, and with any error.
			if !open || !isPod || pod.UID != c.UID && c.UID != types.UID("") {
				return state, nil
			}
			if state = stateOf(pod, c.Name); is(state) {
				return state, nil
			}
		}
	}
}
