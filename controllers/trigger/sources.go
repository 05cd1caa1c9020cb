package trigger

import (
	"fmt"
	"strings"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/source"
)

// able is the verdict on a Trigger with which nothing is wrong: what starts its Runs.
func able(trigger *v1alpha1.Trigger) verdict {
	if schedule := trigger.Spec.Schedule; schedule != nil {
		return verdict{true, v1alpha1.ReasonScheduled, "Runs of " + trigger.Spec.Pipeline + " start by the schedule " + schedule.Cron + " in " + zoneOf(schedule)}
	}
	if run := trigger.Spec.Run; run != nil {
		return verdict{true, v1alpha1.ReasonFollowing, "Runs of " + trigger.Spec.Pipeline + " start when Runs of " + run.Pipeline + " have ended: " + joined(run.PhasesOrDefault())}
	}
	if poll := trigger.Spec.Poll; poll != nil {
		return polling(trigger, poll, trigger.Status.Poll)
	}
	if resource := trigger.Spec.Resource; resource != nil {
		return watching(trigger, resource, trigger.Status.Resource)
	}
	return verdict{true, v1alpha1.ReasonReceiving, "Events sent to " + webhookPath(trigger) + " start Runs of " + trigger.Spec.Pipeline}
}

// polling is the verdict on a Trigger that looks at a repository. Its URL is checked,
// and holds no credential.
func polling(trigger *v1alpha1.Trigger, poll *v1alpha1.Poll, known *v1alpha1.PollStatus) verdict {
	switch {
	case known != nil && known.Failure != nil:
		return verdict{false, known.Failure.Reason, known.Failure.Message}
	case known == nil || known.URL != poll.URL:
		return verdict{false, v1alpha1.ReasonLooking, "the first look at " + poll.URL + " has yet to end; it starts nothing"}
	}
	message := "Runs of " + trigger.Spec.Pipeline + " start when what is followed of " + poll.URL + " has moved"
	if known.More > 0 {
		message += fmt.Sprintf("; %d more branches and tags match and are not followed, since %d is the limit: write narrower globs", known.More, len(known.Heads))
	}
	return verdict{true, v1alpha1.ReasonPolling, message}
}

// watching is the verdict on a Trigger that watches objects.
func watching(trigger *v1alpha1.Trigger, resource *v1alpha1.Resource, known *v1alpha1.ResourceStatus) verdict {
	switch {
	case known != nil && known.Failure != nil:
		return verdict{false, known.Failure.Reason, known.Failure.Message}
	case known == nil || known.Version == "" || known.Suspended || known.APIVersion != resource.APIVersion || known.Kind != resource.Kind || known.Name != resource.Name:
		return verdict{false, v1alpha1.ReasonLooking, "the first look at " + objectsOf(resource) + " has yet to end; it starts nothing"}
	}
	return verdict{true, v1alpha1.ReasonWatching, "Runs of " + trigger.Spec.Pipeline + " start when " + objectsOf(resource) + " changes: " + joined(resource.EventsOrDefault())}
}

// objectsOf names the objects: a kind, or one of its objects.
func objectsOf(resource *v1alpha1.Resource) string {
	if resource.Name == "" {
		return "any " + resource.Kind
	}
	return resource.Kind + " " + resource.Name
}

// suspended says what a suspended Trigger doesn't do.
func suspended(trigger *v1alpha1.Trigger) string {
	if trigger.Spec.Schedule != nil {
		return "spec.suspend is true: no time of the schedule starts a Run, nor will one that passes until then"
	}
	if run := trigger.Spec.Run; run != nil {
		return "spec.suspend is true: no end of a Run of " + run.Pipeline + " starts one, nor will one that comes until then"
	}
	if trigger.Spec.Poll != nil {
		return "spec.suspend is true: nobody looks at the repository, and what moves until then starts nothing"
	}
	if resource := trigger.Spec.Resource; resource != nil {
		return "spec.suspend is true: nobody watches " + objectsOf(resource) + ", and what changes until then starts nothing"
	}
	return "spec.suspend is true: events are answered and start nothing"
}

// sourceText says in short what starts a Trigger's Runs.
func sourceText(trigger *v1alpha1.Trigger) string {
	if schedule := trigger.Spec.Schedule; schedule != nil {
		return schedule.Cron + " " + zoneOf(schedule)
	}
	if run := trigger.Spec.Run; run != nil {
		return run.Pipeline + ": " + joined(run.PhasesOrDefault())
	}
	if poll := trigger.Spec.Poll; poll != nil {
		return poll.URL
	}
	if resource := trigger.Spec.Resource; resource != nil {
		return strings.TrimPrefix(objectsOf(resource), "any ") + ": " + joined(resource.EventsOrDefault())
	}
	return webhookPath(trigger)
}

func joined[T ~string](values []T) string {
	var texts []string
	for _, value := range values {
		texts = append(texts, string(value))
	}
	return strings.Join(texts, ", ")
}

func loopProblem(loop []string) string {
	return "Runs would start others without end, by way of the Pipelines " + strings.Join(loop, ", ") + ": take spec.run out of one of their Triggers"
}

func zoneOf(schedule *v1alpha1.Schedule) string {
	if schedule.TimeZone == "" {
		return "UTC"
	}
	return schedule.TimeZone
}

// scheduleProblem says what is wrong with what the schedule gives its Runs, before
// its time comes.
func scheduleProblem(trigger *v1alpha1.Trigger, declared []v1alpha1.Param) string {
	at := trigger.CreationTimestamp.Time
	if next := trigger.Status.NextScheduleTime; next != nil {
		at = next.Time
	}
	if _, err := source.Params(&trigger.Spec, expr.ScheduleVars{Time: at, Budget: expr.NewBudget(1)}, declared); err != nil {
		return err.Error()
	}
	return ""
}

func webhookPath(trigger *v1alpha1.Trigger) string {
	if trigger.Spec.Webhook == nil {
		return ""
	}
	return "/hooks/" + trigger.Namespace + "/" + trigger.Name
}
