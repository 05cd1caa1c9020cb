package expr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// MaxResultLength is the longest parameter, in bytes, that an expression may
// give. Parameters become environment variables, and Kubernetes refuses more
// than 1 MiB for all of a Run's together.
const MaxResultLength = 32 << 10

// Vars are the values of an expression's variables.
type Vars struct {
	// Event is `event`.
	Event Event
	// Body is `body`: what DecodeJSON returned, or a func() any that is called for it
	// when an expression gets to it.
	Body any
	// Budget that the evaluation shares with others; without one it has its own.
	Budget *Budget
}

// Variables are the values of the variables of one environment: Vars are those of
// NewTriggerEnv, ScheduleVars those of NewScheduleEnv, RunEndVars those of
// NewRunEndEnv, ResourceVars those of NewResourceEnv.
type Variables interface {
	values() map[string]any
	// known are the values without what is known in part.
	known(values map[string]any) (any, error)
	budget() *Budget
}

func (v Vars) values() map[string]any {
	return map[string]any{eventVariable: v.Event, bodyVariable: v.Body}
}

func (v Vars) budget() *Budget { return v.Budget }

// known are the values without what is known in part.
func (v Vars) known(values map[string]any) (any, error) {
	if v.Event.PathsComplete {
		return values, nil
	}
	return cel.PartialVars(values, cel.AttributePattern(eventVariable).QualString(pathsField))
}

type program struct {
	compiled cel.Program
	metering *metering
	checked  *cel.Ast
	// missing is the hint for a key that a map doesn't have.
	missing string
}

// metered adds to the values what an evaluation is charged to.
func (p program) metered(values map[string]any, budget *Budget) map[string]any {
	if budget == nil {
		budget = NewBudget(1)
	}
	values[meterVariable] = &meter{budget: budget, values: make([]ref.Val, p.metering.slots)}
	return values
}

func (p program) eval(values any) (ref.Val, error) {
	value, _, err := p.compiled.Eval(values)
	if err != nil {
		return nil, p.evalError(err)
	}
	return value, nil
}

// holds evaluates a condition.
func (p program) holds(values any) (bool, error) {
	value, err := p.eval(values)
	if err != nil {
		return false, err
	}
	if types.IsUnknown(value) {
		return false, ErrPathsUnknown
	}
	holds, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("1:1: the result is of type %s, but a condition is true or false: compare it with something", value.Type().TypeName())
	}
	return bool(holds), nil
}

// Param is a compiled expression of a parameter's value. It is safe for
// concurrent use.
type Param struct {
	program program
}

// Vet returns an error if the expression compares a field of the event with a text
// that it can't be.
func (p *Param) Vet() error { return p.program.vet(Scope{}) }

// Eval returns the parameter's value as the string that a Run carries, from the
// paths that are known where not all are. Numbers are written without an exponent, as JSON and shells like them.
func (p *Param) Eval(vars Variables) (string, error) {
	value, err := p.program.eval(p.program.metered(vars.values(), vars.budget()))
	if err != nil {
		return "", err
	}
	text, err := Scalar(value.Value())
	if err != nil {
		return "", fmt.Errorf("1:1: the result %w", err)
	}
	return text, nil
}

// Condition is a compiled expression that is true or false. It is safe for
// concurrent use.
type Condition struct {
	program program
}

// ErrPathsUnknown says that a condition is neither true nor false: that depends
// on paths which the event's incomplete list may lack.
var ErrPathsUnknown = errors.New("1:1: the result depends on changed paths that are not known")

// Vet returns an error if the condition compares a field of the event with a text
// that it can't be.
func (c *Condition) Vet() error { return c.program.vet(Scope{}) }

// Eval returns whether the condition holds.
func (c *Condition) Eval(vars Variables) (bool, error) {
	known, err := vars.known(c.program.metered(vars.values(), vars.budget()))
	if err != nil {
		return false, fmt.Errorf("1:1: %w", err)
	}
	return c.program.holds(known)
}

// Scalar turns a string, number or bool into the string that a parameter
// carries. Its errors continue a sentence that names the value.
func Scalar(value any) (string, error) {
	text, ok := scalarText(value)
	switch {
	case !ok:
		return "", errors.New("is not a string, number or bool: choose one of its fields or elements")
	case len(text) > MaxResultLength:
		return "", fmt.Errorf("has %d bytes, and a parameter %d at most: hand on less, such as an address", len(text), MaxResultLength)
	case strings.ContainsRune(text, 0):
		return "", errors.New("contains a NUL character, which no environment variable can hold: remove it")
	}
	return text, nil
}

func scalarText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case uint64:
		return strconv.FormatUint(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	default:
		return "", false
	}
}
