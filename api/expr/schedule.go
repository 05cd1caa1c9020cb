package expr

import (
	"time"

	"github.com/google/cel-go/cel"
)

// timeVariable is the variable of the expressions of a schedule's Trigger.
const timeVariable = "time"

// ScheduleVars are the values of the variables of a schedule's Trigger.
type ScheduleVars struct {
	// Time is `time`, what the Run is started for.
	Time time.Time
	// Budget that the evaluation shares with others; without one it has its own.
	Budget *Budget
}

func (v ScheduleVars) values() map[string]any {
	return map[string]any{timeVariable: v.Time.UTC()}
}

func (ScheduleVars) known(values map[string]any) (any, error) { return values, nil }

func (v ScheduleVars) budget() *Budget { return v.Budget }

// NewScheduleEnv returns the environment of the expressions of a schedule's Trigger:
// `time`, a timestamp.
func NewScheduleEnv() (*Env, error) {
	return newEnv(
		hints{
			variables: "the variable is time; text stands in quotes",
			example:   "a value in quotes, such as '\"main\"', or string(time)",
		},
		cel.Variable(timeVariable, cel.TimestampType),
	)
}
