package expr

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Names of the variables of a Pipeline's expressions. The three that begin with
// @ are what the functions success(), failure() and always() stand for: nobody
// can write such a name.
const (
	paramsVariable = "params"
	runVariable    = "run"
	jobsVariable   = "jobs"

	successVariable = "@success"
	failureVariable = "@failure"
	alwaysVariable  = "@always"
)

// What CEL calls Run and Job: package and type name.
const (
	runTypeName = "expr.Run"
	jobTypeName = "expr.Job"
)

// Run is what a Pipeline's expression sees as `run`.
type Run struct {
	// Name and Namespace of the Run.
	Name      string `cel:"name"`
	Namespace string `cel:"namespace"`
	// Pipeline that the Run executes.
	Pipeline string `cel:"pipeline"`
	// Number of the Run. A key can't use it: it comes with the first Job.
	Number int64 `cel:"number"`
	// The rest is the Run's origin, blank for one that has none.
	Trigger    string `cel:"trigger"`
	Provider   string `cel:"provider"`
	Repository string `cel:"repository"`
	SHA        string `cel:"sha"`
	Ref        string `cel:"ref"`
	Sender     string `cel:"sender"`
	// PullRequest is the number of the pull request that it is about; 0: of none. Fork says
	// that the head of that is in another repository.
	PullRequest int64 `cel:"pullRequest"`
	Fork        bool  `cel:"fork"`
}

// NewRun returns what an expression sees of a Run of that number.
func NewRun(run *v1alpha1.Run, number int64) Run {
	seen := Run{Name: run.Name, Namespace: run.Namespace, Pipeline: run.Spec.Pipeline, Number: number}
	if o := run.Spec.Origin; o != nil {
		seen.Trigger, seen.Provider, seen.Repository = o.Trigger, string(o.Provider), o.Repository
		seen.SHA, seen.Ref, seen.Sender = o.SHA, o.Ref, o.Sender
		seen.PullRequest, seen.Fork = o.PullRequest, o.Fork
	}
	return seen
}

// Job is what a condition sees as `jobs.<name>`.
type Job struct {
	// Phase that the job ended in: Succeeded, Failed, Skipped or Cancelled.
	Phase string `cel:"phase"`
	// Outputs of the job; of one that has failed, those that it had left by then.
	Outputs map[string]string `cel:"outputs"`
}

// RunVars are the values of the variables of a Pipeline's expressions.
type RunVars struct {
	// Params with the Pipeline's defaults.
	Params map[string]string
	// Run is `run`.
	Run Run
	// Jobs are the job's ancestors: those that it needs, and that those need. A key
	// has none.
	Jobs map[string]Job
	// Allowed are those of them whose failure is allowed.
	Allowed map[string]bool
	// Budget that the evaluation shares with others; without one it has its own.
	Budget *Budget
}

func (v RunVars) values() map[string]any {
	success, failure := true, false
	for name, job := range v.Jobs {
		if v.Allowed[name] && job.Phase == string(v1alpha1.JobFailed) {
			continue
		}
		success = success && job.Phase == string(v1alpha1.JobSucceeded)
		failure = failure || job.Phase == string(v1alpha1.JobFailed)
	}
	return map[string]any{
		paramsVariable: v.Params, runVariable: v.Run, jobsVariable: v.Jobs,
		successVariable: success, failureVariable: failure, alwaysVariable: true,
	}
}

// RunEnv compiles the expressions of a Pipeline. It is safe for concurrent use.
type RunEnv struct {
	keys, conditions *Env
}

// Within returns the same environment, whose compiling takes from a budget. It is
// as safe as the budget is.
func (e *RunEnv) Within(budget *CompileBudget) *RunEnv {
	return &RunEnv{keys: e.keys.Within(budget), conditions: e.conditions.Within(budget)}
}

