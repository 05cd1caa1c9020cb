package expr

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObjects(t *testing.T) {
	type outcome struct {
		Objects       []map[string]any
		Compile, Eval string
	}
	tests := map[string]outcome{
		`[body.nested]`: {Objects: []map[string]any{{"a": map[string]any{"b": "c"}}}},
		`body.list.map(n, {'n': n, 'of': body.name, 'half': body.half, 'yes': body.yes})`: {Objects: []map[string]any{
			{"n": int64(1), "of": "web", "half": 1.5, "yes": true}, {"n": int64(2), "of": "web", "half": 1.5, "yes": true},
		}},
		`body.list.filter(n, n > 2).map(n, {'n': n})`: {},
		`body.?events.orValue([])`:                    {},
		`event.sha`:                                   {Compile: "1:1: the result is of type string, but a list of objects is wanted: write it in [ ]"},
		`body.name`:                                   {Eval: "1:1: the result is of type string, but a list of objects is wanted: write it in [ ]"},
		`body.nested`:                                 {Eval: "1:1: the result is of type map, but a list of objects is wanted: write it in [ ]"},
		`body.list`:                                   {Eval: "1:1: element 0 is not an object: make one of it, as in .map(x, {'name': x})"},
		`[body.nested, {1: 2}]`:                       {Eval: "1:1: element 1 is not an object: make one of it, as in .map(x, {'name': x})"},
		`body.missing`:                                {Eval: "1:5: no such key: missing (write body.?name.orValue('') for a field that may be missing)"},
		`body.long.split('').map(c, {'c': c})`:        {Eval: "1:1: the result has 5000 elements, and 100 are the most"},
	}
	env := triggerEnv(t)
	for src, want := range tests {
		t.Run(src, func(t *testing.T) {
			objects, err := env.CompileObjects(src)
			got := outcome{Compile: message(err)}
			if err == nil {
				got.Objects, err = objects.Eval(vars(t))
				got.Eval = message(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What an expression has made of a body is a body for others.
func TestObjectsAreBodies(t *testing.T) {
	env := triggerEnv(t)
	objects, err := env.CompileObjects(`[{'list': body.list, 'own': {'a': [body.whole]}, 'none': body.nothing}]`)
	if err != nil {
		t.Fatal(err)
	}
	made, err := objects.Eval(vars(t))
	if err != nil {
		t.Fatal(err)
	}
	param, err := env.CompileParam(`string(body.list[1]) + '/' + string(body.own.a[0]) + '/' + string(body.none == null)`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := param.Eval(Vars{Body: made[0]}); err != nil || got != "2/12345678901234567/true" {
		t.Errorf("got %q, %v", got, err)
	}
}

// FuzzObjects checks that no expression and no body gives more objects than there may be.
func FuzzObjects(f *testing.F) {
	for _, seed := range []string{`body.a`, `body.a.map(x, {'x': x})`, `[body]`, `[{1: 2}]`, `body.?a.orValue([])`, `[{'a': body}, {}]`} {
		f.Add(seed, `{"a": [{"b": 1}, "x", null]}`)
	}
	env := triggerEnv(f)
	f.Fuzz(func(t *testing.T, src, raw string) {
		objects, err := env.CompileObjects(src)
		if err != nil {
			return
		}
		body, err := DecodeJSON([]byte(raw))
		if err != nil {
			return
		}
		made, err := objects.Eval(Vars{Body: body})
		if len(made) > MaxObjects || err != nil && made != nil {
			t.Errorf("%d objects and the error %v", len(made), err)
		}
	})
}
