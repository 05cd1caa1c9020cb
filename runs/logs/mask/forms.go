package mask

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/kayci/kayci/api/printable"
)

// forms are the texts that a value may be seen as.
type forms []string

// add takes the forms of a value.
func (f *forms) add(value string) {
	f.lines(value)
	var parsed any
	if trimmed := strings.TrimSpace(value); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if json.Unmarshal([]byte(trimmed), &parsed) == nil {
			f.leaves("", parsed)
		}
	}
}

// lines takes a value of one line or of several.
func (f *forms) lines(value string) {
	f.encoded(value)
	for line := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == '\n' || r == '\r' }) {
		f.text(line)
		f.parts(line)
	}
}

// setting is a line of a file that gives a name a value, as those of .env and YAML do.
var setting = regexp.MustCompile(`^\s*(?:export\s+)?["']?[\w./-]+["']?\s*[=:]\s*["']?(.*?)["']?\s*$`)

// parts takes what a setting is set to, and the password of an address.
func (f *forms) parts(line string) {
	line = strings.TrimSpace(line)
	if found := setting.FindStringSubmatch(line); found != nil && !strings.HasPrefix(found[1], "//") {
		line = found[1]
		f.text(line)
	}
	address, err := url.Parse(line)
	if err != nil || address.User == nil {
		return
	}
	password, _ := address.User.Password()
	f.text(password)
}

// leaves takes the texts of JSON, as the password of a registry is one. Key is what the
// value is called there.
func (f *forms) leaves(key string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, each := range value {
			f.leaves(key, each)
		}
	case []any:
		for _, each := range value {
			f.leaves("", each)
		}
	case string:
		f.lines(value)
		if key == "auth" {
			f.login(value)
		}
	}
}

// login takes a registry's user and password, which stand together in base64.
func (f *forms) login(auth string) {
	decoded, err := base64.StdEncoding.DecodeString(auth)
	if err != nil {
		return
	}
	if _, password, found := strings.Cut(string(decoded), ":"); found {
		f.text(password)
	}
}

// text takes one line, as a program prints it.
func (f *forms) text(line string) {
	line = strings.TrimSpace(printable.Strip(line))
	f.one(line)
	f.one(url.QueryEscape(line))
	f.one(strings.ReplaceAll(url.QueryEscape(line), "+", "%20"))
	f.one(strings.TrimPrefix(url.UserPassword("", line).String(), ":"))
	// JSON by Go, by most others, and in ASCII.
	if quoted, err := json.Marshal(line); err == nil {
		f.one(string(quoted[1 : len(quoted)-1]))
	}
	for _, quoted := range []string{strconv.Quote(line), strconv.QuoteToASCII(line)} {
		f.one(quoted[1 : len(quoted)-1])
	}
	// Shells that print what they run (set -x).
	f.one(strings.ReplaceAll(line, "'", `'\''`))
	f.one(strings.ReplaceAll(line, "'", `'"'"'`))
	f.encoded(line)
}

// encoded takes what is base64 of the value, alone or with something before and behind
// it, and each line of it where it is wrapped, as the program base64 does.
func (f *forms) encoded(value string) {
	value = strings.TrimRight(value, "\r\n")
	if len(value) < Least {
		return
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for _, end := range []string{"", "\n", "\r\n"} {
			padded := encoding.EncodeToString([]byte(value + end))
			f.one(padded)
			f.one(strings.TrimRight(padded, "="))
			f.wrapped(padded, 64)
			f.wrapped(padded, 76)
		}
		for before := range 3 {
			inside := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + value))
			// The characters at the ends hold bits of their neighbours.
			bits := 8 * (before + len(value))
			f.one(inside[(8*before+5)/6 : bits/6])
		}
	}
}

func (f *forms) wrapped(encoded string, width int) {
	if len(encoded) <= width {
		return
	}
	for len(encoded) > 0 {
		n := min(width, len(encoded))
		f.one(encoded[:n])
		encoded = encoded[n:]
	}
}

// one takes a text that is long enough to be told from others, in pieces if it is very
// long: side by side they are found as the whole would be.
func (f *forms) one(text string) {
	for len(text) > piece {
		*f = append(*f, text[:piece])
		text = text[min(piece, len(text)-piece):]
	}
	if len(text) >= Least {
		*f = append(*f, text)
	}
}
