package archive

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestChanging: a file that isn't any more what it was when its size was counted is an
// error, not half a file.
func TestChanging(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		before, while func(path string) error
		want          error
	}{
		{name: "unchanged"},
		{name: "longer", before: func(path string) error { return os.Truncate(path, 300<<10) }, want: errChanged},
		{name: "shorter", before: func(path string) error { return os.Truncate(path, 1) }, want: errChanged},
		{name: "replaced", before: func(path string) error {
			return errors.Join(os.WriteFile(path+"2", make([]byte, 200<<10), 0o600), os.Rename(path+"2", path))
		}, want: errChanged},
		{name: "a link by now", before: func(path string) error {
			return errors.Join(os.WriteFile(path+"2", make([]byte, 200<<10), 0o600), os.Remove(path), os.Symlink("f2", path))
		}, want: errChanged},
		{name: "gone", before: os.Remove, want: os.ErrNotExist},
		{name: "longer while it is read", while: func(path string) error { return os.Truncate(path, 300<<10) }, want: errChanged},
		{name: "shorter while it is read", while: func(path string) error { return os.Truncate(path, 150<<10) }, want: errChanged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, make([]byte, 200<<10), 0o600); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(filepath.Dir(path))
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			all, err := collect(t.Context(), root, []string{"f"}, Limits{Files: 1, Bytes: 1 << 20, ManifestBytes: 1000})
			if err != nil {
				t.Fatal(err)
			}
			if tt.before != nil {
				if err := tt.before(path); err != nil {
					t.Fatal(err)
				}
			}
			w := &hooked{path: path, hook: tt.while}
			if err := all[0].copy(w, root, make([]byte, chunk)); !errors.Is(err, tt.want) {
				t.Errorf("it says %v", err)
			}
			if tt.want == nil && w.Len() != 200<<10 {
				t.Errorf("%d bytes", w.Len())
			}
		})
	}
}

// hooked does something at the first write.
type hooked struct {
	bytes.Buffer
	path string
	hook func(path string) error
}

func (h *hooked) Write(p []byte) (int, error) {
	if h.hook != nil && h.Len() == 0 {
		if err := h.hook(h.path); err != nil {
			return 0, err
		}
	}
	return h.Buffer.Write(p)
}

// TestPartsAreSmall: no part is larger than it may be, whatever it holds.
func TestPartsAreSmall(t *testing.T) {
	t.Parallel()
	var sizes []int
	c, err := newCutter(t.Context(), func(_ context.Context, _ int, data []byte) error {
		if len(data) > PartSize {
			t.Errorf("a part of %d bytes", len(data))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	state := uint64(1)
	piece := make([]byte, 1<<20+13)
	for range 40 {
		for i := range piece {
			state = state*6364136223846793005 + 1442695040888963407
			piece[i] = byte(state >> 56)
		}
		if _, err := c.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.end(nil); err != nil {
		t.Fatal(err)
	}
	raw := int64(0)
	for _, part := range c.parts {
		raw += part.Raw
		sizes = append(sizes, int(part.Size))
	}
	if raw != 40*int64(len(piece)) || len(sizes) != 6 {
		t.Errorf("%d raw bytes in parts of %v", raw, sizes)
	}
}

// FuzzPatterns: a folder that is passed over holds nothing that a pattern matches.
func FuzzPatterns(f *testing.F) {
	for _, seed := range [][2]string{{"a/**/b", "a/x/y/b"}, {"{a,b/c}/*.x", "b/c/d.x"}, {"*/b", "a/b"}, {"**", "a/b"}, {`a\/b/c`, "a/b/c"}, {"[a-c]/?/x", "a/b/x"}, {"a**/b", "ax/b"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		p, err := parse([]string{pattern})
		if err != nil || checkPath(name) != nil || !p.take(name) {
			t.Skip("nothing is matched")
		}
		for i := range len(name) {
			if name[i] == '/' && !p.mayTakeBelow(name[:i]) && !strings.HasPrefix(pattern, "!") {
				t.Errorf("%q isn't looked into, and %q matches %q", name[:i], pattern, name)
			}
		}
	})
}
