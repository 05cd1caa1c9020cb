package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/parser"
)

// statusMacro has a call without arguments stand for a variable: a function
// can't see what it is evaluated with, and the tree then tells who calls it.
func statusMacro(function, variable string) cel.Macro {
	return cel.GlobalMacro(function, 0, func(eh parser.ExprHelper, _ ast.Expr, _ []ast.Expr) (ast.Expr, *common.Error) {
		return eh.NewIdent(variable), nil
	})
}

// references are what an expression names.
type references struct {
	// params and jobs are constant names.
	params, jobs []reference
	// number is where run.number stands, or blank.
	number string
	// success and otherStatus: which of success(), failure() and always() it calls.
	success, otherStatus bool
}

type reference struct {
	name, position string
}

func (p program) references() references {
	var found references
	ast.PreOrderVisit(p.checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			found.success = found.success || e.AsIdent() == successVariable
			found.otherStatus = found.otherStatus || e.AsIdent() == failureVariable || e.AsIdent() == alwaysVariable
		case ast.SelectKind:
			found.add(p, e, e.AsSelect().Operand(), e.AsSelect().FieldName())
		case ast.CallKind:
			call := e.AsCall()
			if !slices.Contains([]string{operators.Index, operators.OptIndex, operators.OptSelect}, call.FunctionName()) {
				return
			}
			if key := call.Args()[1]; key.Kind() == ast.LiteralKind {
				name, _ := key.AsLiteral().(types.String)
				found.add(p, e, call.Args()[0], string(name))
			}
		default:
		}
	}))
	return found
}

// add notes that the expression takes an element of a variable.
func (r *references) add(p program, e, from ast.Expr, name string) {
	if from.Kind() != ast.IdentKind {
		return
	}
	switch from.AsIdent() {
	case paramsVariable:
		r.params = append(r.params, reference{name, p.position(from.ID())})
	case jobsVariable:
		r.jobs = append(r.jobs, reference{name, p.position(from.ID())})
	case runVariable:
		if name == "number" {
			r.number = p.position(e.ID())
		}
	}
}

// check returns an error if a name is not in the scope.
func (r *references) check(scope Scope) error {
	for _, param := range r.params {
		if !slices.Contains(scope.Params, param.name) {
			return fmt.Errorf("%s: the Pipeline declares no parameter %q (%s)", param.position, param.name, known("it declares ", scope.Params))
		}
	}
	for _, job := range r.jobs {
		if !slices.Contains(scope.Ancestors, job.name) {
			return fmt.Errorf("%s: %q is no job that this one needs, directly or by way of others (%s)",
				job.position, job.name, known("those are ", scope.Ancestors))
		}
	}
	return nil
}

// maxKnown bounds how many names a hint lists.
const maxKnown = 16

func known(prefix string, names []string) string {
	if len(names) == 0 {
		return "there are none"
	}
	listed := strings.Join(names[:min(len(names), maxKnown)], ", ")
	if more := len(names) - maxKnown; more > 0 {
		listed += fmt.Sprintf(" and %d more", more)
	}
	return prefix + listed
}
