package expr

import (
	"fmt"
	"strings"
	"testing"
)

// Every value of the body is large, and every expression would go over one of
// them thousands of times for a few steps each, were it not charged for that.
func TestNothingLargeIsCheap(t *testing.T) {
	digits, list := strings.Repeat("1", 1<<18), make([]any, 50_000)
	for i := range list {
		list[i] = int64(1)
	}
	body := map[string]any{
		"digits": digits, "same": strings.Clone(digits), "list": list,
		"lists": []any{list}, "equal": []any{append([]any(nil), list...)}, "map": map[string]any{"a": list},
	}
	numbers := "[" + strings.Repeat("1,", 300) + "1]"
	env := triggerEnv(t)
	for _, src := range []string{
		`body.lists == body.equal`, `body.list in body.equal`, `7 in body.list`, `body.map == {'a': body.list}`,
		`optional.of([body.list].filter(x, true)) == optional.of(body.equal)`,
		`body.digits == body.same`, `body.digits < body.same`, `body.digits in {'a': 1}`, `body.digits in ['a']`,
		`size(body.digits) == 0`, `double(body.digits) == 0.0`, `int(body.digits) == 0`, `bytes(body.digits) == b''`, `string(body.digits) == ''`,
		`duration(body.digits) == duration('1s')`, `timestamp(body.digits) == timestamp(0)`, `timestamp(0).getHours(body.digits) == 1`,
		`body.digits.contains('')`, `body.digits.startsWith('2')`, `body.digits.endsWith(body.same)`, `body.digits.lowerAscii() == ''`,
		`(body.digits + body.digits) == ''`, `'1'.matches('1{900}')`, `body.digits.matches('2')`,
	} {
		t.Run(src, func(t *testing.T) {
			condition, err := env.CompileCondition(fmt.Sprintf("%[1]s.all(i, %[1]s.all(j, (%[2]s) || true))", numbers, src))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = condition.Eval(Vars{Body: body}); !strings.Contains(message(err), "takes too many steps") {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

func TestNesting(t *testing.T) {
	env := triggerEnv(t)
	for depth, ok := range map[int]bool{20: true, 60: false, 1000: false} {
		_, err := env.CompileCondition(strings.Repeat("[", depth) + strings.Repeat("]", depth) + " == []")
		if (err == nil) != ok {
			t.Errorf("nested %d deep: %v", depth, err)
		}
	}
}

func TestLargePushIsAffordable(t *testing.T) {
	condition, err := triggerEnv(t).CompileCondition(`event.paths.exists(p, p.startsWith("docs/")) || event.paths.all(p, p.matches("^src/[a-z0-9]+/main[.]go$"))`)
	if err != nil {
		t.Fatal(err)
	}
	paths := make([]string, 2_000)
	for i := range paths {
		paths[i] = fmt.Sprintf("src/package%d/main.go", i)
	}
	if holds, err := condition.Eval(Vars{Event: Event{Paths: paths, PathsComplete: true}}); err != nil || !holds {
		t.Errorf("it is %v, and the error %v", holds, err)
	}
}

// What one call does can't be charged before it is done: it is refused.
func TestCallsAreBounded(t *testing.T) {
	env := triggerEnv(t)
	body := map[string]any{"text": strings.Repeat("a", 1<<20), "pattern": "a{900}b", "long": strings.Repeat("a", MaxSourceLength+1)}
	for src, want := range map[string]string{
		`body.text.matches('a{900}b')`:              "1:18: matches: a pattern of 903 steps is too much for a text of 1048576 bytes",
		`matches(body.text, body.pattern)`:          "1:8: matches: a pattern of 903 steps is too much for a text of 1048576 bytes",
		`'a'.matches(body.long)`:                    "1:12: matches: a pattern has 4096 bytes at most",
		`'a'.matches('(')`:                          "1:13: matches: missing closing )",
		`'a'.matches('(a{9}b){99}(c{9}d){99}')`:     "1:13: matches: the pattern comes to 2577 steps, with its repetitions written out, and 2000 is the limit: repeat less",
		`body.text.split('') == []`:                 "1:16: split: the result would have 1048578 parts, and 100000 is the limit",
		`body.text.split('a', -1) == []`:            "1:16: split: the result would have 1048577 parts, and 100000 is the limit",
		`body.text.split('a', 2).size() > 0`:        "",
		`'a b'.split(' ') == ['a', 'b']`:            "",
		`'a b c'.split(' ', 2)[1] == 'b c'`:         "",
		`'a b'.split(' ', 0) == []`:                 "",
		`'ab'.matches('^a') && !matches('ab', 'c')`: "",
		// Each one would double what it is called on.
		`optional.of(1)` + strings.Repeat(`.optMap(x, x)`, 20) + `.hasValue()`:                  "undeclared reference",
		`optional.of(1)` + strings.Repeat(`.optFlatMap(x, optional.of(x))`, 20) + `.hasValue()`: "undeclared reference",
	} {
		t.Run(src[:min(len(src), 40)], func(t *testing.T) {
			condition, err := env.CompileCondition(src)
			if err == nil {
				_, err = condition.Eval(Vars{Body: body})
			}
			if got := message(err); !strings.Contains(got, want) || (want == "") != (got == "") {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

func TestPattern(t *testing.T) {
	for source, want := range map[string]int{
		`a`: 1, `abc`: 4 - 1, `[a-z]`: 1, `a*`: 2, `a{3}`: 4, `a{0,3}`: 7, `a{3,}`: 6, `(ab){2}`: 7, `a|b`: 1, `ab|cd`: 5, `[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?`: 129,
	} {
		if got, err := patternSize(source); err != nil || got != want {
			t.Errorf("%s comes to %d steps (%v), want %d", source, got, err, want)
		}
	}
}
