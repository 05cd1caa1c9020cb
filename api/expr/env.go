// Package expr compiles and evaluates the CEL expressions of KayCI's objects.
// It is pure: an expression sees the values it is given and nothing else, and
// can neither wait nor write. Expressions and values are both untrusted, so
// source length, nesting, evaluation cost and the size of strings are limited.
package expr

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/google/cel-go/cel"
	celenv "github.com/google/cel-go/common/env"
	"github.com/google/cel-go/ext"
)

// MaxSourceLength is the longest expression, in characters, that is compiled.
const MaxSourceLength = 4096

const (
	// maxParseDepth bounds the parser's recursion: nesting deeper than this isn't
	// written by people. The time that it takes to check the types of nested lists
	// and maps grows with the cube of their depth.
	maxParseDepth = 50
	// maxComprehensionDepth keeps `all` within `all` within `all` from costing the
	// cube of a body's size before the cost limit is looked at.
	maxComprehensionDepth = 3
)

// Names of the two variables of a Trigger's expressions.
const (
	eventVariable = "event"
	bodyVariable  = "body"
)

// pathsField of an event is what may be known in part.
const pathsField = "paths"

// Env compiles the expressions of one kind of object, each text once as long as
// it is remembered. It is safe for concurrent use.
type Env struct {
	env      *cel.Env
	hints    hints
	compiled *cache
	budget   *CompileBudget
}

// Within returns the same environment, whose compiling takes from a budget. It is
// as safe as the budget is.
func (e *Env) Within(budget *CompileBudget) *Env {
	within := *e
	within.budget = budget
	return &within
}

// NewTriggerEnv returns the environment of a Trigger's expressions: `event`,
// whose fields are those of Event, so that a misspelt field is an error at
// compile time, and `body`, the request's JSON, which is anything.
func NewTriggerEnv() (*Env, error) {
	return newEnv(
		hints{
			fields:    eventFields(),
			variables: "the variables are event and body; text stands in quotes",
			missing:   "write body.?name.orValue('') for a field that may be missing",
			example:   "a value in quotes, such as '\"main\"', or a field, such as event.sha",
		},
		ext.NativeTypes(ext.ParseStructTags(true), reflect.TypeFor[Event]()),
		cel.Variable(eventVariable, cel.ObjectType(eventTypeName)),
		cel.Variable(bodyVariable, cel.DynType),
	)
}

// newEnv adds variables to what every environment has: CEL's standard and string
// functions, and the limits.
func newEnv(h hints, variables ...cel.EnvOption) (*Env, error) {
	withoutMatches := celenv.NewLibrarySubset().AddExcludedFunctions(celenv.NewFunction(matchesFunction))
	env, err := cel.NewCustomEnv(append([]cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(withoutMatches)),
		cel.OptionalTypes(),
		// Without optMap and optFlatMap: each doubles what it is called on, so that a
		// chain of twenty of them takes the compiler all memory there is.
		cel.ClearMacros(),
		cel.Macros(cel.StandardMacros...),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(MaxSourceLength),
		cel.ParserRecursionLimit(maxParseDepth),
		cel.ASTValidators(
			patternLiterals{},
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
			cel.ValidateComprehensionNestingLimit(maxComprehensionDepth),
		),
		ext.Strings(ext.StringsVersion(stringsVersion)),
		boundedReplace(),
		boundedJoin(),
		boundedSplit(),
		boundedMatches(),
	}, variables...)...)
	if err != nil {
		return nil, fmt.Errorf("make the CEL environment: %w", err)
	}
	return &Env{env: env, hints: h, compiled: newCache()}, nil
}

// CompileParam compiles an expression that gives a parameter's value: a
// string, int, uint, double or bool.
func (e *Env) CompileParam(src string) (*Param, error) {
	p, err := e.compile(src)
	if err != nil {
		return nil, err
	}
	if output := p.checked.OutputType(); !scalar(output) {
		return nil, fmt.Errorf("1:1: the result is of type %s, but a parameter is a string, number or bool: "+
			"pick one element, or join a list of strings with .join(',')", output)
	}
	return &Param{program: p}, nil
}

// CompileCondition compiles an expression that is true or false.
func (e *Env) CompileCondition(src string) (*Condition, error) {
	p, err := e.compileCondition(src)
	if err != nil {
		return nil, err
	}
	return &Condition{program: p}, nil
}

func (e *Env) compileCondition(src string) (program, error) {
	p, err := e.compile(src)
	if err != nil {
		return program{}, err
	}
	if output := p.checked.OutputType(); !output.IsExactType(cel.BoolType) && !output.IsExactType(cel.DynType) {
		return program{}, fmt.Errorf("1:1: the result is of type %s, but a condition is true or false: compare it with something", output)
	}
	return p, nil
}

func scalar(t *cel.Type) bool {
	return slices.ContainsFunc([]*cel.Type{cel.StringType, cel.IntType, cel.UintType, cel.DoubleType, cel.BoolType, cel.DynType}, t.IsExactType)
}
