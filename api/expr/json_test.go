package expr

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// allocated is how many bytes a function allocates, whether it keeps them or not.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// TestDecodingAllocatesWhatWasWeighed has the shapes that take most memory for
// what they are written with.
func TestDecodingAllocatesWhatWasWeighed(t *testing.T) {
	list := func(element string, n int) string { return "[" + strings.Repeat(element+",", n-1) + element + "]" }
	members := func(n int, format string) string {
		fields := make([]string, n)
		for i := range fields {
			fields[i] = fmt.Sprintf(format, i)
		}
		return "{" + strings.Join(fields, ",") + "}"
	}
	for name, raw := range map[string]string{
		"empty lists":     list("[]", 10_000),
		"nested lists":    list(strings.Repeat("[", 50)+strings.Repeat("]", 50), 1000),
		"empty objects":   list("{}", 10_000),
		"objects of one":  list(`{"a":1}`, 10_000),
		"objects of nine": list(members(9, `"%d":[]`), 2_000),
		"nested objects":  list(strings.Repeat(`{"a":`, 50)+"1"+strings.Repeat("}", 50), 500),
		"an object":       members(20_000, `"%d":1`),
		"odd size":        members(14_400, `"%d":""`),
		"numbers":         list("1", 20_000),
		"large numbers":   list("123456789012", 20_000),
		"fractions":       list("1.5e300", 20_000),
		"short texts":     list(`"ab"`, 20_000),
		"escapes":         list(`"\u0001\n"`, 20_000),
		"no UTF-8":        list("\"\xff\xff\xff\"", 20_000),
		"a long text":     `"` + strings.Repeat("a", maxText) + `"`,
		"a long escape":   `"` + strings.Repeat(`\n`, maxText/2) + `"`,
		"long no UTF-8":   `"` + strings.Repeat("\xff", maxText) + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			weight, err := Weigh([]byte(raw))
			if err != nil {
				t.Fatal(err)
			}
			var value any
			took := allocated(func() { value, err = DecodeJSON([]byte(raw)) })
			if err != nil || value == nil {
				t.Fatal(err)
			}
			if took -= int64(len(raw)); took > weight {
				t.Errorf("%d bytes were weighed as %d, and allocate %d", len(raw), weight, took)
			}
		})
	}
}

// FuzzJSON checks that what is decoded was weighed before, and that nothing gets past an
// error into a panic.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a": ["x", 1, null, 1e9, true]}`, `[[[[`, `"\u12"`, "\"\xff\"", `{"a":1,"a":2}`, `1e999`, `{}{}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		weight, unweighed := Weigh(raw)
		value, err := DecodeJSON(raw)
		if err == nil && (unweighed != nil || weight > MaxWeight) {
			t.Errorf("decoded %v, which weighs %d, %v", value, weight, unweighed)
		}
	})
}
