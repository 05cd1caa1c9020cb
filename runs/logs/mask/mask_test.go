package mask_test

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/runs/logs/mask"
)

func masker(t testing.TB, values ...string) *mask.Masker {
	t.Helper()
	all := make([][]byte, 0, len(values))
	for _, value := range values {
		all = append(all, []byte(value))
	}
	m, known := mask.New(all)
	if !known {
		t.Fatal("the values are too large")
	}
	return m
}

const (
	key    = "-----BEGIN KEY-----\nMIIBOgIBAAJBAK\n  indented line\nabc\n-----END KEY-----\n"
	docker = `{"auths":{"registry.example.com":{"username":"robot","password":"s3cr3t-pw","auth":"cm9ib3Q6czNjcjN0LXB3"}}}`
)

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789abcdef", 8)
	for name, tt := range map[string]struct {
		values     []string
		line, want string
	}{
		"nothing to mask":             {nil, "ok", "ok"},
		"no value":                    {[]string{"hunter22"}, "hunter2 and hunter 22", "hunter2 and hunter 22"},
		"a value":                     {[]string{"hunter22"}, "login with hunter22!", "login with ***!"},
		"twice":                       {[]string{"hunter22"}, "hunter22 hunter22", "*** ***"},
		"side by side":                {[]string{"hunter22"}, "xhunter22hunter22x", "x***x"},
		"the least":                   {[]string{"abcdef"}, "abcdef", "***"},
		"less than that":              {[]string{"abcde"}, "abcde", "abcde"},
		"empty":                       {[]string{"", "\n"}, "abc", "abc"},
		"with a newline at its end":   {[]string{"hunter22\n"}, "hunter22", "***"},
		"the longest of many":         {[]string{"hunter", "hunter22", "hunter2"}, "hunter222", "***2"},
		"that overlap":                {[]string{"abcdefgh", "efghijkl", "ijklmn"}, ">abcdefghijklmn<", ">***<"},
		"one within another":          {[]string{"abcdefgh", "bcdefg"}, "abcdefgh bcdefg", "*** ***"},
		"a line of several":           {[]string{key}, "MIIBOgIBAAJBAK", "***"},
		"a line that is indented":     {[]string{key}, "> indented line", "> ***"},
		"all in one line":             {[]string{key}, `"-----BEGIN KEY-----\nMIIBOgIBAAJBAK\n  indented line\nabc\n-----END KEY-----\n"`, `"***\n***\n  ***\nabc\n***\n"`},
		"coloured inside":             {[]string{"hunter22"}, "hun\x1b[31mter\x1b[0m22", "***"},
		"with what nobody sees":       {[]string{"hunter22"}, "hunt\u200ber\x0022", "***"},
		"has what nobody sees":        {[]string{"hun\u200bter22"}, "hunter22", "***"},
		"in base64":                   {[]string{"hunter22"}, b64("hunter22"), "***"},
		"in base64 by echo":           {[]string{"hunter22"}, b64("hunter22\n"), "***"},
		"in base64 for addresses":     {[]string{"hunter22>>>???"}, base64.RawURLEncoding.EncodeToString([]byte("hunter22>>>???")), "***"},
		"in base64, with a user":      {[]string{"hunter22"}, "Basic " + b64("me:hunter22"), "Basic bWU6***"},
		"in base64, in the middle":    {[]string{"hunter22"}, b64("user:hunter22,x"), "dXNlcjp***ix4"},
		"in base64 of several":        {[]string{key}, b64(key), "***"},
		"in base64, wrapped":          {[]string{long}, b64(long)[76:152], "***"},
		"in base64, wrapped by 64":    {[]string{long}, b64(long)[64:128], "***"},
		"in base64, wrapped, its end": {[]string{long[:100]}, b64(long[:100] + "\n")[76:], "***"},
		"in base64, wrapped, by DOS":  {[]string{long[:100]}, b64(long[:100] + "\r\n")[76:], "***"},
		"lines of a carriage return":  {[]string{"hunter22\rhunter33"}, `hunter22\rhunter33`, `***\r***`},
		"quoted by a shell":           {[]string{"it's hunter22"}, `+ login 'it'\''s hunter22' 'it'"'"'s hunter22'`, "+ login '***' '***'"},
		"in JSON of most programs":    {[]string{`<"&größe">`}, `"<\"&größe\">" "<\"&gr\u00f6\u00dfe\">"`, `"***" "***"`},
		"in a path of an address":     {[]string{"p s&w/rd,x"}, "/p%20s%26w%2Frd%2Cx", "/***"},
		"of a setting":                {[]string{"export TOKEN='hunter22'\npassword: \"hunter 33\"\nMODE=on"}, "hunter22 hunter 33 on", "*** *** on"},
		"of an address":               {[]string{"postgres://me:hunter22@db/web", "URL=https://me:hunter33@example.com"}, "me hunter22 hunter33", "me *** ***"},
		"in an address":               {[]string{"p@ss w/rd"}, "https://me:p%40ss+w%2Frd@git.example.com p%40ss%20w%2Frd", "https://me:***@git.example.com ***"},
		"in JSON":                     {[]string{`say "hi"`}, `{"a":"say \"hi\""}`, `{"a":"***"}`},
		"a registry's password":       {[]string{docker}, "docker login -u robot -p s3cr3t-pw", "docker login -u robot -p ***"},
		"a registry's login":          {[]string{docker}, "Basic cm9ib3Q6czNjcjN0LXB3", "Basic ***"},
		"a registry's login alone":    {[]string{strings.Replace(docker, `"password":"s3cr3t-pw",`, "", 1)}, "s3cr3t-pw", "***"},
		"JSON that is none":           {[]string{`{"a":`}, `{"a":`, `{"a":`},
		"stars that make a value":     {[]string{"hunter22", "x***y-z"}, "xhunter22y-z", "***"},
		"binary":                      {[]string{"\xff\xfe\xfd\xfc\xfb\xfa\xf9"}, b64("\xff\xfe\xfd\xfc\xfb\xfa\xf9"), "***"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := masker(t, tt.values...).Line(tt.line, 1000); got != tt.want {
				t.Errorf("%q becomes %q, want %q", tt.line, got, tt.want)
			}
		})
	}
}

