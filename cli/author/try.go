package author

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/cli/author/trial"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/runs/act"
)

// randomName is how many characters tell two trials of a Pipeline apart.
const randomName = 5

type tryFlags struct {
	folder
	keep, notify bool
	// within is how long the Run may take, zero if it may take any time.
	within time.Duration
}

func newTryCommand(tools *Tools) *cobra.Command {
	flags := tryFlags{folder: folder{tools: tools}}
	cmd := &cobra.Command{
		Use:   "try DIR PIPELINE [NAME=VALUE …]",
		Short: "Run a Pipeline of DIR before it is committed",
		Long: "Render DIR, store the one Pipeline under another name, start a Run of it with the\n" +
			"parameters that are given, print its logs, and remove the Pipeline with its Run again. All of\n" +
			"it is done with your own rights.\n\n" +
			"No Trigger is stored, and nothing of the trial belongs to a ConfigRepo. Its notifiers\n" +
			"tell nobody unless --notify is given, and its Run waits for no other Run: what a\n" +
			"concurrency group keeps apart, the trial doesn't. Everything else is as it will be: the\n" +
			"jobs do what they do, with the namespace's Secrets, service accounts and quotas, and the\n" +
			"volume claims that they name. A workspace is the Run's own.\n\n" +
			"It is removed also if it fails, if --timeout is over, and on Ctrl-C. --keep keeps it.\n\n" +
			"The exit code is the Run's: 0 if it has succeeded, 1 if it has failed, 3 if it was\n" +
			"cancelled; 124 if --timeout was over, and 2 if something else is wrong.",
		Example: "  kayci try . web git_sha=main\n" +
			"  kayci try ~/src/pipelines web --path ci --configrepo pipelines -n ci git_sha=main\n" +
			"  kayci try . web git_sha=main --keep --timeout 20m",
		Args: cobra.MinimumNArgs(2),
		RunE: flags.run,
	}
	flags.addFlags(cmd.Flags())
	f := cmd.Flags()
	f.DurationVar(&flags.within, timeoutFlag, 0, "end the Run and remove it after so long (default never)")
	f.BoolVar(&flags.keep, "keep", false, "keep the Pipeline and its Run")
	f.BoolVar(&flags.notify, "notify", false, "let the Pipeline's notifiers tell of the Run")
	return cmd
}

func (flags *tryFlags) run(cmd *cobra.Command, args []string) error {
	params, err := cli.Params(args[2:])
	if err != nil {
		return err
	}
	if err := flags.resolve(cmd, args); err != nil {
		return err
	}
	if flags.options.Namespace, err = flags.tools.Cluster.Namespace(); err != nil {
		return err
	}
	cluster, err := flags.tools.Cluster.Client()
	if err != nil {
		return err
	}
	pipeline, err := flags.pipeline(cmd.Context(), cluster, args[1])
	if err != nil {
		return err
	}
	if _, problems := validation.Params(pipeline.Spec.Params, params); len(problems) > 0 {
		return &act.ParamsError{Pipeline: pipeline.Name, Problems: problems}
	}
	tried, leftOut := trial.Of(pipeline, trial.Options{Random: rand.String(randomName), Notify: flags.notify})
	a := &attempt{
		out: flags.tools.Err, cluster: cluster, tried: tried, params: params,
		keep: flags.keep, timeout: flags.within, program: flags.tools.Name, every: time.Second, logs: flags.tools.FollowLogs,
	}
	a.say("%s is tried as %s", pipeline.Name, tried.Name)
	for _, clause := range leftOut {
		a.say("%s", clause)
	}
	return a.run(cmd.Context())
}

// pipeline of the folder, with the ConfigRepo's defaults for jobs if one is named.
func (flags *tryFlags) pipeline(ctx context.Context, cluster client.Reader, name string) (*v1alpha1.Pipeline, error) {
	objects, err := flags.render(ctx)
	if err != nil {
		return nil, err
	}
	object, err := named(objects, name)
	if err != nil {
		return nil, err
	}
	return flags.mergedPipeline(ctx, cluster, object)
}

// named returns the Pipeline of a name, or says which there are.
func named(objects []render.Object, name string) (render.Object, error) {
	var names []string
	for _, o := range objects {
		if _, is := o.Object.(*v1alpha1.Pipeline); !is {
			continue
		}
		if o.Object.GetName() == name {
			return o, nil
		}
		names = append(names, o.Object.GetName())
	}
	if len(names) == 0 {
		return render.Object{}, errors.New("the files have no Pipeline: --path names the folder of the entry files below DIR")
	}
	const most = 10
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	return render.Object{}, fmt.Errorf("the files have no Pipeline %s: they have %s%s", name, strings.Join(names, ", "), more)
}
