package render_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kayci/kayci/render"
)

// TestBombs has the child die in every way that a file can have it die.
func TestBombs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file    string
		limits  render.Limits
		timeout time.Duration
		want    string
	}{
		"recursion":           {file: "local f(x) = f(x + 1) + 1; f(0)", want: "bomb.jsonnet:1: max stack frames exceeded."},
		"recursion of fields": {file: "{ a: self.b, b: self.a }", want: "bomb.jsonnet:1: max stack frames exceeded."},
		"recursive value":     {file: "local x = { a: x }; x", want: "max stack frames exceeded."},
		"endless loop":        {file: "local f(n) = if n == 0 then 0 else f(n - 1) + f(n - 1); f(100)", timeout: 2 * time.Second, want: "bomb.jsonnet: the evaluation did not finish in time"},
		"a huge string":       {file: "std.length(std.repeat('x', 1000000000))", want: "bomb.jsonnet: the evaluation needs more than 128 MiB of memory"},
		"a doubling string":   {file: "std.length(std.foldl(function(s, i) s + s, std.range(1, 60), 'xxxxxxxx'))", want: "bomb.jsonnet: the evaluation needs more than 128 MiB of memory"},
		"a huge array":        {file: "std.length([{ a: i } for i in std.range(1, 1000000000)])", want: "bomb.jsonnet: the evaluation needs more than 128 MiB of memory"},
		"a large output":      {file: "local s = std.repeat('x', 100000); [std.parseYaml(\"" + trigger + "\") { metadata: { name: 't%d' % i, annotations: { x: s } } } for i in std.range(1, 60)]", limits: render.Limits{Memory: 512 << 20}, want: "bomb.jsonnet: the output of all files is more than 4 MiB"},
		"nested parentheses":  {file: strings.Repeat("(", 1<<20), limits: render.Limits{Memory: 1 << 30}, want: "bomb.jsonnet: the evaluation ran out of stack: the file nests or recurses too deeply"},
		"nested arrays":       {file: strings.Repeat("[", 1<<20), limits: render.Limits{Memory: 1 << 30}, want: "bomb.jsonnet: the evaluation ran out of stack: the file nests or recurses too deeply"},
		"deep output":         {file: "std.foldl(function(a, i) [a], std.range(1, 400), 1)", want: "bomb.jsonnet: the output is nested more than 100 deep"},
		"a YAML bomb":         {file: "std.parseYaml(importstr 'bomb.txt')", want: "bomb.jsonnet"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options(t, repository(t, map[string]string{
				"a.jsonnet": "[]", "bomb.jsonnet": test.file, "z.jsonnet": "[]", "bomb.txt": yamlBomb(),
			}))
			opts.Limits = test.limits
			if opts.Limits.Memory == 0 {
				opts.Limits.Memory = 128 << 20
			}
			opts.Limits.Output = 4 << 20
			ctx := testContext(t)
			if test.timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.timeout)
				defer cancel()
			}
			result, err := render.Render(ctx, opts)
			if err == nil || !strings.Contains(err.Error(), test.want) || len(result.Objects) > 0 {
				t.Errorf("got %d objects and error %v, want error %q", len(result.Objects), err, test.want)
			}
			if got := errors.Is(err, context.DeadlineExceeded); got != (test.timeout > 0) {
				t.Errorf("is a deadline error: %v", got)
			}
		})
	}
}

func yamlBomb() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := '1'; i <= '9'; i++ {
		a := "*a" + string(i-1)
		text += "a" + string(i) + ": &a" + string(i) + " [" + a + strings.Repeat(", "+a, 9) + "]\n"
	}
	return text
}