// NewRunEnv returns the environment of a Pipeline's expressions: `params`, whose
// values are strings, and `run`; for conditions `jobs`, too, and the functions
// success(), failure() and always().
func NewRunEnv() (*RunEnv, error) {
	runType, jobType := reflect.TypeFor[Run](), reflect.TypeFor[Job]()
	text := hints{
		fields:    "run has " + fieldNames(runType),
		variables: "the variables are params and run; text stands in quotes",
		missing:   "write params.?name.orValue('') for a parameter that may be missing",
		example:   "a parameter, such as params.branch, or a value in quotes, such as '\"deploy\"'",
	}
	common := []cel.EnvOption{
		ext.NativeTypes(ext.ParseStructTags(true), runType, jobType),
		cel.Variable(paramsVariable, cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable(runVariable, cel.ObjectType(runTypeName)),
	}
	keys, err := newEnv(text, common...)
	if err != nil {
		return nil, err
	}
	text.fields += "; a job has " + fieldNames(jobType)
	text.variables = "the variables are params, jobs and run, the functions success(), failure() and always(); " +
		"text stands in quotes, and a job's name with a dash as in jobs['build-web']"
	text.missing = "write jobs.build.outputs.?version.orValue('') for an output that may be missing"
	text.example = "a condition, such as success() && params.deploy == 'true'"
	conditions, err := newEnv(text, append(common,
		cel.Variable(jobsVariable, cel.MapType(cel.StringType, cel.ObjectType(jobTypeName))),
		cel.Variable(successVariable, cel.BoolType),
		cel.Variable(failureVariable, cel.BoolType),
		cel.Variable(alwaysVariable, cel.BoolType),
		cel.Macros(statusMacro("success", successVariable), statusMacro("failure", failureVariable), statusMacro("always", alwaysVariable)),
	)...)
	return &RunEnv{keys: keys, conditions: conditions}, err
}

// Scope is what constant names of an expression may name.
type Scope struct {
	// Params that the Pipeline declares.
	Params []string
	// Ancestors of the job whose condition it is.
	Ancestors []string
	// enums are the values that a parameter may have, for those that may not have all.
	enums map[string][]string
}

// KeyScope returns the scope of a Pipeline's concurrency key.
func KeyScope(spec *v1alpha1.PipelineSpec) Scope {
	scope := Scope{enums: map[string][]string{}}
	for i := range spec.Params {
		param := &spec.Params[i]
		scope.Params = append(scope.Params, param.Name)
		scope.enums[param.Name] = param.Enum
	}
	return scope
}

// JobScope returns the scope of a job's condition.
func JobScope(spec *v1alpha1.PipelineSpec, job string) Scope {
	scope := KeyScope(spec)
	scope.Ancestors = graph.Ancestors(spec.Jobs, job)
	return scope
}

// CompileKey compiles an expression that gives a string. Every parameter that it
// names must be in the scope.
func (e *RunEnv) CompileKey(src string, scope Scope) (*Key, error) {
	p, err := e.keys.compile(src)
	if err != nil {
		return nil, err
	}
	found := p.references()
	if found.number != "" {
		return nil, fmt.Errorf("%s: run.number isn't known yet: a Run gets its number with its first Job", found.number)
	}
	if output := p.checked.OutputType(); !output.IsExactType(cel.StringType) && !output.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("1:1: the result is of type %s, but a key is a string: convert it with string()", output)
	}
	if err := found.check(scope); err != nil {
		return nil, err
	}
	return &Key{program: p}, nil
}

// CompileCondition compiles a job's condition. Every parameter and job that it
// names must be in the scope.
func (e *RunEnv) CompileCondition(src string, scope Scope) (*JobCondition, error) {
	p, err := e.conditions.compileCondition(src)
	if err != nil {
		return nil, err
	}
	found := p.references()
	if err := found.check(scope); err != nil {
		return nil, err
	}
	return &JobCondition{
		program: p, implied: !found.success && !found.otherStatus,
		success: found.success, number: found.number != "",
	}, nil
}

// Key is a compiled expression that gives a string. It is safe for concurrent
// use.
type Key struct {
	program program
}

// Vet returns an error if the expression compares a value with a text that it
// can't be in the scope.
func (k *Key) Vet(scope Scope) error { return k.program.vet(scope) }

// Eval returns the key.
func (k *Key) Eval(vars RunVars) (string, error) {
	value, err := k.program.eval(k.program.metered(vars.values(), vars.Budget))
	if err != nil {
		return "", err
	}
	key, ok := value.(types.String)
	switch {
	case !ok:
		return "", fmt.Errorf("1:1: the result is of type %s, but a key is a string: convert it with string()", value.Type().TypeName())
	case len(key) > MaxResultLength:
		return "", fmt.Errorf("1:1: the result has %d bytes, and a key %d at most", len(key), MaxResultLength)
	case strings.ContainsRune(string(key), 0):
		return "", errors.New("1:1: the result contains a NUL character: remove it")
	}
	return string(key), nil
}

// JobCondition is a job's compiled condition. It is safe for concurrent use.
type JobCondition struct {
	program                  program
	implied, success, number bool
}

// Eval returns whether the job may start, now that all its ancestors have ended.
// A condition that calls none of success(), failure() and always() holds only if
// success() does, too.
func (c *JobCondition) Eval(vars RunVars) (bool, error) {
	values := vars.values()
	if c.implied && values[successVariable] == false {
		return false, nil
	}
	return c.program.holds(c.program.metered(values, vars.Budget))
}

// Vet returns an error if the condition compares a value with a text that it can't
// be in the scope: no phase of a job is 'Success'.
func (c *JobCondition) Vet(scope Scope) error { return c.program.vet(scope) }

// AsksSuccess reports whether the condition calls success(), or is taken as if
// it did.
func (c *JobCondition) AsksSuccess() bool { return c.implied || c.success }

// UsesNumber reports whether the condition depends on run.number.
func (c *JobCondition) UsesNumber() bool { return c.number }
