package expr

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// stepsOf evaluates a condition and returns how many steps it took.
func stepsOf(t *testing.T, condition *Condition, body any) int {
	t.Helper()
	budget := NewBudget(1)
	if _, err := condition.Eval(Vars{Body: body, Event: Event{SHA: "8f3c"}, Budget: budget}); err != nil {
		t.Fatal(err)
	}
	return maxSteps - int(budget.left)
}

// Whatever a loop does with an element costs as many steps as it has nodes, no
// matter how many elements there were before.
func TestEachElementCostsTheSame(t *testing.T) {
	env := triggerEnv(t)
	numbers := func(n int) []any {
		list := make([]any, n)
		for i := range list {
			list[i] = int64(i)
		}
		return list
	}
	chain := strings.Repeat(".a", 40)
	for src, least := range map[string]int{
		`body.all(i, true)`:                                                1,
		`body.filter(i, false).size() == 0`:                                1,
		`body.filter(i, i > 5).size() > 0`:                                 3,
		`body.map(i, i).size() > 0`:                                        2,
		`body.map(i, [i, i, i]).size() > 0`:                                5,
		`body.map(i, {'a': i}).size() > 0`:                                 4,
		`body.exists_one(i, i == 1)`:                                       3,
		`body.all(i, i < 0 ? true : true)`:                                 4,
		`body.filter(i, i < 0 ? (true ? i > 1 : false) : true).size() > 0`: 5,
		`body.all(i, has(event.sha) || i > 0)`:                             2,
		`body.all(i, body[i] == i)`:                                        4,
		`body.all(i, ['a'][0] == 'a')`:                                     3,
		`body.all(i, i in [1, 2, 3] || true)`:                              5,
		`body.all(i, true` + strings.Repeat(" && true", 40) + `)`:          40,
		`body.all(i, has({}` + chain + `) || true || i > 0)`:               1,
		`body.all(i, optional.of(i).orValue(1) == i)`:                      4,
	} {
		condition, err := env.CompileCondition(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		few, more, most := stepsOf(t, condition, numbers(500)), stepsOf(t, condition, numbers(1000)), stepsOf(t, condition, numbers(1500))
		if each := (more - few) / 500; each < least {
			t.Errorf("%s: an element costs %d steps, want at least %d", src, each, least)
		}
		if diff := cmp.Diff(more-few, most-more); diff != "" {
			t.Errorf("%s: later elements cost something else (-earlier +later):\n%s", src, diff)
		}
	}
}

// What the expressions of one object take together is bounded.
func TestBudgetIsShared(t *testing.T) {
	env, list := triggerEnv(t), make([]any, 40_000)
	for i := range list {
		list[i] = "a"
	}
	param, err := env.CompileParam(`string(body.all(x, x == 'a'))`)
	if err != nil {
		t.Fatal(err)
	}
	vars := Vars{Body: list, Budget: NewBudget(1)}
	var got []string
	for range 4 {
		value, err := param.Eval(vars)
		got = append(got, value+message(err))
	}
	const enough = "1:1: the evaluation takes too many steps, of which the expressions of one object have 1000000: look at fewer elements or shorter strings"
	if diff := cmp.Diff([]string{"true", "true", enough, enough}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if value, err := param.Eval(Vars{Body: list}); value != "true" || err != nil {
		t.Errorf("by itself it gives %q, %v", value, err)
	}
}

// A part of the budget is enough for a look at all that a condition can see.
func TestLeastBudgetOfACondition(t *testing.T) {
	spec, vars := &v1alpha1.PipelineSpec{}, RunVars{Params: map[string]string{}, Jobs: map[string]Job{}, Budget: NewBudget(256)}
	last := v1alpha1.Job{Name: "last"}
	for i := range 255 {
		name := "job-" + strings.Repeat("x", i)
		spec.Jobs = append(spec.Jobs, v1alpha1.Job{Name: name})
		last.Needs = append(last.Needs, name)
		vars.Jobs[name] = Job{Phase: "Succeeded"}
	}
	spec.Jobs = append(spec.Jobs, last)
	condition, err := runEnv(t).CompileCondition(`jobs.all(j, jobs[j].phase == 'Succeeded')`, JobScope(spec, "last"))
	if err != nil {
		t.Fatal(err)
	}
	if holds, err := condition.Eval(vars); !holds || err != nil {
		t.Errorf("it is %t, %v", holds, err)
	}
}
