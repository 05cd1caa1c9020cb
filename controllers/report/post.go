package report

import (
	"context"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/githost"
)

// class is who ends an error of the host.
type class struct {
	reason, text string
	// person: asking again before somebody has acted is useless.
	person bool
	// after is when the host wants to be asked again. 0: it doesn't say.
	after time.Duration
}

func classify(err error) class {
	f, w := fault.Of(err)
	switch {
	case f != nil:
		return class{reason: f.Reason, text: f.Message, person: true}
	case w != nil:
		return class{reason: w.Reason, text: w.Message, after: w.After}
	default:
		return class{reason: v1alpha1.ReasonHostUnavailable, text: err.Error()}
	}
}

// post tells the host, and notes what came of it. An error is the cluster's.
func (r *Reporter) post(ctx context.Context, req ctrl.Request, s *subject, want message) (*class, error) {
	access, err := githost.AccessOf(ctx, r.APIReader, s.trigger)
	if err != nil && !fault.Is(err) {
		return nil, err
	}
	isCheck := false
	if err == nil {
		isCheck, err = r.send(ctx, access, s, want)
	}
	if err != nil && ctx.Err() != nil {
		return nil, err // This process ends. Another will tell.
	}
	now, trigger := r.Clock.Now(), client.ObjectKeyFromObject(s.trigger)
	made := post{message: want, check: isCheck, generation: s.trigger.Generation, at: now}
	if err == nil {
		r.breaker.Close(trigger)
		r.told.put(req.NamespacedName, made)
		return nil, nil //nolint:nilnil // No refusal is the usual answer and no error.
	}
	class := classify(err)
	r.breaker.Note(trigger, err, now)
	if last, _ := r.told.of(req.NamespacedName); last.failed && last.says(want) && last.generation == made.generation {
		made.times = last.times + 1
	}
	switch {
	case class.reason == v1alpha1.ReasonRefused:
		made.refused = true
	case class.person:
		class.after = recheck << min(made.times, doublings)
	default:
		class.after = max(class.after, r.breaker.Left(trigger, now))
	}
	made.failed, made.again = true, now.Add(class.after)
	r.told.put(req.NamespacedName, made)
	ctrl.LoggerFrom(ctx).V(1).Info("The git host doesn't take a report", "run", want.run, "reason", class.reason, "error", class.text)
	return &class, nil
}
