package expr

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func triggerEnv(t testing.TB) *Env {
	t.Helper()
	env, err := NewTriggerEnv()
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func vars(t testing.TB) Vars {
	t.Helper()
	body, err := DecodeJSON([]byte(`{
		"name": "web", "whole": 12345678901234567, "huge": 1e300, "half": 1.5, "yes": true, "nothing": null,
		"list": [1, 2], "mixed": ["a", 1], "nested": {"a": {"b": "c"}}, "long": "` + strings.Repeat("x", 5000) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	return Vars{
		Event: Event{
			Kind: "push", Repository: "acme/web", CloneURL: "https://git.example.com/acme/web.git",
			SHA: "8f3c", Ref: "refs/heads/release/1.4", Branch: "release/1.4", Sender: "alex",
			Title: "Fix the build", Message: "Fix the build\n\nIt was broken.", Paths: []string{"go.mod", "src/main.go"},
			PathsComplete: true,
		},
		Body: body,
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParam(t *testing.T) {
	type outcome struct{ Value, Compile, Eval string }
	tests := map[string]outcome{
		`event.sha`:                         {Value: "8f3c"},
		`event.tag`:                         {},
		`event.branch.replace("/", "-")`:    {Value: "release-1.4"},
		`event.sha.substring(0, 2)`:         {Value: "8f"},
		`event.branch.split("/")[1]`:        {Value: "1.4"},
		`event.paths.join(",")`:             {Value: "go.mod,src/main.go"},
		`["", "a", ""].join("-")`:           {Value: "-a-"},
		`event.tag == "" ? "none" : "some"`: {Value: "none"},
		`event.title.upperAscii()`:          {Value: "FIX THE BUILD"},
		`"aaa".replace("a", "b", 2)`:        {Value: "bba"},
		`body.name`:                         {Value: "web"},
		`body.whole`:                        {Value: "12345678901234567"},
		`body.half`:                         {Value: "1.5"},
		`body.yes`:                          {Value: "true"},
		`body.nested.a.b`:                   {Value: "c"},
		`body.?missing.orValue("d")`:        {Value: "d"},
		`1u + 2u`:                           {Value: "3"},
		`event.shaa`: {Compile: "1:6: undefined field 'shaa' " +
			"(event has kind, action, repository, cloneURL, sha, before, mergeSHA, ref, branch, tag, created, forced, sender, title, message, url, paths, pathsComplete, pullRequest, comment, release; event.pullRequest has number, title, author, draft, head, base, headRepository, fork, labels, url; event.comment has body, author, command, args; event.release has name, tag, draft, prerelease, url)"},
		"'x'\n + evnt": {Compile: "2:4: undeclared reference to 'evnt' (the variables are event and body; text stands in quotes)"},
		`'a' + 1`:      {Compile: "1:5: found no matching overload for '_+_' applied to '(string, int)' (convert a side with string(), int() or double())"},
		`event.paths`: {Compile: "1:1: the result is of type list(string), but a parameter is a string, number or bool: " +
			"pick one element, or join a list of strings with .join(',')"},
		` `:                      {Compile: `1:1: the expression is empty: write a value in quotes, such as '"main"', or a field, such as event.sha`},
		`event.sha.matches("(")`: {Compile: "1:19: matches: missing closing )"},
		`"%s".format(["a"])`:     {Compile: "1:12: undeclared reference to 'format' (the variables are event and body; text stands in quotes)"},
		`[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))`: {Compile: "1:41: comprehension exceeds nesting limit"},
		`body.missing`:                     {Eval: "1:5: no such key: missing (write body.?name.orValue('') for a field that may be missing)"},
		`body.list`:                        {Eval: "1:1: the result is not a string, number or bool: choose one of its fields or elements"},
		`body.nothing`:                     {Eval: "1:1: the result is not a string, number or bool: choose one of its fields or elements"},
		`event.message.split(" ")[9]`:      {Eval: "1:25: index out of bounds: 9"},
		`int(body.name)`:                   {Eval: "1:4: type conversion error from 'string' to 'int'"},
		`"a\u0000b"`:                       {Eval: "1:1: the result contains a NUL character, which no environment variable can hold: remove it"},
		`body.long.replace("", body.long)`: {Eval: "1:18: replace: the result would have 25010000 bytes or more, and 1048576 is the limit"},
		`body.list.join(",")`:              {Eval: "1:15: no such overload: join(list, string)"},
		`body.mixed.join(",")`:             {Eval: "1:16: join: an element is not a string: convert it with .map(x, string(x))"},
		`body.long + body.long + body.long + body.long + body.long + body.long + body.long`: {
			Eval: "1:1: the result has 35000 bytes, and a parameter 32768 at most: hand on less, such as an address",
		},
	}
	env := triggerEnv(t)
	for src, want := range tests {
		t.Run(src, func(t *testing.T) {
			var got outcome
			param, err := env.CompileParam(src)
			got.Compile = message(err)
			if err == nil {
				got.Value, err = param.Eval(vars(t))
				got.Eval = message(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCondition(t *testing.T) {
	type outcome struct {
		Holds         bool
		Compile, Eval string
	}
	tests := map[string]outcome{
		`event.branch.startsWith("release/")`:          {Holds: true},
		`event.paths.exists(p, p.startsWith("docs/"))`: {},
		`body.half > 1`:         {Holds: true},
		`has(body.missing)`:     {},
		`body.yes`:              {Holds: true},
		`event.sha`:             {Compile: "1:1: the result is of type string, but a condition is true or false: compare it with something"},
		`body.name`:             {Eval: "1:1: the result is of type string, but a condition is true or false: compare it with something"},
		`event.branch = "main"`: {Compile: "1:14: Syntax error: token recognition error at: '= '; 1:16: Syntax error: extraneous input a text expecting <EOF>"},
		`body.missing == "a" || event.sender == "alex"`:    {Holds: true},
		`body.list.all(x, x > 0) && body.list.size() == 2`: {Holds: true},
	}
	env := triggerEnv(t)
	for src, want := range tests {
		t.Run(src, func(t *testing.T) {
			var got outcome
			condition, err := env.CompileCondition(src)
			got.Compile = message(err)
			if err == nil {
				got.Holds, err = condition.Eval(vars(t))
				got.Eval = message(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A list of paths that may lack some never makes a condition true or false.
func TestUnknownPaths(t *testing.T) {
	env, some := triggerEnv(t), vars(t)
	some.Event.PathsComplete = false
	for src, want := range map[string]error{
		`event.paths.exists(p, p.startsWith("docs/"))`:                                ErrPathsUnknown,
		`!event.paths.exists(p, p.startsWith("src/"))`:                                ErrPathsUnknown,
		`event.paths.all(p, p.matches("^src/"))`:                                      ErrPathsUnknown,
		`event.paths.filter(p, p.startsWith("docs/")).size() == 0`:                    ErrPathsUnknown,
		`[event].all(e, e.paths.size() > 1)`:                                          ErrPathsUnknown,
		`event.paths.join(",").replace("a", "b") == body.list[0]`:                     ErrPathsUnknown,
		`event.paths.map(p, p + "x") == [] || event.branch == "main"`:                 ErrPathsUnknown,
		`[1, 2].exists(i, event.paths.size() == i)`:                                   ErrPathsUnknown,
		`event.branch == "release/1.4" || "docs" in event.paths`:                      nil,
		`!("docs" in event.paths && event.tag != "")`:                                 nil,
		`!event.pathsComplete`:                                                        nil,
		`event.paths.exists(p, p.startsWith("docs/")) || event.title.startsWith("F")`: nil,
	} {
		condition, err := env.CompileCondition(src)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		if holds, err := condition.Eval(some); !errors.Is(err, want) || holds != (want == nil) {
			t.Errorf("%s is %v with the error %v, want %v", src, holds, err, want)
		}
	}
	param, err := env.CompileParam(`event.paths.join(",")`)
	if err != nil {
		t.Fatal(err)
	}
	if value, err := param.Eval(some); err != nil || value != "go.mod,src/main.go" {
		t.Errorf("a parameter is %q of the paths that are known, with the error %v", value, err)
	}
}

func TestLimits(t *testing.T) {
	env := triggerEnv(t)

	t.Run("source length", func(t *testing.T) {
		if _, err := env.CompileParam(`"` + strings.Repeat("a", MaxSourceLength) + `"`); err == nil {
			t.Error("an expression beyond the limit compiled")
		}
		if _, err := env.CompileParam(`"` + strings.Repeat("a", MaxSourceLength-2) + `"`); err != nil {
			t.Errorf("an expression of just the limit: %v", err)
		}
	})

	t.Run("iterations", func(t *testing.T) {
		condition, err := env.CompileCondition(`body.all(a, body.all(b, body.all(c, a + b + c >= 0)))`)
		if err != nil {
			t.Fatal(err)
		}
		numbers := make([]any, 200)
		for i := range numbers {
			numbers[i] = int64(i)
		}
		_, err = condition.Eval(Vars{Body: numbers})
		want := "1:1: the evaluation takes too many steps, of which the expressions of one object have 1000000: look at fewer elements or shorter strings"
		if diff := cmp.Diff(want, message(err)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})

	t.Run("cost of string functions", func(t *testing.T) {
		condition, err := env.CompileCondition(`body.all(x, body[0].lowerAscii().trim() != "y")`)
		if err != nil {
			t.Fatal(err)
		}
		strs := make([]any, 50)
		for i := range strs {
			strs[i] = strings.Repeat("X", 100_000)
		}
		if _, err = condition.Eval(Vars{Body: strs}); !strings.Contains(message(err), "takes too many steps") {
			t.Errorf("ten megabytes of string work ended with %v", err)
		}
	})

	t.Run("error length", func(t *testing.T) {
		param, err := env.CompileParam(`body[event.message]`)
		if err != nil {
			t.Fatal(err)
		}
		_, err = param.Eval(Vars{Event: Event{Message: strings.Repeat("é", 10_000)}, Body: map[string]any{}})
		if len(message(err)) == 0 || len(message(err)) > 2*maxErrorLength {
			t.Errorf("the error has %d bytes", len(message(err)))
		}
	})
}

func TestDecodeJSON(t *testing.T) {
	type outcome struct {
		Value any
		Err   string
	}
	tests := map[string]outcome{
		`{"a": [1, 1.5, "x", null, true, {"b": -2}]}`: {
			Value: map[string]any{"a": []any{int64(1), 1.5, "x", nil, true, map[string]any{"b": int64(-2)}}},
		},
		`18446744073709551615`: {Value: 18446744073709551615.0},
		`{} {}`:                {Err: "decode JSON: invalid character '{' after top-level value"},
		`{"a": 1e999}`:         {Err: "decode JSON: a number is too large"},
		`{"a":`:                {Err: "decode JSON: unexpected end of JSON input"},
		``:                     {Err: "decode JSON: unexpected end of JSON input"},
		"[" + strings.Repeat("{},", maxValues/2) + "{}]": {Err: "decode JSON: it holds more than 500000 values"},
		`["` + strings.Repeat(",", maxText) + `"]`:       {Value: []any{strings.Repeat(",", maxText)}},
		`{"` + strings.Repeat(`\"`, maxText/2) + `a":1}`: {Err: "decode JSON: a text has more than 1048576 bytes"},
		`["\`:                       {Err: "decode JSON: invalid character ' ' in string escape code"},
		strings.Repeat("[", 20_000): {Err: "decode JSON: it is nested more than 100 deep"},
		"[" + strings.Repeat(`{"a":1},`, maxValues/4) + "0]": {Err: "decode JSON: it takes more than 64 MiB of memory"},
	}
	for raw, want := range tests {
		t.Run(raw[:min(len(raw), 30)], func(t *testing.T) {
			value, err := DecodeJSON([]byte(raw))
			if diff := cmp.Diff(want, outcome{Value: value, Err: message(err)}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// FuzzParam checks that no expression and no body gets around the limits of a
// parameter's value, or past an error into a panic.
func FuzzParam(f *testing.F) {
	for _, seed := range []string{
		`event.sha`, `body.a`, `event.paths.map(p, p + p).join("")`, `body.a.replace("", event.message)`,
		`"a".matches(body.a)`, `body.?a[?0].orValue(1)`, `expr.Event{sha: "x"}.sha`, `duration("1s") + body`,
	} {
		f.Add(seed, `{"a": ["x", 1, null]}`)
	}
	env := triggerEnv(f)
	f.Fuzz(func(t *testing.T, src, raw string) {
		param, err := env.CompileParam(src)
		if err != nil {
			return
		}
		body, err := DecodeJSON([]byte(raw))
		if err != nil {
			return
		}
		value, err := param.Eval(Vars{Event: Event{Message: "m", Paths: []string{"a", "b"}}, Body: body})
		if err != nil && value != "" {
			t.Errorf("both a value %q and an error %v", value, err)
		}
		if len(value) > MaxResultLength || strings.ContainsRune(value, 0) {
			t.Errorf("a value of %d bytes got through", len(value))
		}
	})
}
