package expr

import (
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// charactersPerUnit is how much text costs as much as an element.
const charactersPerUnit = 10

// callCost is what a call reads and writes. CEL's own cost is 1 for the size of a
// string and for its conversion to a number, however long, and for the comparison
// of two lists it is their lengths, whatever their elements hold. The call is over
// by then: one that could take very long by itself is bounded by its own function.
// An argument that wasn't evaluated is nil.
func callCost(function string, args []ref.Val, result ref.Val) uint64 {
	characters := 0
	switch function {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		characters = compared(args[0], args[1])
	case operators.In:
		characters = searched(args[0], args[1])
	case matchesFunction:
		if size, err := patternSize(text(args[1])); err == nil && !types.IsError(result) {
			return matchCost(size, text(args[0]))
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
	return uint64(characters+charactersPerUnit-1) / charactersPerUnit
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
