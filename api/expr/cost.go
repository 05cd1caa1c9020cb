package expr

import (
	"context"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

const (
	// maxCost of one evaluation. A unit is about one field access, one element
	// compared or ten characters read: some tens of milliseconds in all.
	maxCost = 1_000_000
	// maxIterations of one evaluation, in all of its loops: enough to look at every
	// file of the largest push twice. It is a limit of its own because cel-go keeps
	// account of the cost in time that grows with the square of the iterations.
	maxIterations = 20_000
)

// limited is a program with a limit of maxIterations.
type limited struct{ cel.Program }

// Eval implements cel.Program.
func (p limited) Eval(input any) (ref.Val, *cel.EvalDetails, error) {
	return p.ContextEval(ended{}, input)
}

// ended is a context that has ended. An evaluation looks for that at each
// maxIterations-th element, which makes a limit of it.
type ended struct{}

// Deadline implements context.Context.
func (ended) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (ended) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// Err implements context.Context.
func (ended) Err() error { return context.Canceled }

// Value implements context.Context.
func (ended) Value(any) any { return nil }

// charactersPerUnit is how much text costs as much as an element.
const charactersPerUnit = 10

// callCost charges each call for what it reads and writes. CEL's own cost is
// 1 for the size of a string and for its conversion to a number, however long,
// and for the comparison of two lists it is their lengths, whatever their
// elements hold.
type callCost struct{}

// CallCost implements cel-go's ActualCostEstimator. The call is over by then: one
// that could take very long by itself is bounded by its own function.
func (callCost) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	characters := 0
	switch function {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		characters = compared(args[0], args[1])
	case operators.In:
		characters = searched(args[0], args[1])
	case matchesFunction:
		if size, err := patternSize(text(args[1])); err == nil && !types.IsError(result) {
			cost := matchCost(size, text(args[0]))
			return &cost
		}
		characters = textSize(args[1])
	case "join":
		characters = count(args[0])*charactersPerUnit + textSize(result)
	default:
		for _, arg := range args {
			characters += textSize(arg)
		}
		characters += textSize(result)
	}
	cost := 1 + uint64(characters+charactersPerUnit-1)/charactersPerUnit
	return &cost
}

// textSize is the length, in bytes, of a string or bytes, and 0 of all else.
func textSize(value ref.Val) int {
	switch v := value.(type) {
	case types.String:
		return len(v)
	case types.Bytes:
		return len(v)
	default:
		return 0
	}
}

// count is the number of elements of a list or map, and 0 of all else.
func count(value ref.Val) int {
	if textSize(value) > 0 {
		return 0
	}
	sized, ok := value.(traits.Sizer)
	if !ok {
		return 0
	}
	size, ok := sized.Size().(types.Int)
	if !ok {
		return 0
	}
	return int(size)
}

// compared is how many characters a comparison reads at most. That of lists ends
// at once if their lengths differ.
func compared(a, b ref.Val) int {
	if x, y := textSize(a), textSize(b); x > 0 || y > 0 {
		return min(x, y)
	}
	if count(a) != count(b) {
		return 0
	}
	return weight(a)
}

// searched is how many characters it takes to look for a value in a list or map.
func searched(value, in ref.Val) int {
	if _, ok := in.(traits.Mapper); ok {
		return textSize(value)
	}
	if count(value) > 0 {
		return weight(in)
	}
	return count(in) * (charactersPerUnit + textSize(value))
}

// weight of a value is the length of all texts in it, and of its elements as much
// as they cost.
func weight(value any) int {
	total := 0
	switch v := value.(type) {
	case string:
		return charactersPerUnit + len(v)
	case types.String:
		return charactersPerUnit + len(v)
	case types.Bytes:
		return charactersPerUnit + len(v)
	case []any:
		for _, element := range v {
			total += weight(element)
		}
	case map[string]any:
		for key, element := range v {
			total += len(key) + weight(element)
		}
	case traits.Mapper:
		return weightOfMap(v)
	case traits.Lister:
		return weightOfList(v)
	case *types.Optional:
		if v.HasValue() {
			return weight(v.GetValue())
		}
	}
	return charactersPerUnit + total
}

// weightOfList looks at what a request's JSON was decoded to as it is: as CEL's
// values its elements would be made anew.
func weightOfList(list traits.Lister) int {
	if native, ok := list.Value().([]any); ok {
		return weight(native)
	}
	total := charactersPerUnit
	for it := list.Iterator(); it.HasNext() == types.True; {
		total += weight(it.Next())
	}
	return total
}

func weightOfMap(m traits.Mapper) int {
	if native, ok := m.Value().(map[string]any); ok {
		return weight(native)
	}
	total := charactersPerUnit
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		total += weight(key) + weight(m.Get(key))
	}
	return total
}