func TestTooMuch(t *testing.T) {
	t.Parallel()
	half := []byte(strings.Repeat("x", 600_000))
	if _, known := mask.New([][]byte{half, half}); known {
		t.Error("1.2 MB are taken")
	}
}

// TestLongLine: what is cut off takes no part of a value with it.
func TestLongLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"token hunter22 is it":     "token *** …",
		"the token: hunter22":      "the token: ***…",
		"here's a token: hunter22": "here's a token:…",
		"größe und größer":         "größe und gr…",
		"exactly this":             "exactly this",
	} {
		if got := masker(t, "hunter22", key).Line(line, 15); got != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
	long := strings.Repeat("0123456789abcdef", 40)
	if got := masker(t, long).Line("x"+long+"x", 700); got != "x***x" {
		t.Errorf("a long value becomes %q", got)
	}
}

// TestMuch: many lines that begin alike are found as soon as a few.
func TestMuch(t *testing.T) {
	t.Parallel()
	var value strings.Builder
	for i := range 8000 {
		value.WriteString(strings.Repeat(" ", 8) + strings.Repeat("a", 20+i%80) + "\n")
	}
	if got := masker(t, value.String()).Line(strings.Repeat("a", 20_000), 10_000); got != "***…" {
		t.Errorf("%.100q is left", got)
	}
}

// FuzzLine checks that no value survives, in whatever it stands.
func FuzzLine(f *testing.F) {
	f.Add("hunter22", "abcdefgh", "login ", " \x1b[1m")
	f.Add("***aaaa", "aaaa***", "***", "")
	f.Add(key, docker, "", "\r")
	f.Fuzz(func(t *testing.T, a, b, before, after string) {
		if len(a)+len(b)+len(before)+len(after) > 4000 {
			t.Skip()
		}
		m := masker(t, a, b)
		for _, form := range seen(a, b) {
			for _, line := range []string{before + form + after, form[:len(form)/2] + after + form[len(form)/2:], a + form + b} {
				got := m.Line(line, len(line))
				for _, value := range seen(a, b) {
					if strings.Contains(got, value) {
						t.Fatalf("%q is in %q, of %q", value, got, line)
					}
				}
			}
		}
	})
}

// seen is how values may stand in a line.
func seen(values ...string) []string {
	var all []string
	for _, value := range values {
		for line := range strings.SplitSeq(value, "\n") {
			line = strings.TrimSpace(printable.Strip(line))
			all = append(all, line, url.QueryEscape(line), b64(line))
		}
		all = append(all, b64(value))
	}
	// Those that are too short to be masked may be anywhere.
	return slices.DeleteFunc(all, func(form string) bool {
		decoded, err := base64.StdEncoding.DecodeString(form)
		return len(form) < mask.Least || err == nil && len(strings.TrimRight(string(decoded), "\r\n")) < mask.Least
	})
}
