package expr

import (
	"fmt"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// vet returns an error if the expression compares a value that can have only some
// texts with another one, so that the comparison says the same whatever happens.
func (p program) vet(scope Scope) error {
	var found error
	ast.PreOrderVisit(p.checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if found != nil || e.Kind() != ast.CallKind {
			return
		}
		switch args := e.AsCall().Args(); e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			found = p.vetPair(scope, args[0], args[1])
		case operators.In:
			if args[1].Kind() != ast.ListKind {
				return
			}
			for _, element := range args[1].AsList().Elements() {
				if found == nil {
					found = p.vetPair(scope, args[0], element)
				}
			}
		}
	}))
	return found
}

func (p program) vetPair(scope Scope, a, b ast.Expr) error {
	for _, pair := range [][2]ast.Expr{{a, b}, {b, a}} {
		constant, ok := constantText(pair[1])
		if !ok {
			continue
		}
		if c := p.choices(scope, pair[0]); len(c.values) > 0 && !slices.Contains(c.values, constant) {
			return fmt.Errorf("%s: %s is never %q, but one of %q", p.position(pair[1].ID()), c.of, constant, c.values[:min(len(c.values), maxKnown)])
		}
	}
	return nil
}

func constantText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	constant, ok := e.AsLiteral().(types.String)
	return string(constant), ok
}

// choices are the texts that a value can be, or none if it may be any.
type choices struct {
	of     string
	values []string
}

func (p program) choices(scope Scope, e ast.Expr) choices {
	switch e.Kind() {
	case ast.IdentKind:
		if e.AsIdent() == eventVariable && p.checked.NativeRep().GetType(e.ID()).IsExactType(types.StringType) {
			return choices{"event", texts(v1alpha1.ResourceEvents()...)}
		}
		return choices{}
	case ast.SelectKind:
		return p.choicesOfField(scope, e.AsSelect().Operand(), e.AsSelect().FieldName())
	case ast.CallKind:
		return p.choicesOfCall(scope, e.AsCall())
	default:
		return choices{}
	}
}

func (p program) choicesOfCall(scope Scope, call ast.CallExpr) choices {
	switch args := call.Args(); call.FunctionName() {
	case operators.Index, operators.OptIndex, operators.OptSelect:
		if name, ok := constantText(args[1]); ok {
			return p.choicesOfField(scope, args[0], name)
		}
	case "value":
		return p.choices(scope, call.Target())
	case "orValue":
		c := p.choices(scope, call.Target())
		if other, ok := constantText(args[0]); ok && len(c.values) > 0 {
			return choices{c.of, append(slices.Clip(c.values), other)}
		}
	}
	return choices{}
}

func (p program) choicesOfField(scope Scope, of ast.Expr, field string) choices {
	if of.Kind() == ast.IdentKind && of.AsIdent() == paramsVariable {
		return choices{"params." + field, scope.enums[field]}
	}
	owner := p.checked.NativeRep().GetType(of.ID())
	if owner.DeclaredTypeName() == types.OptionalType.DeclaredTypeName() {
		owner = owner.Parameters()[0]
	}
	switch owner.TypeName() + "." + field {
	case jobTypeName + ".phase":
		return choices{"a job's phase", texts(v1alpha1.JobSucceeded, v1alpha1.JobFailed, v1alpha1.JobSkipped, v1alpha1.JobCancelled)}
	case endedRunTypeName + ".phase":
		return choices{"run.phase", texts(v1alpha1.RunSucceeded, v1alpha1.RunFailed, v1alpha1.RunCancelled)}
	case originTypeName + ".provider":
		return choices{"run.origin.provider", append(texts(v1alpha1.Providers()...), "")}
	case runTypeName + ".provider":
		return choices{"run.provider", append(texts(v1alpha1.Providers()...), "")}
	case eventTypeName + ".kind":
		return choices{"event.kind", append(texts(v1alpha1.EventKinds()...), "")}
	case eventTypeName + ".action":
		return choices{"event.action", append(texts(v1alpha1.EventActions()...), "")}
	default:
		return choices{}
	}
}

func texts[T ~string](values ...T) []string {
	converted := make([]string, 0, len(values)+1)
	for _, value := range values {
		converted = append(converted, string(value))
	}
	return converted
}
