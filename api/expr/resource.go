package expr

import (
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Names of the variables of a Trigger's expressions that changes of objects start Runs
// by; the third is eventVariable.
const (
	objectVariable    = "object"
	oldObjectVariable = "oldObject"
)

// ResourceVars are the values of the variables of a Trigger that changes of objects
// start Runs by.
type ResourceVars struct {
	// Object is `object`: as it is now, or as it was last.
	Object map[string]any
	// OldObject is `oldObject`, as it was before. nil: that is not known, or there is none.
	OldObject map[string]any
	// Event is `event`.
	Event v1alpha1.ResourceEvent
	// Budget that the evaluation shares with others; without one it has its own.
	Budget *Budget
}

func (v ResourceVars) values() map[string]any {
	values := map[string]any{objectVariable: v.Object, oldObjectVariable: nil, eventVariable: string(v.Event)}
	if v.OldObject != nil {
		values[oldObjectVariable] = v.OldObject
	}
	return values
}

func (ResourceVars) known(values map[string]any) (any, error) { return values, nil }

func (v ResourceVars) budget() *Budget { return v.Budget }

// NewResourceEnv returns the environment of the expressions of such a Trigger:
// `object` and `oldObject`, which are anything, and `event`, a text.
func NewResourceEnv() (*Env, error) {
	return newEnv(
		hints{
			variables: "the variables are object, oldObject and event; text stands in quotes",
			missing:   "write object.?data.?name.orValue('') for a field that may be missing",
			example:   "a field of the object, such as object.metadata.name, or a value in quotes, such as '\"main\"'",
		},
		cel.Variable(objectVariable, cel.DynType),
		cel.Variable(oldObjectVariable, cel.DynType),
		cel.Variable(eventVariable, cel.StringType),
	)
}

// Uses is what an expression needs of an object.
type Uses struct {
	// Whole: more than apiVersion, kind and metadata, of the object or the old one.
	Whole bool
	// Old: the object as it was before.
	Old bool
}

// And is what both need.
func (u Uses) And(other Uses) Uses {
	return Uses{Whole: u.Whole || other.Whole, Old: u.Old || other.Old}
}

// Uses tells what the expression needs of an object.
func (p *Param) Uses() Uses { return p.program.uses() }

// Uses tells what the condition needs of an object.
func (c *Condition) Uses() Uses { return c.program.uses() }

// uses takes an object that goes anywhere but into a field of its own for needed
// whole, and a variable of a loop that has its name for the object.
func (p program) uses() Uses {
	var found Uses
	for _, variable := range ast.MatchDescendants(ast.NavigateAST(p.checked.NativeRep()), ast.KindMatcher(ast.IdentKind)) {
		if name := variable.AsIdent(); name == objectVariable || name == oldObjectVariable {
			found.Old = found.Old || name == oldObjectVariable
			found.Whole = found.Whole || !narrow(variable)
		}
	}
	return found
}

// narrow reports whether nothing more is done to the object than to take apiVersion,
// kind or metadata of it, or to ask whether it is null.
func narrow(variable ast.NavigableExpr) bool {
	user, ok := variable.Parent()
	if !ok {
		return false
	}
	switch user.Kind() {
	case ast.SelectKind:
		return slim(user.AsSelect().FieldName())
	case ast.CallKind:
		args := user.AsCall().Args()
		switch user.AsCall().FunctionName() {
		case operators.Index, operators.OptIndex, operators.OptSelect:
			field, constant := constantText(args[1])
			return constant && args[0].ID() == variable.ID() && slim(field)
		case operators.Equals, operators.NotEquals:
			return isNull(args[0]) || isNull(args[1])
		}
	default:
	}
	return false
}

// slim reports whether a field is there where nothing but the metadata is kept.
func slim(field string) bool {
	return slices.Contains([]string{"apiVersion", "kind", "metadata"}, field)
}

func isNull(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.NullValue
}
