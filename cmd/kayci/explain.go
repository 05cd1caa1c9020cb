package main

import (
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

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/explain"
	"github.com/kayci/kayci/controllers/trigger/webhook"
	"github.com/kayci/kayci/render"
)

// exitNothingStarts is the exit code where the request would start no Run. It says all
// that is to be said.
const exitNothingStarts = 2

var errNothingStarts = errors.New("the request would start no Run")

type explainFlags struct {
	folderFlags
	event   string
	headers []string
	trigger string
	output  string
}

func newExplainCommand() *cobra.Command {
	var flags explainFlags
	cmd := &cobra.Command{
		Use:   "explain [DIR]",
		Short: "Say which Triggers of DIR a request would start Runs by, and why",
		Long: "Say for each Trigger of DIR whether a request would start a Run, why, and with which\n" +
			"parameters, as the controller decides. No signature is checked, and nothing is sent\n" +
			"anywhere. DIR is rendered as `kayci render` does it.\n\n" +
			"The exit code is 0 if a Run would be started, 2 if none would, and 1 if something is\n" +
			"wrong: with the files or the request, or with what a Trigger makes of it.",
		Example: "  kayci explain ci --event payload.json --header X-GitHub-Event=push\n" +
			"  kayci explain ci --event payload.json --header X-Gitlab-Event='Push Hook' --trigger web-push -o json\n" +
			"  kayci explain ci --event params.json",
		Args: cobra.MaximumNArgs(1),
		RunE: flags.run,
	}
	flags.add(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&flags.event, "event", "", "file with the request's body; - is standard input")
	f.StringArrayVar(&flags.headers, "header", nil, "header of the request, as Name=value; may be repeated. The git host's own names the event: X-GitHub-Event, X-Gitlab-Event, X-Gitea-Event, X-Event-Key")
	f.StringVar(&flags.trigger, "trigger", "", "the one Trigger to ask (default all)")
	f.StringVarP(&flags.output, "output", "o", "text", "text or json")
	// It fails for a flag that isn't there.
	_ = cmd.MarkFlagRequired("event")
	return cmd
}

func (flags *explainFlags) run(cmd *cobra.Command, args []string) error {
	if flags.output != "text" && flags.output != "json" {
		return fmt.Errorf("--output is %q: it takes text or json", flags.output)
	}
	request, err := flags.request(cmd.InOrStdin())
	if err != nil {
		return err
	}
	rendered, err := flags.objects(cmd.Context(), args)
	if err != nil {
		return err
	}
	answers, err := explain.Explain(flags.asked(rendered), request)
	if err != nil {
		return err
	}
	if len(answers) == 0 && flags.trigger != "" {
		return fmt.Errorf("the files have no Trigger %s", flags.trigger)
	}
	if err := flags.print(cmd.OutOrStdout(), answers); err != nil {
		return err
	}
	return verdict(answers)
}

func (flags *explainFlags) request(stdin io.Reader) (explain.Request, error) {
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
func (flags *explainFlags) asked(rendered []render.Object) explain.Objects {
	var objects explain.Objects
	for _, one := range rendered {
		switch o := one.Object.(type) {
		case *v1alpha1.Trigger:
			if flags.trigger == "" || flags.trigger == o.Name {
				objects.Triggers = append(objects.Triggers, o)
			}
		case *v1alpha1.Pipeline:
			objects.Pipelines = append(objects.Pipelines, o)
		}
	}
	return objects
}

func (flags *explainFlags) print(out io.Writer, answers []explain.Answer) error {
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
		return errNothingStarts
	}
	return nil
}
