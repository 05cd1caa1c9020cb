package expr

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// maxSteps of one evaluation, and of all evaluations that share a budget. A step
// is about one node of the expression evaluated, one element compared or ten
// characters read: some hundred milliseconds in all.
const maxSteps = 1_000_000

// Budget is how many steps evaluations may take together. It is for one goroutine.
type Budget struct{ left uint64 }

// leastSteps of an evaluation, however many there are: enough to look at each of a
// Pipeline's jobs and parameters.
const leastSteps = 20_000

// NewBudget returns one of so many equal parts of what an object's expressions may
// take together.
func NewBudget(parts int) *Budget {
	return &Budget{left: max(maxSteps/uint64(max(parts, 1)), leastSteps)}
}

// meterVariable is the name that an evaluation finds its meter by. Nobody can
// write it.
const meterVariable = "@meter"

// meter counts the steps of one evaluation.
type meter struct {
	budget *Budget
	// values that the nodes gave last, by their slots. cel-go's own account looks for
	// them on a stack that grows, which takes the square of the iterations.
	values []ref.Val
}

func (m *meter) charge(steps uint64) {
	if steps > m.budget.left {
		m.budget.left = 0
		// This is how an evaluation is ended in midst: it is recovered there.
		panic(interpreter.EvalCancelledError{Cause: interpreter.CostLimitExceeded})
	}
	m.budget.left -= steps
}

func meterOf(frame *interpreter.ExecutionFrame) *meter {
	found, _ := frame.ResolveName(meterVariable)
	m, ok := found.(*meter)
	if !ok {
		return &meter{budget: &Budget{}}
	}
	return m
}

// metering has each node of a program charged for.
type metering struct {
	// sizes is, for each node, how many nodes are evaluated with it that aren't
	// charged for by themselves.
	sizes map[int64]uint64
	slots int
}

func newMetering(checked *cel.Ast) *metering {
	m := &metering{sizes: map[int64]uint64{}}
	m.measure(ast.NavigateAST(checked.NativeRep()))
	return m
}

func (m *metering) measure(e ast.NavigableExpr) uint64 {
	size := uint64(1)
	for _, child := range e.Children() {
		if below := m.measure(child); !chargedAlone(child) {
			size += below
		}
	}
	m.sizes[e.ID()] = size
	return size
}

// chargedAlone reports whether a node is always evaluated as a node of its own.
// Constants, variables, fields and the branches of a condition may be part of
// another.
func chargedAlone(e ast.Expr) bool {
	switch e.Kind() {
	case ast.CallKind:
		switch e.AsCall().FunctionName() {
		case operators.Index, operators.OptIndex, operators.OptSelect, operators.Conditional:
			return false
		}
		return true
	case ast.ListKind, ast.MapKind, ast.StructKind, ast.ComprehensionKind:
		return true
	default:
		return false
	}
}

// decorate is told of each node while the program is planned, children first.
func (m *metering) decorate(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	switch n := node.(type) {
	case interpreter.InterpretableConst, metered:
		return node, nil
	case interpreter.InterpretableAttribute:
		return &meteredAttribute{InterpretableAttribute: n, sizes: m.sizes, slot: m.slot()}, nil
	case interpreter.InterpretableCall:
		return &meteredCall{InterpretableCall: n, size: m.sizes[n.ID()], slot: m.slot(), args: n.Args()}, nil
	default:
		return &meteredNode{InterpretableV2: n, size: m.sizes[n.ID()], slot: m.slot()}, nil
	}
}

func (m *metering) slot() int {
	m.slots++
	return m.slots - 1
}

// metered is a node that leaves its last value in the meter.
type metered interface{ lastValue(*meter) ref.Val }

// meteredAttribute is a variable, its fields and elements, or a condition.
type meteredAttribute struct {
	interpreter.InterpretableAttribute
	// sizes by the attribute's id, which is another with each qualifier.
	sizes map[int64]uint64
	slot  int
}

// Exec implements interpreter.InterpretableV2.
func (n *meteredAttribute) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	m := meterOf(frame)
	m.charge(max(n.sizes[n.ID()], 1))
	m.values[n.slot] = n.InterpretableAttribute.Exec(frame)
	return m.values[n.slot]
}

// Eval implements interpreter.Interpretable.
func (n *meteredAttribute) Eval(vars interpreter.Activation) ref.Val {
	return n.Exec(interpreter.AsFrame(vars))
}

func (n *meteredAttribute) lastValue(m *meter) ref.Val { return m.values[n.slot] }

// meteredCall is charged for what it reads and writes, too.
type meteredCall struct {
	interpreter.InterpretableCall
	size uint64
	slot int
	args []interpreter.InterpretableV2
}

// Exec implements interpreter.InterpretableV2.
func (n *meteredCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	m := meterOf(frame)
	m.charge(n.size)
	result := n.InterpretableCall.Exec(frame)
	args := make([]ref.Val, len(n.args))
	for i, arg := range n.args {
		switch a := arg.(type) {
		case interpreter.InterpretableConst:
			args[i] = a.Value()
		case metered:
			args[i] = a.lastValue(m)
		}
	}
	m.charge(callCost(n.Function(), args, result))
	m.values[n.slot] = result
	return result
}

// Eval implements interpreter.Interpretable.
func (n *meteredCall) Eval(vars interpreter.Activation) ref.Val {
	return n.Exec(interpreter.AsFrame(vars))
}

func (n *meteredCall) lastValue(m *meter) ref.Val { return m.values[n.slot] }

// meteredNode is any other: a list, a map, a loop, && and ||.
type meteredNode struct {
	interpreter.InterpretableV2
	size uint64
	slot int
}

// Exec implements interpreter.InterpretableV2.
func (n *meteredNode) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	m := meterOf(frame)
	m.charge(n.size)
	m.values[n.slot] = n.InterpretableV2.Exec(frame)
	return m.values[n.slot]
}

// Eval implements interpreter.Interpretable.
func (n *meteredNode) Eval(vars interpreter.Activation) ref.Val {
	return n.Exec(interpreter.AsFrame(vars))
}

func (n *meteredNode) lastValue(m *meter) ref.Val { return m.values[n.slot] }
