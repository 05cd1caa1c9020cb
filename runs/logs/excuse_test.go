package logs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStrip(t *testing.T) {
	t.Parallel()
	const stamp = "2026-09-01T12:00:00.000000001Z "
	type stripped struct{ Text, Excused string }
	for name, tt := range map[string]struct {
		given string
		want  stripped
	}{
		"nothing":        {"", stripped{}},
		"lines":          {stamp + "a\n" + stamp + "\n" + stamp + "  b\n", stripped{"a\n\n  b\n", ""}},
		"no end":         {stamp + "a\n" + stamp + "b", stripped{"a\nb", ""}},
		"cut":            {stamp + "a\n" + stamp[:9], stripped{"a\n" + stamp[:9], ""}},
		"node's words":   {"rpc error: away", stripped{"", "rpc error: away"}},
		"behind lines":   {stamp + "a\nrpc error: away", stripped{"a\n", "rpc error: away"}},
		"without stamps": {"a\nb", stripped{"a\nb", ""}},
	} {
		text, excused := Strip([]byte(tt.given))
		if diff := cmp.Diff(tt.want, stripped{string(text), excused}); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
}
