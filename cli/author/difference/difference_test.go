package difference

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func object(spec map[string]any, metadata map[string]any) *unstructured.Unstructured {
	all := map[string]any{"name": "web"}
	maps.Copy(all, metadata)
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "kayci.dev/v1alpha1", "kind": "Pipeline", "metadata": all, "spec": spec,
		"status": map[string]any{"lastNumber": int64(len(all))},
	}}
}

func numbers(edit func(i int) string) map[string]any {
	spec := map[string]any{}
	for i := range 30 {
		if line := edit(i); line != "" {
			spec[fmt.Sprintf("f%02d", i)] = line
		}
	}
	return spec
}

func TestOf(t *testing.T) {
	t.Parallel()
	same := func(i int) string { return fmt.Sprint("v", i) }
	tests := map[string]struct {
		before, after *unstructured.Unstructured
		want          string
	}{
		"nothing, but what isn't anybody's wish": {
			before: object(nil, map[string]any{"resourceVersion": "1", "generation": int64(1), "uid": "a", "managedFields": []any{map[string]any{"manager": "x"}}}),
			after:  object(nil, map[string]any{"resourceVersion": "2", "generation": int64(2), "uid": "b", "creationTimestamp": nil}),
		},
		"two neighbours and one far away": {
			before: object(numbers(same), nil),
			after: object(numbers(func(i int) string {
				switch i {
				case 2, 8:
					return "changed"
				case 25:
					return ""
				default:
					return same(i)
				}
			}), nil),
			want: `@@ -5,13 +5,13 @@
 spec:
   f00: v0
   f01: v1
-  f02: v2
+  f02: changed
   f03: v3
   f04: v4
   f05: v5
   f06: v6
   f07: v7
-  f08: v8
+  f08: changed
   f09: v9
   f10: v10
   f11: v11
@@ -28,7 +28,6 @@
   f22: v22
   f23: v23
   f24: v24
-  f25: v25
   f26: v26
   f27: v27
   f28: v28
`,
		},
		"it is new": {
			after: object(map[string]any{"script": "a\nb\x1b]52;c;x\x07"}, map[string]any{"labels": map[string]any{"a": "\u202eb"}}),
			want: `@@ -0,0 +1,8 @@
+apiVersion: kayci.dev/v1alpha1
+kind: Pipeline
+metadata:
+  labels:
+    a: \u202eb
+  name: web
+spec:
+  script: "a\nb\e]52;c;x\a"
`,
		},
		"it goes": {
			before: object(nil, nil),
			want: `@@ -1,5 +0,0 @@
-apiVersion: kayci.dev/v1alpha1
-kind: Pipeline
-metadata:
-  name: web
-spec: null
`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Of(test.before, test.after)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, written(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func written(lines []Line) string {
	var out strings.Builder
	for _, line := range lines {
		out.WriteString(line.String() + "\n")
	}
	return out.String()
}

// patch takes what is written, and makes the one state from the other.
func TestPatchTakesIt(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("patch"); err != nil {
		t.Skip("there is no patch")
	}
	for name, drop := range map[string]int{"far apart": 9, "near": 6, "neighbours": 2, "all": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			before := object(numbers(func(i int) string { return fmt.Sprint("v", i) }), nil)
			after := object(numbers(func(i int) string {
				if i%drop == 0 {
					return ""
				}
				return fmt.Sprint("v", i)
			}), nil)
			lines, err := Of(before, after)
			if err != nil {
				t.Fatal(err)
			}
			was, _ := text(before)
			want, _ := text(after)
			file := filepath.Join(dir, "x")
			if err := os.WriteFile(file, []byte(was), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "patch", "--fuzz=0", file)
			cmd.Stdin = strings.NewReader("--- x\n+++ x\n" + written(lines))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s\n%s", err, out, written(lines))
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
