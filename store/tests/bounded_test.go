package tests

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// events are what a decoder makes of a file. Texts that follow each other are one.
func events(in io.Reader) (list []string, largest int, err error) {
	decoder := xml.NewDecoder(in)
	text := ""
	for {
		token, err := decoder.Token()
		if data, is := token.(xml.CharData); is {
			text += string(data)
			largest = max(largest, len(data))
		}
		switch token.(type) {
		case xml.StartElement, xml.EndElement, nil:
			if text != "" {
				list = append(list, text)
			}
			text = ""
		}
		switch token := token.(type) {
		case xml.StartElement:
			list = append(list, fmt.Sprint(token))
			for _, attr := range token.Attr {
				largest = max(largest, len(attr.Value))
			}
		case xml.EndElement:
			list = append(list, fmt.Sprint(token))
		case xml.Directive:
			return list, largest, errDeclares
		}
		if errors.Is(err, io.EOF) {
			return list, largest, nil
		}
		if err != nil {
			return list, largest, err
		}
	}
}

func TestBoundedKeepsTexts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"letters":    strings.Repeat("a", 2*chunk+1),
		"wide":       "a" + strings.Repeat("é€😀", chunk/4),
		"references": strings.Repeat("&amp;&#x20AC;", chunk/8),
		"CDATA":      "<![CDATA[" + strings.Repeat("é]]]]><![CDATA[>]&<", chunk/16) + "]]>",
		"brackets":   "<![CDATA[" + strings.Repeat("]", 2*chunk) + "é" + strings.Repeat(">", 2*chunk) + "]]>",
		"comments":   strings.Repeat("]]<!-- x -->>é", chunk/16),
	} {
		file := "<a>" + text + "</a>"
		want, _, err := events(strings.NewReader(file))
		if err != nil {
			t.Fatal(name, err)
		}
		for speed, in := range map[string]io.Reader{
			"at once": strings.NewReader(file), "byte by byte": iotest.OneByteReader(strings.NewReader(file)),
		} {
			got, largest, err := events(bound(in))
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s %s: %v (-want +got):\n%.1000s", name, speed, err, diff)
			}
			if most := chunk + 16<<10; largest > most {
				t.Errorf("%s %s: a piece has %d bytes, more than %d", name, speed, largest, most)
			}
		}
	}
}

func TestBoundedCutsAttributes(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", maxValue-1)
	for _, tt := range []struct{ value, want string }{
		{full + "x", full + "x"},
		{full + "&amp;", full + "&"},
		{full + "é", full + "é"},
		{full + "xy", full + "x…" + digest([]byte("y"))},
		{full + "éy", full + "é…" + digest([]byte("y"))},
		{full + "x&amp;&#1;z", full + "x…" + digest([]byte("&amp;\ufdd1z"))},
	} {
		for _, mark := range []string{`"`, `'`} {
			file := "<a b=" + mark + tt.value + mark + " c='d'></a>"
			got, _, err := events(bound(iotest.OneByteReader(strings.NewReader(file))))
			want := []string{fmt.Sprint(xml.StartElement{Name: xml.Name{Local: "a"}, Attr: []xml.Attr{
				{Name: xml.Name{Local: "b"}, Value: tt.want}, {Name: xml.Name{Local: "c"}, Value: "d"},
			}}), fmt.Sprint(xml.EndElement{Name: xml.Name{Local: "a"}})}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		}
	}
}

// FuzzBounded checks that what encoding/xml takes is the same when it is bounded.
func FuzzBounded(f *testing.F) {
	f.Add(`<?xml version="1.0"?><a b="&lt;'" c='"&#65;'>t<!-- n -->]]<?i?>&gt;<![CDATA[<x>]]]]><![CDATA[>]]></a>`)
	f.Add("<a ﾊ='ﾊ'>\r\n&#x7f;\ufdd1\t</a>")
	f.Fuzz(func(t *testing.T, file string) {
		want, largest, err := events(strings.NewReader(file))
		got, _, failed := events(bound(strings.NewReader(file)))
		if err != nil || largest > maxValue || len(file) > maxTag {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" || failed != nil {
			t.Errorf("%q: %v (-as it is +bounded):\n%s", file, failed, diff)
		}
	})
}
