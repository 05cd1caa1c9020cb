package expr

import (
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// stringsVersion of CEL's string functions: charAt, indexOf, lastIndexOf,
// lowerAscii, upperAscii, join, replace, split, substring and trim. Later
// versions add format, whose result can be thousands of times as long as what
// it is given, with nothing to bound it by.
const stringsVersion = 0

// maxBuilt is the longest string, in bytes, that replace or join may build.
// The cost limit is looked at after a call, when its result has been allocated
// already; these two can multiply a long body by a long argument.
const maxBuilt = 1 << 20

// boundedReplace takes the place of the library's replace: same meaning, but
// the result's size is known before it is built.
func boundedReplace() cel.EnvOption {
	return cel.Function("replace",
		cel.MemberOverload("string_replace_string_string",
			[]*cel.Type{cel.StringType, cel.StringType, cel.StringType}, cel.StringType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				return replace(text(args[0]), text(args[1]), text(args[2]), -1)
			})),
		cel.MemberOverload("string_replace_string_string_int",
			[]*cel.Type{cel.StringType, cel.StringType, cel.StringType, cel.IntType}, cel.StringType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				limit, ok := args[3].(types.Int)
				if !ok {
					return types.MaybeNoSuchOverloadErr(args[3])
				}
				return replace(text(args[0]), text(args[1]), text(args[2]), int64(limit))
			})),
	)
}

func replace(in, from, to string, limit int64) ref.Val {
	times := strings.Count(in, from)
	if limit >= 0 && limit < int64(times) {
		times = int(limit)
	}
	if built := len(in) + times*(len(to)-len(from)); built > maxBuilt {
		return tooLong("replace", built)
	}
	return types.String(strings.Replace(in, from, to, times))
}

// text is the string that the checker has made sure the value is.
func text(value ref.Val) string {
	s, _ := value.(types.String)
	return string(s)
}

// boundedJoin takes the place of the library's join in the same way.
func boundedJoin() cel.EnvOption {
	return cel.Function("join",
		cel.MemberOverload("list_join",
			[]*cel.Type{cel.ListType(cel.StringType)}, cel.StringType,
			cel.UnaryBinding(func(list ref.Val) ref.Val { return join(list, "") })),
		cel.MemberOverload("list_join_string",
			[]*cel.Type{cel.ListType(cel.StringType), cel.StringType}, cel.StringType,
			cel.BinaryBinding(func(list, separator ref.Val) ref.Val { return join(list, text(separator)) })),
	)
}

func join(list ref.Val, separator string) ref.Val {
	elements, ok := list.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(list)
	}
	var joined strings.Builder
	delimiter := ""
	for it := elements.Iterator(); it.HasNext() == types.True; {
		element, ok := it.Next().(types.String)
		if !ok {
			return types.NewErr("join: an element is not a string: convert it with .map(x, string(x))")
		}
		if built := joined.Len() + len(delimiter) + len(element); built > maxBuilt {
			return tooLong("join", built)
		}
		joined.WriteString(delimiter)
		joined.WriteString(string(element))
		delimiter = separator
	}
	return types.String(joined.String())
}

// maxParts is how many strings split may make, each of which takes some forty
// bytes.
const maxParts = 100_000

// boundedSplit takes the place of the library's split in the same way.
func boundedSplit() cel.EnvOption {
	return cel.Function("split",
		cel.MemberOverload("string_split_string",
			[]*cel.Type{cel.StringType, cel.StringType}, cel.ListType(cel.StringType),
			cel.BinaryBinding(func(in, separator ref.Val) ref.Val { return split(text(in), text(separator), -1) })),
		cel.MemberOverload("string_split_string_int",
			[]*cel.Type{cel.StringType, cel.StringType, cel.IntType}, cel.ListType(cel.StringType),
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				limit, ok := args[2].(types.Int)
				if !ok {
					return types.MaybeNoSuchOverloadErr(args[2])
				}
				return split(text(args[0]), text(args[1]), int64(limit))
			})),
	)
}

func split(in, separator string, limit int64) ref.Val {
	if limit < 0 || limit > maxParts {
		if parts := strings.Count(in, separator) + 1; parts > maxParts {
			return types.NewErr("split: the result would have %d parts, and %d is the limit", parts, maxParts)
		}
		limit = -1
	}
	return types.DefaultTypeAdapter.NativeToValue(strings.SplitN(in, separator, int(limit)))
}

func tooLong(function string, built int) ref.Val {
	return types.NewErr("%s: the result would have %d bytes or more, and %d is the limit", function, built, maxBuilt)
}
