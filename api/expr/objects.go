package expr

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// MaxObjects is how many objects an expression may give.
const MaxObjects = 100

// Objects is a compiled expression that gives a list of objects. It is safe for
// concurrent use.
type Objects struct {
	program program
}

// CompileObjects compiles an expression that gives a list of objects.
func (e *Env) CompileObjects(src string) (*Objects, error) {
	p, err := e.compile(src)
	if err != nil {
		return nil, err
	}
	if output := p.checked.OutputType(); output.Kind() != cel.ListKind && !output.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("1:1: the result is of type %s, but a list of objects is wanted: write it in [ ]", output)
	}
	return &Objects{program: p}, nil
}

// Vet returns an error if the expression compares a field of the event with a text
// that it can't be.
func (o *Objects) Vet() error { return o.program.vet(Scope{}) }

// Eval returns the objects as values that expressions can be given.
func (o *Objects) Eval(vars Variables) ([]map[string]any, error) {
	value, err := o.program.eval(o.program.metered(vars.values(), vars.budget()))
	if err != nil {
		return nil, err
	}
	list, ok := value.(traits.Lister)
	if !ok {
		return nil, fmt.Errorf("1:1: the result is of type %s, but a list of objects is wanted: write it in [ ]", value.Type().TypeName())
	}
	if size := count(list); size > MaxObjects {
		return nil, fmt.Errorf("1:1: the result has %d elements, and %d are the most", size, MaxObjects)
	}
	var objects []map[string]any
	for it := list.Iterator(); it.HasNext() == types.True; {
		object, ok := objectOf(it.Next())
		if !ok {
			return nil, fmt.Errorf("1:1: element %d is not an object: make one of it, as in .map(x, {'name': x})", len(objects))
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// objectOf a map whose keys are strings. What decoded JSON has is taken as it is.
func objectOf(value ref.Val) (map[string]any, bool) {
	if native, ok := value.Value().(map[string]any); ok {
		return native, true
	}
	m, ok := value.(traits.Mapper)
	if !ok {
		return nil, false
	}
	object := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, false
		}
		object[string(name)] = m.Get(key).Value()
	}
	return object, true
}
