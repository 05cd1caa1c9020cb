package match

import (
	"errors"
	"strings"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// decideCondition evaluates `if`, which is asked last: it is what may take long.
func decideCondition(env *expr.Env, source string, e *event.Event, body any) Decision {
	condition, err := env.CompileCondition(source)
	if err != nil {
		return invalid("spec.webhook.if: %v", err)
	}
	holds, err := condition.Eval(expr.Vars{Event: e.Expr(), Body: body})
	switch {
	case errors.Is(err, expr.ErrPathsUnknown):
		return unknown(ChangedPaths, "spec.webhook.if depends on the list of changed paths, which is incomplete: %s", e.PathsGap)
	case err != nil:
		return invalid("spec.webhook.if: %v", err)
	case !holds:
		return no("spec.webhook.if is false: %s", shortened(source))
	}
	return yes("spec.webhook.if is true")
}

// maxSource bounds what a reason repeats of a condition, in characters.
const maxSource = 200

func shortened(source string) string {
	return printable.Cut(strings.Join(strings.Fields(source), " "), maxSource)
}
