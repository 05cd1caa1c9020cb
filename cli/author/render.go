package author

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/render"
)

type renderFlags struct {
	folder
	output string
}

func newRenderCommand(tools *Tools) *cobra.Command {
	flags := renderFlags{folder: folder{tools: tools}}
	cmd := &cobra.Command{
		Use:   "render [DIR]",
		Short: "Print the objects that a sync of DIR would apply",
		Long: "Print the objects that a sync of DIR would apply, or why it would refuse them.\n\n" +
			"DIR is the root of a config repository, or the current folder. Nothing is sent\n" +
			"anywhere, and no cluster is asked, unless --configrepo names a ConfigRepo: what only\n" +
			"an API server can say is not checked. `kayci diff` asks it.",
		Example: "  kayci render\n" +
			"  kayci render ~/src/pipelines --path ci --var registry=registry.example.com -n ci\n" +
			"  kayci render --configrepo pipelines -o json",
		Args: cobra.MaximumNArgs(1),
		RunE: flags.run,
	}
	flags.addFlags(cmd.Flags())
	flags.addTimeout(cmd.Flags())
	cmd.Flags().StringVarP(&flags.output, "output", "o", "yaml", "yaml or json")
	return cmd
}

func (flags *renderFlags) run(cmd *cobra.Command, args []string) error {
	if flags.output != "yaml" && flags.output != "json" {
		return fmt.Errorf("--output is %q: it takes yaml or json", flags.output)
	}
	objects, err := flags.objects(cmd, args)
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
