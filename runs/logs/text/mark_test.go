package text_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/runs/logs/text"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]text.Mark{
		"::group::Download":                       {Kind: text.Group, Text: "Download"},
		"\x1b[36m::group::\x1b[0mDown\x1b[2Kload": {Kind: text.Group, Text: "Download"},
		"::endgroup::":                            {Kind: text.EndGroup},
		"::error::it broke: a::b":                 {Kind: text.Error, Text: "it broke: a::b"},
		"  ::error file=a%2Cb.go,line=42,col=7,title=Bad %3A case::100%25%0Asure\r": {
			Kind: text.Error, Text: "100% sure", Title: "Bad : case", File: "a,b.go", Line: 42,
		},
		"::warning line=-1,file=a.go::w":        {Kind: text.Warning, Text: "w", File: "a.go"},
		"::warning line=99999999999::w":         {Kind: text.Warning, Text: "w"},
		"::notice::n":                           {Kind: text.Notice, Text: "n"},
		"::error file=%1b[2J%0A\u202ex::":       {Kind: text.Error, File: "%1b[2J x"},
		"::error file=a":                        {},
		"::debug::d":                            {},
		"std::error::x":                         {},
		"::set-output name=x::y":                {},
		"":                                      {},
		"::error::" + strings.Repeat("x", 9000): {},
	} {
		got, is := text.Find([]byte(line))
		if diff := cmp.Diff(want, got); diff != "" || is != (want != text.Mark{}) {
			t.Errorf("%.80q: %t (-want +got):\n%s", line, is, diff)
		}
	}
}

// FuzzFind checks that what a mark says is fit for people.
func FuzzFind(f *testing.F) {
	f.Add("::error file=a%0A,line=3,title=\x1b[1m::%25\x1b%0D")
	f.Fuzz(func(t *testing.T, line string) {
		mark, _ := text.Find([]byte(line))
		for _, r := range mark.Text + mark.Title + mark.File {
			if !unicode.IsPrint(r) && r != '\t' {
				t.Errorf("%q becomes %+v", line, mark)
			}
		}
	})
}
