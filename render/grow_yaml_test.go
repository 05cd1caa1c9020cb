package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// grown is a text's value as JSON, and the line of each of its values; or why it
// is refused.
type grown struct {
	JSON  string
	Lines []int
	Fault string
}

func growText(data string) grown {
	text, err := plainText([]byte(data))
	if err != nil {
		return grown{Fault: err.Error()}
	}
	g := &grower{room: 1000, limit: 1000}
	n, err := g.growYAML(text)
	if err != nil {
		return grown{Fault: err.Error()}
	}
	result := grown{JSON: string(n.encode())}
	n.each(func(n *node) { result.Lines = append(result.Lines, n.line) })
	for _, f := range g.faults {
		result.Fault += Error{Line: f.Line, Field: f.Field, Message: f.Message}.Error()
	}
	return result
}

func TestYAML(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want grown
		// own: kubectl's reader says something else, or nothing.
		own bool
	}{
		"lines are those of keys":  {text: "# x\na:\n  - b: |\n      one\n\n      two\n    c: d\n", want: grown{JSON: `{"a":[{"b":"one\n\ntwo\n","c":"d"}]}`, Lines: []int{2, 2, 3, 3, 7}}},
		"CR alone ends a line":     {text: "a: |\r  x\r  y\r---\rb: 1 # c\rc: 2\r", want: grown{JSON: `[{"a":"x\ny\n"},{"b":1,"c":2}]`, Lines: []int{1, 1, 1, 5, 5, 6}}, own: true},
		"markers within text":      {text: "a: |\n  ---\n  ...\nb: '\n  ---'\n", want: grown{JSON: `{"a":"---\n...\n","b":" ---"}`, Lines: []int{1, 1, 4}}},
		"documents":                {text: "--- # x\na: 1\n...\n--- {b: 2}\n---\n", want: grown{JSON: `[{"a":1},{"b":2},null]`, Lines: []int{1, 2, 2, 4, 4, 6}}, own: true},
		"nothing":                  {text: "# only this\n", want: grown{JSON: `[]`, Lines: []int{1}}, own: true},
		"scalars":                  {text: "[yes, Off, y, true, ~, null, '', 'yes', 0x1f, 010, 1_000, -7, 1.50, 1e3, 12e03, 2026-01-31, 1:30, .5, '7', =]", want: grown{JSON: `[true,false,true,true,null,null,"","yes",31,8,1000,-7,1.5,1000,12000,"2026-01-31","1:30",0.5,"7","="]`, Lines: ones(21)}},
		"tags of YAML's own":       {text: "[!!str yes, !!str 7, !!int '7', !!float 1, !!binary aGk=, !!bool on]", want: grown{JSON: `["yes","7",7,1,"hi",true]`, Lines: ones(7)}, own: true},
		"keys":                     {text: "{1: a, yes: b, 1.5: c, 'x y': d}", want: grown{JSON: `{"1":"a","true":"b","1.5":"c","x y":"d"}`, Lines: ones(5)}, own: true},
		"a merge":                  {text: "a: &a\n  x: 1\n  v: 1\nb:\n  v: 2\n  <<: *a\n", want: grown{JSON: `{"a":{"x":1,"v":1},"b":{"v":2,"x":1}}`, Lines: []int{1, 1, 2, 3, 4, 5, 2}}, own: true},
		"an override after it":     {text: "a: &a {x: 1, v: 1}\nb:\n  <<: *a\n  v: 2\n", want: grown{JSON: `{"a":{"x":1,"v":1},"b":{"v":2,"x":1}}`, Lines: []int{1, 1, 1, 1, 2, 4, 1}}},
		"merges, the first counts": {text: "a: &a {x: 1}\nb: &b {x: 2, v: 2}\nc: {<<: [*a, *b], z: 3}", want: grown{JSON: `{"a":{"x":1},"b":{"x":2,"v":2},"c":{"z":3,"x":1,"v":2}}`, Lines: []int{1, 1, 1, 2, 2, 2, 3, 3, 1, 2}}},
		"a merge of a merge":       {text: "a: &a {x: 1}\nb: &b {<<: *a, v: 2}\nc: {<<: *b, x: 3}", want: grown{JSON: `{"a":{"x":1},"b":{"v":2,"x":1},"c":{"x":3,"v":2}}`, Lines: []int{1, 1, 1, 2, 2, 1, 3, 3, 2}}},
		"<< in quotes is a key":    {text: "a: {'<<': 1}", want: grown{JSON: `{"a":{"\u003c\u003c":1}}`, Lines: ones(3)}},
		"an alias":                 {text: "a: &a [1,\n 2]\nb: *a\n", want: grown{JSON: `{"a":[1,2],"b":[1,2]}`, Lines: []int{1, 1, 1, 2, 3, 1, 2}}},
		"duplicate keys":           {text: "a: {x: 1,\n x: 2}\n", want: grown{JSON: `{"a":{"x":1}}`, Lines: ones(3), Fault: ":2: a.x: duplicate field"}, own: true},
		"two merges":               {text: "a: &a {x: 1}\nb: {<<: *a, <<: *a}\n", want: grown{JSON: `{"a":{"x":1},"b":{"x":1}}`, Lines: []int{1, 1, 1, 2, 1}, Fault: ":2: b.<<: duplicate field"}, own: true},
		"a merge of no mapping":    {text: "a: 1\nb: {<<: [1]}", want: grown{Fault: "line 2: << takes a mapping, or a list of mappings"}},
		"an alias of itself":       {text: "a: 1\nb: &b [*b]", want: grown{Fault: `line 2: the value of the anchor "b" contains itself`}, own: true},
		"a merge of itself":        {text: "a: &a {<<: *a}", want: grown{Fault: `line 1: the value of the anchor "a" contains itself`}, own: true},
		"a tag of one's own":       {text: "a: 1\nb: !Ref x", want: grown{Fault: "line 2: the tag !Ref means nothing here"}, own: true},
		"a set":                    {text: "a: !!set {x, y}", want: grown{Fault: "line 1: the tag !!set means nothing here"}, own: true},
		"no number":                {text: "a: 1\nb: .inf", want: grown{Fault: "line 2: .inf is no number that JSON knows"}},
		"a wrong tag":              {text: "a: !!int x", want: grown{Fault: "line 1: x is no int"}},
		"a key that is a list":     {text: "a: 1\n? [x]\n: 1", want: grown{Fault: "line 2: a key must be text"}},
		"NEL":                      {text: "a: 1\nb: 2\u0085---\u0085c: 1", want: grown{Fault: `line 2: U+0085 ends a line to some readers of YAML and not to others: write it as "\u0085" in double quotes`}, own: true},
		"LS":                       {text: "a: 1\u2028---\u2028b: 1", want: grown{Fault: `line 1: U+2028 ends a line to some readers of YAML and not to others: write it as "\u2028" in double quotes`}, own: true},
		"escaped":                  {text: `a: "\u0085\u2028\u001b"`, want: grown{JSON: `{"a":"` + "\u0085" + `\u2028\u001b"}`, Lines: ones(2)}, own: true},
		"a control character":      {text: "a: 1\nb: \x1b[1m", want: grown{Fault: `line 2: U+001B is not allowed in YAML: write it as "\u001B" in double quotes`}},
		"syntax":                   {text: "a: 1\nb: [\n", want: grown{Fault: "line 2: did not find expected node content"}},
		"syntax of the second":     {text: "a: 1\n---\nb: }\n", want: grown{Fault: "line 3: did not find expected node content"}, own: true},
		"deep":                     {text: strings.Repeat("[", 102) + strings.Repeat("]", 102), want: grown{Fault: "line 1: the output is nested more than 100 deep"}, own: true},
		"as deep as may be":        {text: strings.Repeat("[", 101) + strings.Repeat("]", 101), want: grown{JSON: strings.Repeat("[", 101) + strings.Repeat("]", 101), Lines: ones(101)}},
		"many values": {
			text: "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n",
			want: grown{Fault: "line 3: the commit renders more than 1000 values, counting what an alias stands for each time"}, own: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, growText(test.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			kubectl, err := yaml.YAMLToJSON([]byte(test.text))
			if test.own {
				return
			}
			if (err != nil) != (test.want.Fault != "") {
				t.Errorf("kubectl reads %s, %v", kubectl, err)
			}
			if err == nil {
				sorted, err := yaml.YAMLToJSON([]byte(test.want.JSON))
				if diff := cmp.Diff(string(kubectl), string(sorted)); diff != "" || err != nil {
					t.Errorf("%v (-kubectl +own):\n%s", err, diff)
				}
			}
		})
	}
}

func ones(n int) []int {
	lines := make([]int, n)
	for i := range lines {
		lines[i] = 1
	}
	return lines
}
