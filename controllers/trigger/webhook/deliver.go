package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/match"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// deliverAll carries each event of a request out for each Trigger, which share what
// they ask of git hosts, and then tells the author of a command what has become of it.
func (s *Server) deliverAll(ctx context.Context, triggers []v1alpha1.Trigger, of deliveries, addressed bool) []result {
	asks := s.newInquiry()
	defer asks.release()
	for _, events := range of {
		for i := range events {
			events[i].asks = asks
		}
	}
	results := s.deliverEach(ctx, triggers, of, addressed)
	s.reply(ctx, asks)
	return results
}

// deliverEach carries each event of a request out for each Trigger. A request to a
// namespace's address, or of several events, that starts nothing is one record, and
// not one for each Trigger and event.
func (s *Server) deliverEach(ctx context.Context, triggers []v1alpha1.Trigger, of deliveries, addressed bool) []result {
	results := make([]result, 0, len(triggers))
	alone := addressed
	for i := range triggers {
		events := s.apart(ctx, &triggers[i], of[triggers[i].Spec.Webhook.Provider])
		alone = alone && len(events) == 1
		for _, d := range events {
			results = append(results, s.deliver(ctx, &triggers[i], d, alone))
		}
	}
	if alone || slices.ContainsFunc(results, func(r result) bool { return r.Outcome != notMatched && r.Outcome != suspended }) {
		return results
	}
	d := of[triggers[0].Spec.Webhook.Provider][0]
	d.id = d.request
	nothing := none(results, addressed)
	if err := s.record(ctx, &triggers[0], d, nothing); err != nil {
		s.opts.Log.Error(err, "Record a webhook", "namespace", triggers[0].Namespace, "delivery", d.id)
		results[0] = failure(err)
		results[0].Trigger, results[0].Event = triggers[0].Name, printable.Text(d.event.Part)
		return results
	}
	if addressed {
		s.remember(&triggers[0], d, nothing)
	}
	return results
}

// remember lists what a delivery meant to the Trigger in its status.
func (s *Server) remember(trigger *v1alpha1.Trigger, d delivery, r result) {
	s.opts.Decisions.Add(client.ObjectKeyFromObject(trigger), v1alpha1.Decision{Outcome: r.Outcome, Reason: r.Reason, Delivery: d.id, Run: r.Run})
}

// none says of all Triggers and events why they start nothing.
func none(results []result, addressed bool) result {
	reasons := make([]string, 0, len(results))
	for _, r := range results {
		about := r.Event
		if !addressed {
			about = strings.TrimSpace(r.Trigger + " " + r.Event)
		}
		reasons = append(reasons, about+": "+r.Reason)
	}
	reason := strings.Join(reasons, "; ")
	if !addressed {
		reason = "sent to the namespace's address: " + reason
	}
	return result{Outcome: notMatched, Reason: reason}
}

// deliver carries an event out for one Trigger. Where it starts nothing, that decision
// is stored as an event on the Trigger if it is alone in a request that was addressed
// to the Trigger, or if something is wrong with it.
func (s *Server) deliver(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, alone bool) result {
	r, err := s.decide(ctx, trigger, d)
	// It may repeat what somebody has pushed or sent.
	r.Reason = printable.Text(r.Reason)
	if err == nil && (recorded(r.Outcome) || alone && (r.Outcome == notMatched || r.Outcome == suspended)) {
		err = s.record(ctx, trigger, d, r)
	}
	log := s.opts.Log.WithValues("namespace", trigger.Namespace, "trigger", trigger.Name, "provider", d.provider, "delivery", d.id)
	if err != nil {
		log.Error(err, "Deliver a webhook")
		r = failure(err)
	} else {
		log.Info("Webhook delivered", "outcome", r.Outcome, "run", r.Run, "reason", r.Reason)
	}
	r.Trigger, r.Event = trigger.Name, printable.Text(d.event.Part)
	if alone || r.Outcome != notMatched && r.Outcome != suspended {
		s.remember(trigger, d, r)
	}
	s.deliveries.WithLabelValues(string(d.provider), string(r.Outcome)).Inc()
	return r
}

// recorded says that the outcome is stored as an event whatever the delivery was
// addressed to.
func recorded(o outcome) bool {
	return o == invalid || o == onHold || o == refused || o == cancelled
}

// failure tells a sender no more than that the request should be sent again.
func failure(err error) result {
	if errors.Is(err, start.ErrNameTaken) {
		return result{Outcome: failed, Reason: "a Run that this delivery did not start has the name of its Run"}
	}
	if errors.Is(err, errNoMemory) {
		return result{Outcome: failed, Reason: "too many large requests at once: send it again", transient: true}
	}
	return result{Outcome: failed, Reason: "the API server could not store the outcome: send it again", transient: true}
}

