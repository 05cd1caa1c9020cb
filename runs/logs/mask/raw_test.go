package mask_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/runs/logs/mask"
)

// TestRaw: bytes stay as they are, but for those of a value.
func TestRaw(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		values     []string
		line, want string
	}{
		"nothing to mask":          {nil, "\x1b[31mok\x00\xff", "\x1b[31mok\x00\xff"},
		"no value":                 {[]string{"hunter22"}, "\x1b[31mhunter2\x00\xff", "\x1b[31mhunter2\x00\xff"},
		"a value among colours":    {[]string{"hunter22"}, "\x1b[31mhunter22\x1b[0m!", "\x1b[31m***\x1b[0m!"},
		"coloured inside":          {[]string{"hunter22"}, "> hun\x1b[31mter\x1b[0m22\x00", "> ***"},
		"two of them":              {[]string{"hunter22", "secret99"}, "hunter22:secret99:größe", "***:***:größe"},
		"that overlap":             {[]string{"abcdefgh", "efghijkl"}, "\x00abcdefghijkl\x00", "\x00***\x00"},
		"in what others leave":     {[]string{"hunter22", "ab***cd"}, "abhunter22cd", "***"},
		"begins alike, and is not": {[]string{"hunter22"}, "hu hun hunt\xff", "hu hun hunt\xff"},
		"empty":                    {[]string{"hunter22"}, "", ""},
	} {
		given := []byte(tt.line)
		got := masker(t, tt.values...).Raw(given)
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if string(given) != tt.line {
			t.Errorf("%s: the line was changed", name)
		}
	}
}

func BenchmarkRaw(b *testing.B) {
	line := []byte(strings.Repeat("some line of a build that has no secret in it ", 3))
	m, _ := mask.New([][]byte{[]byte("hunter22-and-more"), []byte("s3cr3t-token-of-a-host")})
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if !bytes.Equal(m.Raw(line), line) {
			b.Fatal("masked")
		}
	}
}
