package trigger

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

// maxMessage is the API's limit for a condition's message.
const maxMessage = 32768

// secretState is what is wrong with a Secret, if anything.
type secretState int

const (
	// secretUnusable: there is none, or it has no token.
	secretUnusable secretState = iota
	secretForbidden
	secretUsable
)

// observed is what a Trigger refers to, as it is now.
type observed struct {
	// pipeline is nil when there is none, or when it is being deleted.
	pipeline *v1alpha1.Pipeline
	secret   secretState
	// loop are the Pipelines by which the Runs that the Trigger starts lead to
	// themselves.
	loop []string
	// report is what is wrong with the Secret of the report. Without one: nothing.
	report secretState
}

// nextCheck is how soon to look at the Secret again, which no watch shows. 0: never.
func nextCheck(trigger *v1alpha1.Trigger, seen observed) time.Duration {
	switch {
	case trigger.Spec.Webhook == nil && trigger.Spec.Report == nil:
		return 0
	case trigger.Spec.Webhook != nil && seen.secret != secretUsable, seen.report != secretUsable:
		return recheckMissing
	default:
		return recheck
	}
}

// verdict is whether an event could start a Run, and if not why.
type verdict struct {
	ready           bool
	reason, message string
}

func (v verdict) condition(generation int64) metav1.Condition {
	status := metav1.ConditionFalse
	if v.ready {
		status = metav1.ConditionTrue
	}
	return metav1.Condition{
		Type: fluxmeta.ReadyCondition, Status: status, Reason: v.reason, Message: printable.CutBytes(v.message, maxMessage), ObservedGeneration: generation,
	}
}

// assess says the first thing that a person should put right.
func assess(trigger *v1alpha1.Trigger, seen observed) verdict {
	if errs := validation.Trigger(trigger); len(errs) > 0 {
		return verdict{reason: v1alpha1.ReasonInvalidSpec, message: errs.ToAggregate().Error()}
	}
	if seen.pipeline == nil {
		return verdict{
			reason:  v1alpha1.ReasonPipelineNotFound,
			message: fmt.Sprintf("Pipeline %s does not exist in this namespace: create it, or correct spec.pipeline", trigger.Spec.Pipeline),
		}
	}
	if problem := paramsProblem(trigger, seen.pipeline.Spec.Params); problem != "" {
		return verdict{reason: v1alpha1.ReasonInvalidParameters, message: problem}
	}
	if webhook := trigger.Spec.Webhook; webhook != nil {
		if problem := seen.secret.problem(webhook.SecretRef.Name); problem != "" {
			return verdict{reason: v1alpha1.ReasonSecretNotUsable, message: problem}
		}
	}
	if seen.loop != nil {
		return verdict{reason: v1alpha1.ReasonPipelineLoop, message: loopProblem(seen.loop)}
	}
	if problem := seen.reportProblem(trigger); problem != "" {
		return verdict{reason: v1alpha1.ReasonSecretNotUsable, message: problem}
	}
	if trigger.Spec.Suspend {
		return verdict{reason: v1alpha1.ReasonSuspended, message: suspended(trigger)}
	}
	return able(trigger)
}

// paramsProblem compares the Trigger's parameters with those that the Pipeline
// declares. A generic webhook's body may give any of them, so that only a name
// that isn't declared is known to be wrong. What a schedule gives is known whole.
func paramsProblem(trigger *v1alpha1.Trigger, declared []v1alpha1.Param) string {
	var unknown, missing []string
	for _, name := range slices.Sorted(maps.Keys(trigger.Spec.Params)) {
		if !slices.ContainsFunc(declared, func(p v1alpha1.Param) bool { return p.Name == name }) {
			unknown = append(unknown, name)
		}
	}
	for _, param := range declared {
		_, given := trigger.Spec.Params[param.Name]
		if !given && param.Default == nil && !givenByBody(trigger) {
			missing = append(missing, param.Name)
		}
	}
	var problems []string
	if len(unknown) > 0 {
		problems = append(problems, fmt.Sprintf("Pipeline %s does not declare these of spec.params: %s", trigger.Spec.Pipeline, strings.Join(unknown, ", ")))
	}
	if len(missing) > 0 {
		problems = append(problems, fmt.Sprintf("Pipeline %s requires parameters that spec.params doesn't give: %s", trigger.Spec.Pipeline, strings.Join(missing, ", ")))
	}
	if len(problems) == 0 && trigger.Spec.Schedule != nil {
		return scheduleProblem(trigger, declared)
	}
	return strings.Join(problems, "; ")
}

// givenByBody reports whether requests may give parameters by their body.
func givenByBody(trigger *v1alpha1.Trigger) bool {
	webhook := trigger.Spec.Webhook
	return webhook != nil && webhook.Provider == v1alpha1.ProviderGeneric
}

// reportProblem says what is wrong with the Secret of the report. Runs start all the
// same, and nobody learns of their end.
func (o observed) reportProblem(trigger *v1alpha1.Trigger) string {
	switch {
	case trigger.Spec.Report == nil || o.report == secretUsable:
		return ""
	case o.report == secretUnusable:
		return fmt.Sprintf("KayCI finds no token of a git host in a Secret %s in this namespace, so no Run is reported", trigger.Spec.Report.SecretRef.Name)
	}
	return o.report.problem(trigger.Spec.Report.SecretRef.Name)
}

func (s secretState) problem(name string) string {
	switch s {
	case secretUnusable:
		// Whoever may write Triggers could else ask which Secrets there are.
		return fmt.Sprintf("KayCI finds no value under the key %s of a Secret %s in this namespace, so no request can be authentic", v1alpha1.TokenKey, name)
	case secretForbidden:
		return fmt.Sprintf("KayCI may not get Secret %s: grant its service account get on Secrets in this namespace", name)
	case secretUsable:
	}
	return ""
}