func (s *Server) decide(ctx context.Context, trigger *v1alpha1.Trigger, d delivery) (result, error) {
	// Expressions of many Triggers may take longer than a sender waits: those that
	// are left then are not evaluated for nobody.
	if err := ctx.Err(); err != nil {
		return result{}, fmt.Errorf("come to Trigger %s in time: %w", trigger.Name, err)
	}
	if d.wrong != nil {
		return undecided(d.wrong)
	}
	if d.event.Again() && !trigger.Spec.Suspend {
		return s.rerun(ctx, trigger, d)
	}
	if wish := pull.Understand(trigger.Name, trigger.Spec.Webhook, d.event); wish.Verb != pull.Nothing && !trigger.Spec.Suspend {
		return s.grant(ctx, trigger, d, wish)
	}
	if d.event.Kind == v1alpha1.EventComment {
		return s.comment(ctx, trigger, d)
	}
	d, decision, err := s.consider(ctx, trigger, d)
	if err != nil {
		return undecided(err)
	}
	var ended string
	if decision.Outcome != match.Suspended {
		if ended, err = s.end(ctx, trigger, d); err != nil {
			return result{}, err
		}
	}
	if decision.Outcome != match.Matched {
		return besides(result{Outcome: outcome(decision.Outcome), Reason: decision.Reason}, ended), nil
	}
	r, err := s.admit(ctx, trigger, d, decision.Reason)
	return besides(r, ended), err
}

// besides is the result of an event that has ended something as well.
func besides(r result, ended string) result {
	switch {
	case ended == "":
	case r.Outcome == notMatched:
		r.Outcome, r.Reason = cancelled, ended
	default:
		r.Reason += "; " + ended
	}
	return r
}

// match asks the Trigger's filters about the event.
func (s *Server) match(ctx context.Context, trigger *v1alpha1.Trigger, d delivery) (match.Decision, error) {
	body, failed := d.body.lazily(ctx)
	var decision match.Decision
	if err := s.inTurn(ctx, trigger, func() { decision = match.Decide(s.env, &trigger.Spec, d.event, body) }); err != nil {
		return match.Decision{}, err
	}
	return decision, failed()
}

// begin starts the event's Run, unless the delivery has.
func (s *Server) begin(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, reason string) (result, error) {
	run, isNew, err := s.start(ctx, trigger, d, reason)
	switch {
	case err != nil:
		return undecided(err)
	case isNew:
		return result{Outcome: created, Run: run.Name, Reason: reason}, nil
	default:
		return result{Outcome: exists, Run: run.Name, Reason: "this delivery has started the Run before"}, nil
	}
}

// undecided is the result of an error: a decision if it is somebody's to act on.
func undecided(err error) (result, error) {
	if errors.Is(err, errNoPart) {
		return result{Outcome: notMatched, Reason: NoPart}, nil
	}
	if errors.Is(err, start.ErrOtherBody) {
		return result{Outcome: conflict, Reason: "a request with the same delivery's name and another body has started a Run before: give this one a name of its own"}, nil
	}
	if f, _ := fault.Of(err); f != nil && !errors.Is(err, start.ErrNameTaken) {
		return result{Outcome: invalid, Reason: f.Message}, nil
	}
	return result{}, err
}

func (s *Server) start(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, reason string) (*v1alpha1.Run, bool, error) {
	pipeline, err := s.pipeline(ctx, client.ObjectKey{Namespace: trigger.Namespace, Name: trigger.Spec.Pipeline})
	if err != nil {
		return nil, false, err
	}
	params, err := s.params(ctx, trigger, pipeline, d)
	if err != nil {
		return nil, false, err
	}
	run, isNew, err := s.opts.Starter.Start(ctx, start.Request{
		Pipeline:    pipeline,
		Name:        start.RunName(trigger.Name, d.id),
		Params:      params,
		Origin:      origin(trigger, d),
		TriggerName: trigger.Name,
		Reason:      printable.Text(reason),
	})
	if errors.Is(err, start.ErrPipelineDeleted) {
		return nil, false, fault.New("", fmt.Sprintf("Pipeline %s is being deleted", pipeline.Name))
	}
	return run, isNew, err
}

// pipeline asks the API server where the cache has nothing: the Pipeline may be
// as new as the push, and a git host doesn't send a refused delivery again.
func (s *Server) pipeline(ctx context.Context, key client.ObjectKey) (*v1alpha1.Pipeline, error) {
	pipeline := &v1alpha1.Pipeline{}
	err := s.opts.Client.Get(ctx, key, pipeline)
	if apierrors.IsNotFound(err) {
		err = s.opts.APIReader.Get(ctx, key, pipeline)
	}
	switch {
	case apierrors.IsNotFound(err):
		return nil, fault.New("", fmt.Sprintf("Pipeline %s does not exist in the Trigger's namespace", key.Name))
	case err != nil:
		return nil, fmt.Errorf("read Pipeline %s: %w", key.Name, err)
	}
	return pipeline, nil
}

func (s *Server) params(ctx context.Context, trigger *v1alpha1.Trigger, pipeline *v1alpha1.Pipeline, d delivery) (map[string]string, error) {
	body, failed := d.body.lazily(ctx)
	var params map[string]string
	var wrong error
	evaluate := func() { params, wrong = Params(s.env, trigger, pipeline, d.event, body) }
	if err := errors.Join(s.inTurn(ctx, trigger, evaluate), failed()); err != nil {
		return nil, err
	}
	return params, wrong
}

// inTurn does what may take a second of a processor: a namespace uses one at a time,
// whatever arrives for it.
func (s *Server) inTurn(ctx context.Context, trigger *v1alpha1.Trigger, do func()) error {
	done, err := s.turns.Take(ctx, trigger.Namespace)
	if err != nil {
		return fmt.Errorf("come to Trigger %s in time: %w", trigger.Name, err)
	}
	defer done()
	do()
	return nil
}

func origin(trigger *v1alpha1.Trigger, d delivery) *v1alpha1.Origin {
	from := d.event.Origin()
	from.Trigger, from.Provider, from.Delivery, from.Digest = trigger.Name, d.provider, d.id, d.digest
	return &from
}
