package author

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/controllers/trigger/explain"
	"github.com/kayci/kayci/controllers/trigger/webhook"
)

// exitNothingStarts is the exit code where the request would start no Run. It says all
// that is to be said.
const exitNothingStarts = 2

type matchFlags struct {
	folder
	event   string
	headers []string
	trigger string
	output  string
}

func newMatchCommand(tools *Tools) *cobra.Command {
	flags := matchFlags{folder: folder{tools: tools}}
	cmd := &cobra.Command{
		Use:     "match [DIR]",
		Aliases: []string{"explain"},
		Short:   "Say which Triggers a request would start Runs by, and why",
		Long: "Say for each Trigger whether a request would start a Run, why, and with which\n" +
			"parameters, as the controller decides. No signature is checked, and nothing is sent to\n" +
			"a git host.\n\n" +
			"The Triggers are those of the cluster's namespace. With DIR they are those that its\n" +
			"files hold, as `kayci render` prints them, and no cluster is asked.\n\n" +
			"The exit code is 0 if a Run would be started, 2 if none would, and 1 if something is\n" +
			"wrong: with the flags, the files or the request, or with what a Trigger makes of it.",
		Example: "  kayci match -f payload.json --header X-GitHub-Event=push\n" +
			"  kayci match ci -f payload.json --header X-Gitlab-Event='Push Hook' --trigger web-push -o json\n" +
			"  kayci match ci -f params.json",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return wrong(flags.run(cmd, args)) },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return wrong(err) })
	flags.addFlags(cmd.Flags())
	flags.addTimeout(cmd.Flags())
	f := cmd.Flags()
	f.StringVarP(&flags.event, "file", "f", "", "file with the request's body; - is standard input")
	f.StringVar(&flags.event, "event", "", "the same")
	// It fails for a flag that isn't there.
	_ = f.MarkHidden("event")
	f.StringArrayVar(&flags.headers, "header", nil, "header of the request, as Name=value; may be repeated. The git host's own names the event: X-GitHub-Event, X-Gitlab-Event, X-Gitea-Event, X-Event-Key")
	f.StringVar(&flags.trigger, "trigger", "", "the one Trigger to ask (default all)")
	f.StringVarP(&flags.output, "output", "o", "text", "text or json")
	return cmd
}

// wrong gives an error this command's own exit code: the usual one says here that no
// Run would be started.
func wrong(err error) error {
	var exit *cli.ExitError
	if err == nil || errors.As(err, &exit) || apierrors.IsForbidden(err) {
		return err
	}
	return &cli.ExitError{Code: cli.ExitFailed, Err: err}
}

func (flags *matchFlags) run(cmd *cobra.Command, args []string) error {
	if flags.output != "text" && flags.output != "json" {
		return fmt.Errorf("--output is %q: it takes text or json", flags.output)
	}
	if flags.event == "" {
		return errors.New("-f is missing: it names the file with the request's body")
	}
	request, err := flags.request(cmd.InOrStdin())
	if err != nil {
		return err
	}
	objects, from, err := flags.objects(cmd, args)
	if err != nil {
		return err
	}
	answers, err := explain.Explain(flags.asked(objects), request)
	if err != nil {
		return err
	}
	if len(answers) == 0 {
		if flags.trigger == "" {
			return &cli.ExitError{Code: exitNothingStarts, Err: fmt.Errorf("%s no Trigger", from)}
		}
		return fmt.Errorf("%s no Trigger %s", from, flags.trigger)
	}
	if err := flags.print(cmd.OutOrStdout(), answers); err != nil {
		return err
	}
	return verdict(answers)
}

// objects of the folder or of the cluster, and what is said of where they are from.
func (flags *matchFlags) objects(cmd *cobra.Command, args []string) (objects explain.Objects, from string, err error) {
	if len(args) == 0 {
		return flags.fromCluster(cmd)
	}
	rendered, err := flags.folder.objects(cmd, args)
	for _, one := range rendered {
		switch o := one.Object.(type) {
		case *v1alpha1.Trigger:
			objects.Triggers = append(objects.Triggers, o)
		case *v1alpha1.Pipeline:
			objects.Pipelines = append(objects.Pipelines, o)
		}
	}
	return objects, "the files have", err
}

