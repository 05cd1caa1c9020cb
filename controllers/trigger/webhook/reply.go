package webhook

import (
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// reply is what the author of a command is told at the git host: once, whatever many
// Triggers make of it, by the credentials of one that can say so.
type reply struct {
	trigger *v1alpha1.Trigger
	d       delivery
	with    githost.Reaction
	// reason why the command was refused.
	reason string
}

// hear notes what a Trigger has made of a command. What one has done counts more than
// what another has refused, and what has failed is for the sender to send again.
func (q *inquiry) hear(trigger *v1alpha1.Trigger, d delivery, wish pull.Wish, r result) {
	switch {
	case r.Outcome == created, r.Outcome == exists, r.Outcome == cancelled, wish.Verb == pull.Cancel && r.Outcome == notMatched:
		if q.reply == nil || q.reply.with == githost.ThumbsDown {
			q.reply = &reply{trigger: trigger, d: d, with: githost.ThumbsUp}
		}
	case r.Outcome == refused && q.reply == nil:
		q.reply = &reply{trigger: trigger, d: d, with: githost.ThumbsDown, reason: r.Reason}
	}
}

// reply tells the author of a command what has become of it: by a reaction, or, where
// the host has none, by a comment that says why it was refused. Nothing depends on it.
func (s *Server) reply(ctx context.Context, asks *inquiry) {
	to := asks.reply
	if to == nil {
		return
	}
	err := asks.talk(ctx, to.trigger, aboutReplies, func(ctx context.Context, host githost.Host) error {
		e := to.d.event
		number := e.PullRequest.Number
		if reactor, can := host.(githost.Reactor); can {
			if e.Remark.ID <= 0 {
				return nil
			}
			return reactor.React(ctx, e.Repository, number, e.Remark, to.with)
		}
		about := thread{accessOf(to.trigger), e.Repository, number}
		if to.with != githost.ThumbsDown || !s.comments.take(about, to.d.request, s.opts.Clock) {
			return nil
		}
		return host.Comment(ctx, e.Repository, number, pull.Reply(to.reason))
	})
	if err != nil {
		s.opts.Log.Info("Command not answered at the git host", "namespace", to.trigger.Namespace, "trigger", to.trigger.Name,
			"delivery", to.d.request, "reason", printable.Text(err.Error()))
	}
}

const (
	// maxComments are written on a pull request in commentSpan: whoever is refused there
	// can have no more of them written.
	maxComments = 5
	commentSpan = time.Hour
	// maxThreads bounds the memory for a namespace's pull requests with comments: who has
	// a namespace can make up as many as he likes.
	maxThreads = 200
)

// thread is a pull request that KayCI comments on.
type thread struct {
	access
	repository string
	number     int64
}

// budget is how many comments may yet be written. A delivery that is sent again has none.
type budget struct {
	mu    sync.Mutex
	spent map[thread][]spending
}

type spending struct {
	delivery string
	at       time.Time
}

// take reports whether a comment may be written because of the delivery.
func (b *budget) take(on thread, delivery string, clock clock.PassiveClock) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := clock.Now()
	if b.spent == nil {
		b.spent = map[thread][]spending{}
	}
	recent := lately(b.spent[on], now)
	for _, each := range recent {
		if each.delivery == delivery {
			return false
		}
	}
	if len(recent) >= maxComments || len(recent) == 0 && b.others(on, now) >= maxThreads {
		return false
	}
	b.spent[on] = append(recent, spending{delivery, now})
	return true
}

// others counts the threads of the same namespace, and forgets all that are old.
func (b *budget) others(than thread, now time.Time) (count int) {
	for on, all := range b.spent {
		switch {
		case len(lately(all, now)) == 0:
			delete(b.spent, on)
		case on.namespace == than.namespace:
			count++
		}
	}
	return count
}

// lately are those of the last hour.
func lately(all []spending, now time.Time) []spending {
	for i := range all {
		if now.Sub(all[i].at) < commentSpan {
			return all[i:]
		}
	}
	return nil
}
