package expr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

const (
	// maxCompileSteps of one expression. A step is about a quarter of a microsecond.
	maxCompileSteps = 2_000_000
	// maxCompileStepsTogether are those of all expressions of one object: about a
	// second, where the API server waits for five.
	maxCompileStepsTogether = 4_000_000
	// stepsPerByte is what the parser takes.
	stepsPerByte = 50
)

// ErrTooMuchToCompile says that the expressions of one object take too long to
// compile.
var ErrTooMuchToCompile = fmt.Errorf("1:1: the expressions of one object take too many steps to compile, of which they have %d together: write shorter ones, or nest less",
	maxCompileStepsTogether)

// CompileBudget is how many steps it may take to compile one object's expressions.
// It is for one goroutine. What has been compiled before counts alike, so that
// the same object is always taken or always refused.
type CompileBudget struct{ left int }

// NewCompileBudget returns the budget of one object.
func NewCompileBudget() *CompileBudget { return &CompileBudget{left: maxCompileStepsTogether} }

func (b *CompileBudget) take(steps int) error {
	switch {
	case b == nil:
		return nil
	case steps > b.left:
		b.left = -1
		return ErrTooMuchToCompile
	}
	b.left -= steps
	return nil
}

// compilation is what became of an expression.
type compilation struct {
	program program
	err     error
	steps   int
}

func (e *Env) compile(src string) (program, error) {
	if strings.TrimSpace(src) == "" {
		return program{}, fmt.Errorf("1:1: the expression is empty: write %s", e.hints.example)
	}
	if err := e.budget.take(0); err != nil {
		return program{}, err
	}
	c, known := e.compiled.get(src)
	var parsed *cel.Ast
	if !known {
		c, parsed = e.parse(src)
	}
	if err := e.budget.take(c.steps); err != nil {
		return program{}, err
	}
	if !known {
		if c.err == nil {
			c.program, c.err = e.check(parsed)
		}
		e.compiled.put(src, c)
	}
	return c.program, c.err
}

func (e *Env) parse(src string) (compilation, *cel.Ast) {
	c := compilation{steps: stepsPerByte * min(len(src), MaxSourceLength)}
	parsed, issues := e.env.Parse(src)
	if issues.Err() != nil {
		c.err = e.hints.compileError(issues)
		return c, nil
	}
	if steps := checkSteps(parsed); c.steps+steps <= maxCompileSteps {
		c.steps += steps
		return c, parsed
	}
	c.err = errors.New("1:1: the expression takes too many steps to compile: write a shorter one, or nest less")
	return c, nil
}

func (e *Env) check(parsed *cel.Ast) (program, error) {
	checked, issues := e.env.Check(parsed)
	if issues.Err() != nil {
		return program{}, e.hints.compileError(issues)
	}
	m := newMetering(checked)
	planned, err := e.env.Program(checked, cel.CustomDecoratorV2(m.decorate), cel.EvalOptions(cel.OptPartialEval))
	if err != nil {
		return program{}, fmt.Errorf("1:1: plan the expression: %w", err)
	}
	return program{compiled: planned, metering: m, checked: checked, missing: e.hints.missing}, nil
}

// checkSteps is what it takes to find out the types of an expression. Each call,
// list and map may have a type of its own to be found, and for each of them all
// that were found so far are copied; and a type that is nested is gone through at
// each of its levels.
func checkSteps(parsed *cel.Ast) int {
	generic, nested := 0, 0
	var visit func(e ast.NavigableExpr, depth int)
	visit = func(e ast.NavigableExpr, depth int) {
		switch e.Kind() {
		case ast.CallKind:
			if !logical(e.AsCall().FunctionName()) {
				generic++
			}
		case ast.ListKind, ast.MapKind, ast.StructKind, ast.ComprehensionKind:
			depth++
			generic++
			nested += 2 * depth * depth
		default:
		}
		for _, child := range e.Children() {
			visit(child, depth)
		}
	}
	visit(ast.NavigateAST(parsed.NativeRep()), 0)
	return generic*generic + nested
}

// logical reports whether a function takes bools and nothing else.
func logical(function string) bool {
	return function == operators.LogicalAnd || function == operators.LogicalOr || function == operators.LogicalNot
}
