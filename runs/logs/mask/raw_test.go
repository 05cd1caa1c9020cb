package mask_test

import (
	"bytes"
	"regexp"
	"slices"
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

// streamed masks a text that comes in pieces.
func streamed(m *mask.Masker, pieces []string) string {
	var kept strings.Builder
	var held []byte
	for i, piece := range pieces {
		held = append(held, piece...)
		now := len(held)
		if i < len(pieces)-1 {
			now = m.Split(held)
		}
		kept.Write(m.Raw(held[:now]))
		held = held[now:]
	}
	return kept.String()
}

// joined are stars that stand side by side as those of one value.
func joined(text string) string { return regexp.MustCompile(`\*{4,}`).ReplaceAllString(text, "***") }

// TestSplit: however a text is cut into pieces, it is masked as if it were whole.
func TestSplit(t *testing.T) {
	t.Parallel()
	long := "hunter22" + strings.Repeat("-and-so-on", 20)
	before := strings.Repeat("a line that goes on ", 14)
	for name, tt := range map[string]struct {
		values []string
		text   string
	}{
		"one begins another": {[]string{"hunter22", long}, before + long + before},
		"one ends another":   {[]string{long, "-and-so-on"}, before + long + "-and-so-on" + before},
		"they overlap":       {[]string{"abcdefgh", "efghijkl", "ijklmnop"}, before + "abcdefghijklmnop" + before},
		"side by side":       {[]string{"hunter22"}, before + strings.Repeat("hunter22", 50) + before},
		"in itself":          {[]string{"xyxyxy"}, before + strings.Repeat("xy", 150) + "x" + before},
		"none":               {nil, before},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := masker(t, tt.values...)
			want := joined(string(m.Raw([]byte(tt.text))))
			for at := range tt.text {
				if got := joined(streamed(m, []string{tt.text[:at], tt.text[at:]})); got != want {
					t.Fatalf("cut at %d (-want +got):\n%s", at, cmp.Diff(want, got))
				}
			}
			for _, size := range []int{1, 7, 255, 256, 257, 600} {
				var pieces []string
				for piece := range slices.Chunk([]byte(tt.text), size) {
					pieces = append(pieces, string(piece))
				}
				if got := joined(streamed(m, pieces)); got != want {
					t.Fatalf("in pieces of %d (-want +got):\n%s", size, cmp.Diff(want, got))
				}
			}
		})
	}
}

// TestSplitIsBounded: what is nothing but values doesn't gather.
func TestSplitIsBounded(t *testing.T) {
	t.Parallel()
	m := masker(t, "xxxxxx")
	text := []byte(strings.Repeat("x", 1<<20))
	if held := len(text) - m.Split(text); held > 2<<10 {
		t.Errorf("%d bytes are held back", held)
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