func (flags *matchFlags) fromCluster(cmd *cobra.Command) (objects explain.Objects, from string, err error) {
	for _, name := range []string{pathFlag, varFlag, imageFlag, gitImageFlag, storeURLFlag, allowEmptyFlag, configRepoFlag} {
		if cmd.Flags().Changed(name) {
			return objects, "", fmt.Errorf("--%s is about files: name their folder, as in `kayci match . --%s …`", name, name)
		}
	}
	namespace, err := flags.tools.Cluster.Namespace()
	if err != nil {
		return objects, "", err
	}
	cluster, err := flags.tools.Cluster.Client()
	if err != nil {
		return objects, "", err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), flags.timeout)
	defer cancel()
	var triggers v1alpha1.TriggerList
	if err := cluster.List(ctx, &triggers, client.InNamespace(namespace)); err != nil {
		return objects, "", fmt.Errorf("list the Triggers: %w", err)
	}
	var pipelines v1alpha1.PipelineList
	if err := cluster.List(ctx, &pipelines, client.InNamespace(namespace)); err != nil {
		return objects, "", fmt.Errorf("list the Pipelines: %w", err)
	}
	for i := range triggers.Items {
		objects.Triggers = append(objects.Triggers, &triggers.Items[i])
	}
	for i := range pipelines.Items {
		objects.Pipelines = append(objects.Pipelines, &pipelines.Items[i])
	}
	return objects, fmt.Sprintf("namespace %s has", namespace), nil
}

func (flags *matchFlags) request(stdin io.Reader) (explain.Request, error) {
	header := http.Header{}
	for _, one := range flags.headers {
		name, value, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return explain.Request{}, fmt.Errorf("--header is %q: it takes Name=value", one)
		}
		header.Add(name, strings.TrimSpace(value))
	}
	from := stdin
	if flags.event != "-" {
		file, err := os.Open(flags.event)
		if err != nil {
			return explain.Request{}, fmt.Errorf("read the event: %w", err)
		}
		defer file.Close()
		from = file
	}
	body, err := io.ReadAll(io.LimitReader(from, webhook.DefaultMaxBytes+1))
	switch {
	case err != nil:
		return explain.Request{}, fmt.Errorf("read the event: %w", err)
	case len(body) > webhook.DefaultMaxBytes:
		return explain.Request{}, fmt.Errorf("read the event: it has more than %d bytes", webhook.DefaultMaxBytes)
	}
	return explain.Request{Header: header, Body: body}, nil
}

// asked are the Triggers that are meant, and all Pipelines.
func (flags *matchFlags) asked(objects explain.Objects) explain.Objects {
	if flags.trigger != "" {
		objects.Triggers = slices.DeleteFunc(objects.Triggers, func(t *v1alpha1.Trigger) bool { return t.Name != flags.trigger })
	}
	return objects
}

func (flags *matchFlags) print(out io.Writer, answers []explain.Answer) error {
	if flags.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(answers)
	}
	var text strings.Builder
	for _, answer := range answers {
		fmt.Fprintf(&text, "%s: %s\n  %s\n", answer.Trigger, inWords(answer), answer.Reason)
		for _, name := range slices.Sorted(maps.Keys(answer.Params)) {
			fmt.Fprintf(&text, "  %s=%q\n", name, answer.Params[name])
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func inWords(answer explain.Answer) string {
	switch answer.Outcome {
	case v1alpha1.DecisionCreated:
		return "yes, a Run of " + answer.Pipeline
	case v1alpha1.DecisionInvalid:
		return "no, something is wrong"
	default:
		return "no"
	}
}

// verdict on all answers, as the exit code gives it.
func verdict(answers []explain.Answer) error {
	wrong, starts := 0, false
	for _, answer := range answers {
		switch answer.Outcome {
		case v1alpha1.DecisionInvalid:
			wrong++
		case v1alpha1.DecisionCreated:
			starts = true
		default:
		}
	}
	switch {
	case wrong > 0:
		return fmt.Errorf("%d of %d Triggers can't make anything of the request", wrong, len(answers))
	case !starts:
		return &cli.ExitError{Code: exitNothingStarts}
	}
	return nil
}
