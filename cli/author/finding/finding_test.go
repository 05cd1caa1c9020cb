package finding

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/render"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

func faults() render.Errors {
	return render.Errors{
		{File: "a.jsonnet", Line: 3, Message: "Undefined external variable: pipeline\n\tduring evaluation"},
		{File: "b, c:d/100%.yaml", Line: 1, Object: "[0]", Message: "expected an object,\nfound a string"},
		{File: "web.yaml", Line: 12, Object: "Pipeline/web", Field: "spec.jobs[0].name", Message: `Invalid value: "X": use lower case`},
		{File: "web.yaml", Object: "Pipeline/web", Field: "spec.jobs[1]", Message: "::error::not a command\x1b]52;c;x\x07<script>"},
		{Message: "only the first 4 errors are shown"},
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	formats := map[string]func(io.Writer, []Finding) error{
		"text": Text, "json": JSON, "github": GitHub,
		"sarif": func(out io.Writer, findings []Finding) error { return SARIF(out, "v1.2.3", findings) },
	}
	for name, write := range formats {
		for state, findings := range map[string][]Finding{"faults": Of("ci/web", faults()), "clean": nil} {
			t.Run(name+" "+state, func(t *testing.T) {
				t.Parallel()
				var got bytes.Buffer
				if err := write(&got, findings); err != nil {
					t.Fatal(err)
				}
				golden := filepath.Join("testdata", state+"."+name)
				if *update {
					if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got.String()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]string{".": "a.jsonnet", "ci/": "ci/a.jsonnet", "../x": "../x/a.jsonnet", "/abs": "/abs/a.jsonnet"} {
		if got := Of(dir, faults()[:1])[0].File; got != want {
			t.Errorf("below %s: got %s, want %s", dir, got, want)
		}
	}
}
