package author

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/render"
)

// evaluateArgument has this test binary act as the process that evaluates files.
const evaluateArgument = "evaluate"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == evaluateArgument {
		if err := render.EvaluateCommand(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// ending is what a command has written, and how it has ended.
type ending struct {
	out, err string
	code     int
}

// call runs a command as a person without a kubeconfig does.
func call(t *testing.T, stdin string, args ...string) ending {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	env := cli.NewEnv(cli.Program{
		Name: "kayci", Version: "v1.2.3", In: strings.NewReader(stdin), Out: &out, Err: &out,
		Getenv: func(string) string { return "" },
	})
	root := &cobra.Command{Use: "kayci", SilenceErrors: true, SilenceUsage: true}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.AddCommand(Commands(&Tools{
		Env: env, Image: "registry.example.com/kayci:v1.2.3",
		Evaluate: func() ([]string, error) { return []string{self, evaluateArgument}, nil },
	})...)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return ending{out.String(), message(err), codeOf(err)}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// codeOf an error as the program ends with it.
func codeOf(err error) int {
	var exit *cli.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Code
	default:
		return cli.ExitFault
	}
}
