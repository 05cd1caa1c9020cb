package expr

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	nested   = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]] == [] || "
	ordinary = "event.branch == 'main' && event.paths.exists(p, p.startsWith('src/')) || "
)

func TestWhatTakesLongToCompileIsRefused(t *testing.T) {
	env := triggerEnv(t)
	const refusal = "1:1: the expression takes too many steps to compile: write a shorter one, or nest less"
	for src, want := range map[string]string{
		strings.Repeat(nested, 39) + "true":                                  refusal,
		strings.Repeat(nested, 5) + "true":                                   "",
		"[" + strings.Repeat("[],", 1300) + "[]] == []":                      "",
		"[" + strings.Repeat("[]+[],", 600) + "[]] == []":                    refusal,
		"[" + strings.Repeat("1,", 2000) + "1] == []":                        "",
		strings.Repeat(ordinary, 50) + "true":                                "",
		strings.Repeat("event.branch == 'main' && ", 150) + "true":           "",
		strings.Repeat("body.a == 1 && ", 260) + "true":                      "",
		strings.Repeat("{1:", 45) + "1" + strings.Repeat("}", 45) + " == {}": "",
	} {
		_, err := env.CompileCondition(src)
		if diff := cmp.Diff(want, message(err)); diff != "" {
			t.Errorf("%.40s… of %d bytes (-want +got):\n%s", src, len(src), diff)
		}
	}
}

// All expressions of an object have a budget, and what is in the cache takes from it
// alike.
func TestCompilingIsBoundedTogether(t *testing.T) {
	env := triggerEnv(t)
	count := func(source string) (compiled int) {
		within := env.Within(NewCompileBudget())
		for i := range 300 {
			_, err := within.CompileCondition(fmt.Sprintf("%s'%d' == ''", source, i))
			switch {
			case err == nil:
				compiled++
			case !errors.Is(err, ErrTooMuchToCompile):
				t.Fatal(err)
			}
		}
		return compiled
	}
	for _, tc := range []struct {
		source      string
		least, most int
	}{{strings.Repeat(nested, 15), 2, 10}, {ordinary, 300, 300}} {
		first, again := count(tc.source), count(tc.source)
		if first < tc.least || first > tc.most || again != first {
			t.Errorf("%.40s…: %d of 300 were compiled, then %d; want %d to %d both times", tc.source, first, again, tc.least, tc.most)
		}
	}
	if _, err := env.Within(NewCompileBudget()).CompileCondition(ordinary + "true"); err != nil {
		t.Errorf("another object's: %v", err)
	}
}

func TestCompiledOnce(t *testing.T) {
	env := triggerEnv(t)
	first, err := env.CompileCondition(ordinary + "true")
	if err != nil {
		t.Fatal(err)
	}
	_, faulty := env.CompileCondition("event.brunch")
	again, err := env.Within(NewCompileBudget()).CompileCondition(ordinary + "true")
	if err != nil || again.program.compiled != first.program.compiled {
		t.Errorf("the same text was compiled again: %v", err)
	}
	if _, err := env.CompileCondition("event.brunch"); !errors.Is(err, faulty) {
		t.Errorf("the same fault was found again: %v", err)
	}
	// Others take its place, and no more places than there are.
	for i := range 2000 {
		if _, err := env.CompileCondition(fmt.Sprintf("'%s' == '%d'", strings.Repeat("a", 100), i)); err != nil {
			t.Fatal(err)
		}
	}
	if c := env.compiled; c.bytes > maxCached || len(c.byText) != c.ordered.Len() || len(c.byText) < maxCached/120 {
		t.Errorf("the cache holds %d bytes in %d and %d places", c.bytes, len(c.byText), c.ordered.Len())
	}
	if _, ok := env.compiled.get(ordinary + "true"); ok {
		t.Error("the expression that was used last is still there")
	}
}
