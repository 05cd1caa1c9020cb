package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kayci/kayci/web/viewer"
)

// Events of a stream, beside that of its subject. After each of them it is over.
const (
	// eventEnd: nothing changes any more.
	eventEnd = "end"
	// eventGone: what was shown was deleted.
	eventGone = "gone"
	// eventSignIn: the viewer's token counts no longer, or the session is over.
	eventSignIn = "signin"
	// eventProblem: something else keeps the page from being shown; the data says what.
	eventProblem = "problem"
)

// watchFor is how long a watch lasts. The API server asks who may watch at its begin
// alone: who has lost the right sees no more after that.
const watchFor = 5 * time.Minute

// gather is how long a stream rests between two changes.
const gather = 250 * time.Millisecond

// subject is what a stream shows.
type subject interface {
	// read reads it anew, and returns the version that a watch goes on from.
	read(ctx context.Context) (version string, err error)
	// watch its changes.
	watch(ctx context.Context, options *metav1.ListOptions) (watch.Interface, error)
	// change takes what has changed, and reports whether the subject was deleted.
	change(event watch.Event) (gone bool)
	// html is what is shown, under its version. Over says that it will stay like that.
	html(ctx context.Context) (html, version string, over bool, err error)
	// event is what it is called.
	event() string
}

// live shows the subject whenever it looks different, until it is over. The browser says
// which version it has, and is sent none that looks the same.
func (s *server) live(w http.ResponseWriter, r *http.Request, of subject) error {
	l := &following{server: s, subject: of, has: cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("rv"))}
	asking, cancel := s.soon(r.Context())
	version, err := of.read(asking)
	cancel()
	if err != nil {
		return err
	}
	l.events = newEvents(w)
	// The browser learns at once that it is connected, though nothing is new to it.
	err = l.events.ping()
	if err == nil {
		err = l.follow(r.Context(), version)
	}
	switch {
	case err != nil && expired(r.Context()):
		l.fail(r, viewer.ErrExpired)
	case err != nil && r.Context().Err() == nil:
		l.fail(r, err)
	}
	return nil
}

// errGone says that what was shown was deleted.
var errGone = errors.New("it was deleted")

type following struct {
	*server
	subject
	events *events
	// has is the version that the browser shows before the first event.
	has, shown string
}

// follow shows the subject and watches it, again and again as watches end.
func (l *following) follow(ctx context.Context, version string) error {
	ping := l.Clock.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		over, err := l.show(ctx)
		if over || err != nil {
			return err
		}
		over, err = l.watchFrom(ctx, version, ping.C())
		if over || err != nil {
			return err
		}
		asking, cancel := l.soon(ctx)
		version, err = l.read(asking)
		cancel()
		if err != nil {
			return err
		}
	}
}

// watchFrom watches from a version on until the watch ends, and reports whether the stream
// is over. To begin with it the API server has as long as for all it is asked.
func (l *following) watchFrom(ctx context.Context, version string, ping <-chan time.Time) (over bool, err error) {
	watching, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(l.Patience, func() { cancel(context.DeadlineExceeded) })
	seconds := int64(watchFor / time.Second)
	changes, err := l.watch(watching, &metav1.ListOptions{ResourceVersion: version, TimeoutSeconds: &seconds})
	if !late.Stop() {
		err = context.Cause(watching)
	}
	if err != nil {
		return false, err
	}
	defer changes.Stop()
	return l.watched(ctx, changes, ping)
}

// watched shows changes until the watch ends, and reports whether the stream is over.
func (l *following) watched(ctx context.Context, changes watch.Interface, ping <-chan time.Time) (over bool, err error) {
	for {
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-ping:
			if err := l.events.ping(); err != nil {
				return true, err
			}
		case event, open := <-changes.ResultChan():
			if ended, err := l.take(changes, event, open); ended || err != nil {
				return false, err
			}
			if over, err := l.show(ctx); over || err != nil {
				return true, err
			}
			l.rest(ctx)
		}
	}
}

// rest lets changes gather: a Run of hundreds of jobs has many in a second.
func (l *following) rest(ctx context.Context) {
	timer := time.NewTimer(gather)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// take takes an event, and what has come with it. It reports whether the watch has
// ended.
func (l *following) take(changes watch.Interface, event watch.Event, open bool) (ended bool, err error) {
	for {
		switch {
		case !open:
			return true, nil
		case event.Type == watch.Error:
			err := apierrors.FromObject(event.Object)
			if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
				return true, nil
			}
			return true, err
		case l.change(event):
			return true, errGone
		}
		select {
		case event, open = <-changes.ResultChan():
		default:
			return false, nil
		}
	}
}

// show sends the subject if it looks different.
func (l *following) show(ctx context.Context) (over bool, err error) {
	asking, cancel := l.soon(ctx)
	defer cancel()
	html, version, over, err := l.html(asking)
	if err != nil {
		return true, err
	}
	if l.has != "" && l.has == version {
		l.shown = html
	}
	l.has = ""
	if html != l.shown {
		l.shown = html
		if err := l.events.send(l.event(), version, html); err != nil {
			return true, err
		}
	}
	if over {
		return true, l.events.send(eventEnd, "", "")
	}
	return false, nil
}

// fail says why the stream is over. What was shown before stays on the page.
func (l *following) fail(r *http.Request, err error) {
	event := eventProblem
	switch {
	case signIn(err):
		event = eventSignIn
	case errors.Is(err, errGone), apierrors.IsNotFound(err):
		event = eventGone
	}
	p := l.explain(r, err)
	text := p.Text
	if event == eventGone {
		text = "It was deleted while you looked: Runs are, when newer ones take their place."
	}
	// Who is gone isn't told why.
	_ = l.events.send(event, "", text)
}
