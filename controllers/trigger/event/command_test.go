package event

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommand(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"alone":                       {"/test", "test"},
		"with words":                  {"/test  web\tapi ", "test web api"},
		"in capitals":                 {"/Ok-To-Test 6113728", "ok-to-test 6113728"},
		"behind text":                 {"Looks good.\r\n\r\n/retest\r\nThanks!", "retest"},
		"old line ends":               {"Looks good.\r/retest", "retest"},
		"the first":                   {"/retest\n/cancel", "retest"},
		"indented by three":           {"   /test", "test"},
		"not a word":                  {"/etc/passwd is a file", ""},
		"a path":                      {"/test.go", ""},
		"a rule":                      {"//test", ""},
		"within a line":               {"please /test", ""},
		"a list":                      {"- /test", ""},
		"a number":                    {"/1", ""},
		"nothing":                     {"", ""},
		"a slash":                     {"/", ""},
		"a space":                     {"/ test", ""},
		"a long word":                 {"/" + strings.Repeat("t", 65), ""},
		"no space as Markdown has it": {"/test\u00a0web", ""},
		"quotes stay":                 {`/test "$(id)" ` + "\u202eweb", `test "$(id)" ` + "\u202eweb"},
		"indented code":               {"    /test", ""},
		"a tab":                       {"\t/test", ""},
		"other spaces":                {"\v/test\n\u00a0/test\n\f/test", ""},
		"a space and a tab":           {" \t/test", ""},
		"a fence":                     {"```\n/test\n```", ""},
		"a fence with a language":     {"```sh\n/test\n```\n/retest", "retest"},
		"tildes":                      {"~~~\n/test\n```\n/test\n~~~\n/cancel", "cancel"},
		"a longer fence":              {"````\n```\n/test\n````\n/cancel", "cancel"},
		"a longer end":                {"```\n/test\n`````\n/cancel", "cancel"},
		"an end with text":            {"```\n/test\n``` x\n/test", ""},
		"an indented end":             {"```\n    ```\n/test", ""},
		"no end":                      {"```\n/test", ""},
		"code in a line":              {"```js```\n/test", "test"},
		"a quote":                     {"> /test", ""},
		"a quote goes on":             {"> please\n/test", ""},
		"a quote ends":                {"> please\n\n/test", "test"},
		"a fence in a quote":          {"> ```\n\n/test", "test"},
		"a fence ends a quote":        {"> please\n```\n```\n/test", "test"},
		"a comment":                   {"<!-- /test -->", ""},
		"a comment of lines":          {"<!--\n/test\n-->\n/cancel", "cancel"},
		"a comment from a line on":    {"text <!--\n/test", ""},
		"behind a comment":            {"<!-- a --> /test", ""},
		"behind its end":              {"<!--\n--> /test", ""},
		"before a comment":            {"/test web <!-- api\n-->", "test web"},
		"around a comment":            {"/test web <!-- api --> db<!-- x -->s", "test web db s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found, args := command(tt.body)
			if diff := cmp.Diff(tt.want, strings.Join(append([]string{found}, args...), " ")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCommandIsBounded(t *testing.T) {
	if _, args := command("/test" + strings.Repeat(" a", 10_000)); len(args) != maxArgs {
		t.Errorf("%d arguments, want %d", len(args), maxArgs)
	}
}

// FuzzCommand checks that whatever a comment says, its command is a word of a line that
// begins with it.
func FuzzCommand(f *testing.F) {
	for _, seed := range []string{"/test web", "```\n/test\n```\r\n/retest", "> a\n/x\n\n/ok-to-test 6113728", "<!-- /a -->\n/b", "\t/c\n   /d e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		name, args := command(body)
		if name == "" && len(args) == 0 {
			return
		}
		if len(args) > maxArgs || !commandPattern.MatchString("/"+name) || name != strings.ToLower(name) {
			t.Errorf("the command %q with %d arguments", name, len(args))
		}
		begins := func(line string) bool {
			line = strings.TrimLeft(line, " ")
			return len(line) > len(name) && line[0] == '/' && strings.EqualFold(line[1:1+len(name)], name)
		}
		if !slices.ContainsFunc(strings.Split(newlines(body), "\n"), begins) {
			t.Errorf("no line of %q begins with /%s", body, name)
		}
	})
}
