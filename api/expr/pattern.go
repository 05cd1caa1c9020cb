package expr

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// MaxPatternSize bounds a regular expression by what it is compiled to rather
// than by its length: x{500} is five hundred steps, and each character of a text
// may take as many.
const MaxPatternSize = 2000

// Pattern is a regular expression (RE2) of bounded size. It is safe for
// concurrent use.
type Pattern struct {
	expression *regexp.Regexp
	size       int
}

// NewPattern compiles a regular expression, and refuses one that would take too
// long on a text of any length.
func NewPattern(source string) (*Pattern, error) {
	size, err := patternSize(source)
	if err != nil {
		return nil, err
	}
	expression, err := regexp.Compile(source)
	if err != nil {
		return nil, err
	}
	return &Pattern{expression: expression, size: size}, nil
}

// MatchesWhole reports whether the pattern matches all of the text. Anchors put
// around its source could become part of it: \Q quotes what follows.
func (p *Pattern) MatchesWhole(text string) bool {
	longest := *p.expression
	longest.Longest()
	found := longest.FindStringIndex(text)
	return found != nil && found[0] == 0 && found[1] == len(text)
}

// patternSize looks at the parsed source, which is small: repetitions are written
// out only when it is compiled.
func patternSize(source string) (int, error) {
	if len(source) > MaxSourceLength {
		return 0, fmt.Errorf("a pattern has %d bytes at most", MaxSourceLength)
	}
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return 0, err
	}
	size := steps(parsed)
	if size > MaxPatternSize {
		return 0, fmt.Errorf("the pattern comes to %d steps, with its repetitions written out, and %d is the limit: repeat less", size, MaxPatternSize)
	}
	return size, nil
}

// steps is about the length of the program that an expression is compiled to.
// The parser bounds its depth and its repetitions.
func steps(e *syntax.Regexp) int {
	parts := 0
	for _, part := range e.Sub {
		parts += steps(part)
	}
	switch e.Op {
	case syntax.OpLiteral:
		return len(e.Rune)
	case syntax.OpRepeat:
		most := max(e.Max, e.Min+1)
		if e.Max == e.Min {
			most = e.Min
		}
		return 1 + most*parts + most - e.Min
	default:
		return 1 + parts
	}
}

// matchCost is in steps of maxSteps: compiling takes as long as matching some
// ten characters.
func matchCost(size int, text string) uint64 {
	return 1 + uint64(size)*uint64(len(text)+10)/10
}

// boundedMatches takes the place of the library's matches: same meaning, but what
// it may cost is known before it is begun.
func boundedMatches() cel.EnvOption {
	binding := cel.SingletonBinaryBinding(func(in, pattern ref.Val) ref.Val {
		found, err := NewPattern(text(pattern))
		if err != nil {
			return types.NewErr("matches: %v", err)
		}
		if matchCost(found.size, text(in)) > maxSteps {
			return types.NewErr("matches: a pattern of %d steps is too much for a text of %d bytes", found.size, len(text(in)))
		}
		return types.Bool(found.expression.MatchString(text(in)))
	})
	strings := []*cel.Type{cel.StringType, cel.StringType}
	return cel.Function(matchesFunction,
		cel.Overload("matches", strings, cel.BoolType),
		cel.MemberOverload("matches_string", strings, cel.BoolType),
		binding)
}

const matchesFunction = "matches"

// patternLiterals has patterns that are written out checked with the expression.
type patternLiterals struct{}

// withoutPattern is what is wrong with a pattern, without the place in it.
func withoutPattern(err error) string {
	if invalid, ok := errors.AsType[*syntax.Error](err); ok {
		return invalid.Code.String()
	}
	return err.Error()
}

// Name implements cel.ASTValidator.
func (patternLiterals) Name() string { return "kayci.validator.matches" }

// Validate implements cel.ASTValidator.
func (patternLiterals) Validate(_ *cel.Env, _ cel.ValidatorConfig, checked *ast.AST, issues *cel.Issues) {
	for _, call := range ast.MatchDescendants(ast.NavigateAST(checked), ast.FunctionMatcher(matchesFunction)) {
		args := call.AsCall().Args()
		pattern := args[len(args)-1]
		if pattern.Kind() != ast.LiteralKind {
			continue
		}
		if _, err := patternSize(text(pattern.AsLiteral())); err != nil {
			issues.ReportErrorAtID(pattern.ID(), "matches: %s", withoutPattern(err))
		}
	}
}
