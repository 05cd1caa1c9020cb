package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/render"
)

// evaluateCommand is how this program calls itself to evaluate jsonnet in a
// process that may be killed.
func evaluateCommand() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's own path: %w", err)
	}
	return []string{self, "evaluate"}, nil
}

const imageUsage = "KayCI's own image, which the notifiers of the built-in library run"

// defaultImage is the released image of this very version, if it is one.
func defaultImage() string {
	if version == "" {
		return render.DefaultImage
	}
	return render.DefaultImage + ":" + version
}

func newEvaluateCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "evaluate",
		Short:  "Evaluate files for another process of this program",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return render.EvaluateCommand(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

// folderFlags say which folder is rendered, and how.
type folderFlags struct {
	render.Options
	timeout    time.Duration
	allowEmpty bool
}

func (flags *folderFlags) add(f *pflag.FlagSet) {
	f.StringVar(&flags.Path, "path", "", "folder of the entry files below DIR (default DIR itself)")
	f.StringVarP(&flags.Namespace, "namespace", "n", "default", "namespace that the objects are for")
	f.StringToStringVar(&flags.Vars, "var", nil, "vars of the ConfigRepo, as name=value; may be repeated")
	f.StringVar(&flags.Image, "image", defaultImage(), imageUsage)
	f.BoolVar(&flags.allowEmpty, "allow-empty", false, "accept files that render nothing, as a ConfigRepo with spec.allowEmpty does")
	f.DurationVar(&flags.timeout, "timeout", time.Minute, "when to give up")
}

// objects of the folder that is named, or of the current one.
func (flags *folderFlags) objects(ctx context.Context, args []string) ([]render.Object, error) {
	flags.Dir = "."
	if len(args) > 0 {
		flags.Dir = args[0]
	}
	command, err := evaluateCommand()
	if err != nil {
		return nil, err
	}
	flags.Exec = command
	ctx, cancel := context.WithTimeout(ctx, flags.timeout)
	defer cancel()
	result, err := render.Render(ctx, flags.Options)
	if err != nil {
		return nil, err
	}
	if len(result.Objects) == 0 && !flags.allowEmpty {
		return nil, errors.New("the files render no object: a sync refuses them unless spec.allowEmpty is set")
	}
	return result.Objects, nil
}

type renderFlags struct {
	folderFlags
	output string
}

func newRenderCommand() *cobra.Command {
	var flags renderFlags
	cmd := &cobra.Command{
		Use:   "render [DIR]",
		Short: "Print the objects that a sync of DIR would apply",
		Long: "Print the objects that a sync of DIR would apply, or why it would refuse them.\n" +
			"Nothing is sent anywhere: what only an API server can say is not checked.",
		Args: cobra.MaximumNArgs(1),
		RunE: flags.run,
	}
	flags.add(cmd.Flags())
	cmd.Flags().StringVarP(&flags.output, "output", "o", "yaml", "yaml or json")
	return cmd
}

func (flags *renderFlags) run(cmd *cobra.Command, args []string) error {
	if flags.output != "yaml" && flags.output != "json" {
		return fmt.Errorf("--output is %q: it takes yaml or json", flags.output)
	}
	objects, err := flags.objects(cmd.Context(), args)
	if err != nil {
		return err
	}
	return flags.print(cmd.OutOrStdout(), objects)
}

func (flags *renderFlags) print(out io.Writer, objects []render.Object) error {
	var errs []error
	for _, o := range objects {
		text, err := flags.format(o)
		if err == nil {
			_, err = out.Write(text)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// format leaves the status out, which a sync doesn't apply.
func (flags *renderFlags) format(o render.Object) ([]byte, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o.Object)
	if err != nil {
		return nil, fmt.Errorf("print %s: %w", o.Object.GetName(), err)
	}
	delete(fields, "status")
	if flags.output == "json" {
		text, err := json.Marshal(fields)
		return append(text, '\n'), err
	}
	text, err := yaml.Marshal(fields)
	return append([]byte("---\n# "+o.File+"\n"), text...), err
}
