package expr

import (
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"

	"github.com/kayci/kayci/api/v1alpha1"
)

// What CEL calls EndedRun and Origin: package and type name.
const (
	endedRunTypeName = "expr.EndedRun"
	originTypeName   = "expr.Origin"
)

// EndedRun is what the expressions of a Trigger see as `run` that another Run's end
// starts Runs by.
type EndedRun struct {
	// Name and Namespace of the Run.
	Name      string `cel:"name"`
	Namespace string `cel:"namespace"`
	// Pipeline that the Run has executed.
	Pipeline string `cel:"pipeline"`
	// Number of the Run; 0 if it has ended before it got any.
	Number int64 `cel:"number"`
	// Phase that the Run has ended in: Succeeded, Failed or Cancelled.
	Phase string `cel:"phase"`
	// Params that the Run was given, without its Pipeline's defaults.
	Params map[string]string `cel:"params"`
	// Outputs of its jobs by name. A job that has left none is missing.
	Outputs map[string]map[string]string `cel:"outputs"`
	// Origin of the Run; blank for one that has none.
	Origin Origin `cel:"origin"`
}

// Origin is where a Run came from.
type Origin struct {
	// Trigger that has started the Run.
	Trigger string `cel:"trigger"`
	// Provider of the webhook.
	Provider string `cel:"provider"`
	// Delivery that has started the Run.
	Delivery string `cel:"delivery"`
	// Repository, as the provider names it.
	Repository string `cel:"repository"`
	// SHA of the commit; of a pull request its head.
	SHA string `cel:"sha"`
	// Ref in full.
	Ref string `cel:"ref"`
	// Branch that was pushed. A pull request has none.
	Branch string `cel:"branch"`
	// BaseBranch is the one that the pull request is to be merged into.
	BaseBranch string `cel:"baseBranch"`
	// Tag that was pushed, or is a release's.
	Tag string `cel:"tag"`
	// PullRequest is its number, or 0.
	PullRequest int64 `cel:"pullRequest"`
	// Fork says that the head of the pull request is in another repository.
	Fork bool `cel:"fork"`
	// Title of the commit, pull request or release.
	Title string `cel:"title"`
	// Author of the pull request, release or commit. A commit's is what the commit says.
	Author string `cel:"author"`
	// URL of the page about what happened.
	URL string `cel:"url"`
	// Sender is the user that caused the event.
	Sender string `cel:"sender"`
	// Run whose end has started the Run.
	Run string `cel:"run"`
	// Depth is how many Runs have led to it by their ends.
	Depth int64 `cel:"depth"`
}

// NewEndedRun returns what an expression sees of a Run that has ended.
func NewEndedRun(run *v1alpha1.Run) EndedRun {
	seen := EndedRun{
		Name: run.Name, Namespace: run.Namespace, Pipeline: run.Spec.Pipeline, Number: run.Status.Number, Phase: string(run.Status.Phase),
		Params: run.Spec.Params, Outputs: map[string]map[string]string{},
	}
	for i := range run.Status.Jobs {
		if job := &run.Status.Jobs[i]; len(job.Outputs) > 0 {
			seen.Outputs[job.Name] = job.Outputs
		}
	}
	if o := run.Spec.Origin; o != nil {
		seen.Origin = Origin{
			Trigger: o.Trigger, Provider: string(o.Provider), Delivery: o.Delivery, Repository: o.Repository, SHA: o.SHA, Ref: o.Ref,
			Branch: o.Branch, BaseBranch: o.BaseBranch, Tag: o.Tag, PullRequest: o.PullRequest, Fork: o.Fork, Title: o.Title, Author: o.Author, URL: o.URL, Sender: o.Sender, Run: o.Run, Depth: int64(o.Depth),
		}
	}
	return seen
}

// RunEndVars are the values of the variables of a Trigger that another Run's end
// starts Runs by.
type RunEndVars struct {
	// Run is `run`, which has ended.
	Run EndedRun
	// Budget that the evaluation shares with others; without one it has its own.
	Budget *Budget
}

func (v RunEndVars) values() map[string]any { return map[string]any{runVariable: v.Run} }

func (RunEndVars) known(values map[string]any) (any, error) { return values, nil }

func (v RunEndVars) budget() *Budget { return v.Budget }

// NewRunEndEnv returns the environment of the expressions of such a Trigger: `run`.
func NewRunEndEnv() (*Env, error) {
	ended, origin := reflect.TypeFor[EndedRun](), reflect.TypeFor[Origin]()
	return newEnv(
		hints{
			fields:    "run has " + fieldNames(ended) + "; run.origin has " + fieldNames(origin),
			variables: "the variable is run; text stands in quotes",
			missing:   "write run.outputs.?build.?version.orValue('') for an output that may be missing",
			example:   "a field of the Run that has ended, such as run.origin.sha, or a value in quotes, such as '\"main\"'",
		},
		ext.NativeTypes(ext.ParseStructTags(true), ended, origin),
		cel.Variable(runVariable, cel.ObjectType(endedRunTypeName)),
	)
}
