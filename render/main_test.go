package render_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/kayci/kayci/render"
)

var update = flag.Bool("update", false, "write the golden files")

// childArgument has this test binary act as the child process.
const childArgument = "evaluate-as-child"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArgument {
		if err := render.EvaluateCommand(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
