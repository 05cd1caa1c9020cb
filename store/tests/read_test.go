package tests

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// one is a file with one case that passed.
const one = `<testsuite name="s"><testcase name="a"/></testsuite>`

var onePassed = Report{Tests: 1, Cases: []Case{{Suite: "s", Name: "a", State: Passed}}}

func warned(report Report, why string) Report {
	report.Warnings = []string{"x.xml: " + why}
	return report
}

// reading is a file, and what is read of it.
type reading struct {
	file string
	want Report
}

func expectRead(t *testing.T, path string, readings map[string]reading) {
	t.Helper()
	for name, tt := range readings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got Report
			got.Read(path, strings.NewReader(tt.file))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadWhatIsWrong(t *testing.T) {
	t.Parallel()
	const begun = `<testsuite name="s"><testcase name="a"/>`
	expectRead(t, "x.xml", map[string]reading{
		"empty":                {" \n", warned(Report{}, "it is empty")},
		"no XML":               {`{"tests": 3}`, warned(Report{}, "it is neither XML nor what go test -json prints")},
		"only a declaration":   {`<?xml version="1.0"?>`, warned(Report{}, "it is neither XML nor what go test -json prints")},
		"another kind":         {`<coverage version="7"><packages/></coverage>`, warned(Report{}, "it isn't a report of JUnit's kind: its root element is <coverage>")},
		"a long kind":          {"<" + strings.Repeat("é", 90) + "/>", warned(Report{}, "it isn't a report of JUnit's kind: its root element is <"+strings.Repeat("é", 30)+"…>")},
		"truncated":            {begun + `<testcase name="b">`, warned(onePassed, "it is malformed after 1 test: unexpected EOF")},
		"truncated in a name":  {begun + `<testcase name="b`, warned(onePassed, "it is malformed after 1 test: unexpected EOF")},
		"truncated in a text":  {begun + `<testcase><failure>no`, warned(onePassed, "it is malformed after 1 test: unexpected EOF")},
		"truncated in a CDATA": {begun + `<system-out><![CDATA[no]`, warned(onePassed, "it is malformed after 1 test: unexpected EOF")},
		"truncated in a note":  {one + `<!-- no --`, warned(onePassed, "it is malformed after 1 test: unexpected EOF")},
		"wrong nesting":        {begun + `<testcase><failure></testcase></failure>`, warned(onePassed, "it is malformed after 1 test: element <failure> closed by </testcase>")},
		"no such entity":       {begun + `<testcase name="&nbsp;"/>`, warned(onePassed, "it is malformed after 1 test: invalid character entity &nbsp;")},
		"bare ampersand":       {begun + `<testcase name="a & b;"/>`, warned(onePassed, "it is malformed after 1 test: invalid character entity & (no semicolon)")},
		"hidden markup":        {begun + `<testcase name="&<!DOCTYPE x>;"/>`, warned(onePassed, "it is malformed after 1 test: invalid character entity & (no semicolon)")},
		"escape in an element": {"<\x1b[31m/>", warned(Report{}, "it is malformed after 0 tests: invalid XML name: \\x1b")},
		"unknown encoding":     {`<?xml version="1.0" encoding="EUC-JP"?>` + one, warned(Report{}, "its encoding, EUC-JP, isn't known: have the tool write UTF-8")},
		"billion laughs": {
			`<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><testsuite name="&b;"/>`,
			warned(Report{}, "it declares a document type or entities, which are refused"),
		},
		"external entity": {
			`<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite name="&x;"/>`,
			warned(Report{}, "it declares a document type or entities, which are refused"),
		},
		"late entity": {
			begun + `<!ENTITY x SYSTEM "file:///etc/passwd"></testsuite>`,
			warned(onePassed, "after 1 test: it declares a document type or entities, which are refused"),
		},
		"deep": {
			begun + strings.Repeat("<testsuite>", 1_000_000),
			warned(onePassed, "after 1 test: its elements nest deeper than 64"),
		},
		"many attributes": {
			begun + "<testcase " + strings.Repeat(`a="" `, 1_000_000) + "/></testsuite>",
			warned(onePassed, "after 1 test: it has an element with too many or too long attributes"),
		},
		"long element": {
			begun + "<" + strings.Repeat("ｘ", 1_000_000) + "/></testsuite>",
			warned(onePassed, "after 1 test: it has an element with too many or too long attributes"),
		},
	})
}

func TestReadWhatIsOdd(t *testing.T) {
	t.Parallel()
	expectRead(t, "x.xml", map[string]reading{
		"no suite":    {`<testsuites></testsuites>`, Report{}},
		"wrong count": {`<testsuites tests="9" failures="9"><testsuite name="s" tests="0"><testcase name="a"/></testsuite></testsuites>`, onePassed},
		"two roots":   {`<testsuite name="s"><testcase name="a"/></testsuite><testsuite/>`, onePassed},
		"notes":       {`<!-- <x> --><?style x?><testsuite name="s"><!----><testcase name="a"><!-- -- --></testcase></testsuite><!---->`, onePassed},
		"XML 1.1":     {`<?xml version="1.1"?>` + one, onePassed},
		"namespaces":  {`<j:testsuite xmlns:j="urn:j" name="s"><j:testcase name="a"/></j:testsuite>`, onePassed},
		"nested": {
			`<testsuites><testsuite name="a" file="a.js"><testsuite><testsuite name="b"><testcase name="t"/></testsuite></testsuite></testsuite></testsuites>`,
			Report{Tests: 1, Cases: []Case{{Suite: "a > b", Name: "t", File: "a.js", State: Passed}}},
		},
		"text outside and elements inside": {
			`text<testsuite>more<testcase name="a"><failure>it <b>is</b> bad<system-out>no</system-out></failure><system-out>out</system-out><testcase name="b"/><properties>x</properties></testcase></testsuite>text`,
			Report{Tests: 1, Failed: 1, Cases: []Case{{Name: "a", State: Failed, Message: "it is bad", Details: "it is bad", Output: "out"}}},
		},
		"control characters": {
			"<testsuite><testcase name='a\x1b[31m&#27;&#x0;\uffff&#xFFFE;&#xD800;b' file='&#10;\u202e'><failure message='\x1b[1mred&#x1B;[0m\u200b'>\x00\x1b]0;title\x07 10 %\r50 %&#13;100 %\xff</failure></testcase></testsuite>",
			Report{Tests: 1, Failed: 1, Cases: []Case{{
				Name: `a\x1b[31m\x1b\x00` + "\ufffd\ufffd\ufffdb", File: `\x0a\u202e`, State: Failed,
				Message: "red", Details: " 10 %\n100 %\ufffd",
			}}},
		},
		"states": {
			`<testsuite><testcase name="a" status="Skipped"/><testcase name="b" status="notrun"><error type="T"/></testcase><testcase name="c"><skipped>because</skipped></testcase><testcase name="d" status="run" line="-1"/></testsuite>`,
			Report{Tests: 4, Failed: 1, Skipped: 2, Cases: []Case{
				{Name: "b", State: Failed, Message: "T"},
				{Name: "a", State: Skipped},
				{Name: "c", State: Skipped, Message: "because"},
				{Name: "d", State: Passed},
			}},
		},
		"only reruns say why": {
			`<testsuite><testcase class="C" name="a"><error/><rerunError><stackTrace>why</stackTrace></rerunError></testcase></testsuite>`,
			Report{Tests: 1, Failed: 1, Cases: []Case{{Class: "C", Name: "a", State: Failed, Retries: 1, Message: "why", Details: "why"}}},
		},
	})
}

func TestReadRetries(t *testing.T) {
	t.Parallel()
	element := map[byte]string{
		'f': `<testcase name="a" time="1"><failure message="no"/><system-out>out</system-out></testcase>`,
		'p': `<testcase name="a" time="1"/>`,
		's': `<testcase name="a" time="1"><skipped/></testcase>`,
		'l': `<testcase name="a" time="1" line="7"/>`,
		'r': `<testcase name="a" time="1"><flakyFailure message="odd"/></testcase>`,
	}
	passed := Case{Name: "a", State: Passed, Seconds: 1}
	failed := Case{Name: "a", State: Failed, Seconds: 1, Message: "no", Output: "out"}
	skipped := Case{Name: "a", State: Skipped, Seconds: 1}
	for attempts, want := range map[string]Report{
		"p":  {Tests: 1, Seconds: 1, Cases: []Case{passed}},
		"pp": {Tests: 2, Seconds: 2, Cases: []Case{passed, passed}},
		"pf": {Tests: 2, Failed: 1, Seconds: 2, Cases: []Case{failed, passed}},
		"fs": {Tests: 2, Failed: 1, Skipped: 1, Seconds: 2, Cases: []Case{failed, skipped}},
		"fl": {Tests: 2, Failed: 1, Seconds: 2, Cases: []Case{failed, {Name: "a", Line: 7, State: Passed, Seconds: 1}}},
		"r":  {Tests: 1, Flaky: 1, Seconds: 1, Cases: []Case{{Name: "a", State: Passed, Flaky: true, Retries: 1, Seconds: 1, Message: "odd"}}},
		"fp": {Tests: 1, Flaky: 1, Seconds: 2, Cases: []Case{{Name: "a", State: Passed, Flaky: true, Retries: 1, Seconds: 2, Message: "no"}}},
		"ff": {Tests: 1, Failed: 1, Seconds: 2, Cases: []Case{{Name: "a", State: Failed, Retries: 1, Seconds: 2, Message: "no", Output: "out"}}},
		"ffrp": {Tests: 2, Flaky: 1, Seconds: 4, Cases: []Case{
			{Name: "a", State: Passed, Flaky: true, Retries: 3, Seconds: 3, Message: "no"},
			passed,
		}},
		// Another file isn't another attempt: it is another module or shard.
		"f,p": {Tests: 2, Failed: 1, Seconds: 2, Cases: []Case{failed, passed}},
	} {
		t.Run(attempts, func(t *testing.T) {
			t.Parallel()
			var got Report
			for file := range strings.SplitSeq(attempts, ",") {
				text := "<testsuite>"
				for _, attempt := range []byte(file) {
					text += element[attempt]
				}
				got.Read("x.xml", strings.NewReader(text+"</testsuite>"))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadEncodings(t *testing.T) {
	t.Parallel()
	const text = `<testsuite><testcase name="größe €"/></testsuite>`
	declared := func(name string) string { return `<?xml version="1.0" encoding="` + name + `"?>` + text }
	encoded := func(s string, err error) string {
		if err != nil {
			t.Error(err)
		}
		return s
	}
	want := Report{Tests: 1, Cases: []Case{{Name: "größe €", State: Passed}}}
	for name, file := range map[string]string{
		"none":            text,
		"UTF-8":           declared("utf-8"),
		"UTF-8 and mark":  "\ufeff" + declared("UTF-8"),
		"mark is right":   "\ufeff" + declared("ISO-8859-1"),
		"no UTF-16":       declared("utf-16"),
		"Windows":         encoded(charmap.Windows1252.NewEncoder().String(declared("windows-1252"))),
		"Windows' Latin1": encoded(charmap.Windows1252.NewEncoder().String(declared("ISO-8859-1"))),
		"Latin 9":         encoded(charmap.ISO8859_15.NewEncoder().String(declared("ISO-8859-15"))),
		"UTF-16 and mark": encoded(unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(declared("UTF-16"))),
		"little endian":   encoded(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String(declared("UTF-16"))),
		"big endian":      encoded(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(text)),
	} {
		var got Report
		got.Read("x.xml", strings.NewReader(file))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadBrokenOff(t *testing.T) {
	t.Parallel()
	begun := strings.NewReader(`<testsuite name="s"><testcase name="a"/> `)
	var got Report
	got.Read("dir/\x1bx.xml", io.MultiReader(begun, iotest.ErrReader(errors.New("no\x07 network"))))
	want := onePassed
	want.Warnings = []string{`dir/\x1bx.xml: after 1 test: no\x07 network`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// endless is a text again and again.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func TestReadLargeFile(t *testing.T) {
	t.Parallel()
	var got Report
	got.Read("x.xml", io.MultiReader(strings.NewReader(`<testsuite name="s"><testcase name="a"/><!--`), &endless{text: strings.Repeat("- ", 8<<10)}))
	if diff := cmp.Diff(warned(onePassed, "after 1 test: only its first 64 MiB were read, which is the limit"), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// heap tells how much memory is in use when it is read.
type heap uint64

func (h *heap) Read([]byte) (int, error) {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	*h = heap(stats.HeapAlloc)
	return 0, io.EOF
}

// TestReadTakesLittleMemory reads long texts and attributes, which aren't held. It isn't
// parallel, because it looks at the memory of the whole process.
func TestReadTakesLittleMemory(t *testing.T) {
	const size = 1 << 20
	for name, parts := range map[string][3]string{
		"attribute":     {`<testsuite name="s"><testcase name="a"/><properties x="`, "long ", `"/></testsuite>`},
		"references":    {`<testsuite name="s"><testcase name="a"/><properties x="`, "&lt;&#1;", `"/></testsuite>`},
		"output":        {`<testsuite name="s"><testcase name="a"><system-out>`, "é &amp;\n", `</system-out></testcase></testsuite>`},
		"CDATA":         {`<testsuite name="s"><testcase name="a"><system-out><![CDATA[`, "]] >]\n", `]]></system-out></testcase></testsuite>`},
		"note":          {`<testsuite name="s"><testcase name="a"/><!--`, "- -", `--></testsuite>`},
		"instruction":   {`<testsuite name="s"><testcase name="a"/><?x`, " ?", `?></testsuite>`},
		"pieces":        {`<testsuite name="s"><testcase name="a"><system-out>`, "a<b></b>", `</system-out></testcase></testsuite>`},
		"outside":       {one, "\n", ""},
		"wide elements": {one + "<testsuite>", strings.Repeat(" ", 4<<10) + "<b></b>", "</testsuite>"},
	} {
		var before, during heap
		file := io.MultiReader(&before, strings.NewReader(parts[0]),
			io.LimitReader(&endless{text: parts[1]}, size/int64(len(parts[1]))*int64(len(parts[1]))), &during, strings.NewReader(parts[2]))
		var got Report
		got.Read("x.xml", file)
		if diff := cmp.Diff(onePassed, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if during > before+size/3 {
			t.Errorf("%s: %d bytes are held of a file of %d", name, during-before, size)
		}
	}
}

// TestReadManyCases: there is room for failed cases after all others, but not for ever.
func TestReadManyCases(t *testing.T) {
	t.Parallel()
	const file = `<testsuite><testcase name="a"/><testcase name="b"><error/></testcase><testcase name="c"><skipped/></testcase></testsuite>`
	passed := Case{Name: "p", State: Passed}
	failed := Case{Name: "f", State: Failed}
	large := Case{Name: strings.Repeat("x", MaxNames/10*9-2), State: Passed}
	for name, tt := range map[string]struct {
		before, added []Case
	}{
		"room for all":           {slices.Repeat([]Case{passed}, MaxCases/10*9-3), []Case{{Name: "b", State: Failed}, {Name: "a", State: Passed}, {Name: "c", State: Skipped}}},
		"room for failed ones":   {slices.Repeat([]Case{passed}, MaxCases/10*9-1), []Case{{Name: "b", State: Failed}, {Name: "a", State: Passed}}},
		"room for failed ones 2": {slices.Repeat([]Case{failed}, MaxCases-1), []Case{{Name: "b", State: Failed}}},
		"full":                   {slices.Repeat([]Case{failed}, MaxCases), []Case{}},
		"names are small":        {[]Case{large}, []Case{{Name: "b", State: Failed}, {Name: "a", State: Passed}}},
		"names are large":        {[]Case{large, {Name: strings.Repeat("x", MaxNames/10-1), State: Passed}}, []Case{{Name: "b", State: Failed}}},
		"names are larger":       {[]Case{large, large}, []Case{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Report{Tests: len(tt.before), Cases: slices.Clone(tt.before)}
			got.Read("x.xml", strings.NewReader(file))
			want := Report{Tests: len(tt.before) + 3, Failed: 1, Skipped: 1, Omitted: 3 - len(tt.added)}
			added := slices.DeleteFunc(slices.Clone(got.Cases), func(c Case) bool { return c.Name < "a" || c.Name > "c" })
			if diff := cmp.Diff(tt.added, added); diff != "" || len(got.Cases) != len(tt.before)+len(added) {
				t.Errorf("%d cases, of which were read (-want +got):\n%s", len(got.Cases), diff)
			}
			got.Cases = nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadManyDetails(t *testing.T) {
	t.Parallel()
	const file = `<testsuite><testcase name="b"><error>1234</error></testcase><testcase name="c"><error message="5678">5678</error><system-out>9</system-out></testcase></testsuite>`
	large := Case{Name: "a", State: Failed, Details: strings.Repeat("x", MaxDetails/2), Output: strings.Repeat("x", MaxDetails/2-8)}
	got := Report{Tests: 1, Failed: 1, Cases: []Case{large}}
	got.Read("x.xml", strings.NewReader(file))
	want := Report{
		Tests: 3, Failed: 3,
		Cases: []Case{
			large,
			{Name: "b", State: Failed, Message: "1234", Details: "1234"},
			{Name: "c", State: Failed, Message: "5678"},
		},
		Warnings: []string{"x.xml: what there is beyond 16 MiB of details was left out"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadManyWarnings(t *testing.T) {
	t.Parallel()
	var got Report
	for range MaxWarnings + 5 {
		got.Read(strings.Repeat("é", 200), strings.NewReader(""))
	}
	if n := len(got.Warnings); n != MaxWarnings || got.Warnings[n-1] != "more files have warnings" {
		t.Errorf("%d warnings: %q", n, got.Warnings)
	}
	if want := strings.Repeat("é", 125) + "…: it is empty"; got.Warnings[0] != want {
		t.Errorf("warning is %q, want %q", got.Warnings[0], want)
	}
}

// TestOrder reads cases from files in any order.
func TestOrder(t *testing.T) {
	t.Parallel()
	var got Report
	for _, names := range []string{"m", "za", "", "bq", "mM"} {
		text := "<testsuite>"
		for _, name := range names {
			text += fmt.Sprintf(`<testcase name="%c" time="%d"/>`, name, len(got.Cases))
		}
		got.Read("x.xml", strings.NewReader(text+`<testcase name="f`+names+`"><error/></testcase></testsuite>`))
	}
	var order []string
	for _, c := range got.Cases {
		order = append(order, fmt.Sprint(c.Name, c.Seconds))
	}
	want := []string{"f0", "fbq0", "fm0", "fmM0", "fza0", "M9", "a2", "b6", "m0", "m9", "q6", "z2"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
