package structure_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/test/structure"
)

// straight are the packages whose files stand in floors: each calls only into files
// below it.
var straight = []string{
	"controllers/run",
	"controllers/run/evidence",
	"controllers/run/job",
	"controllers/run/plan",
	"controllers/run/queue",
}

func TestFilesStandInFloors(t *testing.T) {
	t.Parallel()
	for _, dir := range straight {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			calls, err := structure.Of(filepath.Join("../..", dir))
			if err != nil {
				t.Fatal(err)
			}
			if len(calls) == 0 {
				t.Error("no file calls into another: nothing was read")
			}
			for _, group := range calls.Cycles() {
				t.Errorf("these files call each other in a circle:%s", calls.Within(group))
			}
		})
	}
}

func TestCycles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  [][]string
	}{
		{name: "one way", files: map[string]string{"a": "func A() { B() }", "b": "func B() {}"}},
		{name: "itself", files: map[string]string{"a": "func A() { A() }"}},
		{name: "both ways", files: map[string]string{"a": "func A() { B() }", "b": "func B() {}\nfunc C() { A() }"}, want: [][]string{{"a.go", "b.go"}}},
		{
			name:  "by way of another, and a method",
			files: map[string]string{"a": "func A() { B() }", "b": "func B() { T{}.M() }", "c": "type T struct{}\nfunc (T) M() { A() }", "d": "func D() { A() }"},
			want:  [][]string{{"a.go", "b.go", "c.go"}},
		},
		{
			name:  "handed on as a value, of a type that is imported",
			files: map[string]string{"a": "import \"example.com/x\"\nfunc A(v x.T) { v.Each(B) }", "b": "func B() { A(nil) }"},
			want:  [][]string{{"a.go", "b.go"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name+".go"), []byte("package p\n"+text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			calls, err := structure.Of(dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, calls.Cycles()); diff != "" {
				t.Errorf("cycles (-want +got):\n%s", diff)
			}
		})
	}
}
