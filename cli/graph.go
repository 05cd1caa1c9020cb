package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/graph/draw"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/view"
)

// The formats of kayci graph.
const (
	asDot     = "dot"
	asMermaid = "mermaid"
	asSVG     = "svg"
)

func newGraphCommand(env *Env) *cobra.Command {
	format, all := asText, false
	formats := []string{asText, asDot, asMermaid, asSVG}
	cmd := &cobra.Command{
		Use:   "graph [PIPELINE|RUN]",
		Short: "Draw the jobs of a Pipeline or Run",
		Long: `Draw the jobs of a Pipeline or Run, and what needs what.

A name is that of a Pipeline, whose jobs are drawn as they are now, or of a Run, whose
jobs are drawn with their states. web/12 is a Run, web/ the newest Run of the Pipeline
web, and without a name it is the newest Run of the namespace.

From 6 on, jobs of a matrix that need the same and are needed by the same are one box,
with the number of those that have ended; --all draws each. What follows from other
lines is left out. A drawing that is too wide for the terminal, or too tangled to
follow, becomes a list.`,
		Example: `  kayci graph web
  kayci graph web/12
  kayci graph web -o mermaid >> README.md
  kayci graph web -o dot | dot -Tpng > web.png`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.complete(env.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(formats, format) {
				return usage("--output is %q: it takes %s", format, strings.Join(formats, ", "))
			}
			drawn, err := env.drawing(cmd.Context(), strings.Join(args, ""))
			if err != nil {
				return err
			}
			text, err := env.draw(drawn, format, all)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(env.Out, text)
			return err
		},
	}
	env.Cluster.AddFlags(cmd.Flags())
	cmd.Flags().StringVarP(&format, "output", "o", format, strings.Join(formats, ", "))
	cmd.Flags().BoolVar(&all, "all", false, "fold nothing")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// drawing is what is to be drawn.
type drawing struct {
	title string
	jobs  []v1alpha1.Job
	marks draw.Marks
}

// drawing finds the Pipeline or Run.
func (e *Env) drawing(ctx context.Context, name string) (*drawing, error) {
	finder, err := e.finder()
	if err != nil {
		return nil, err
	}
	if name != "" && !strings.Contains(name, "/") {
		pipeline, err := finder.Pipeline(ctx, name)
		if err == nil {
			return &drawing{pipeline.Name, pipeline.Spec.Jobs, draw.Spec(pipeline.Spec.Jobs, e.Terminal.ASCII)}, nil
		}
		if none := (*find.NotFoundError)(nil); !errors.As(err, &none) {
			return nil, err
		}
	}
	run, err := finder.Run(ctx, name)
	if err != nil {
		return nil, err
	}
	spec, err := specOf(ctx, finder, run)
	if err != nil {
		return nil, err
	}
	if spec == nil {
		return nil, fmt.Errorf("draw Run %s: the copy of the Pipeline that it executed was deleted; `kayci describe %s` shows its jobs", view.Address(run), view.Address(run))
	}
	v := view.Of(view.Facts{Run: run, Spec: spec, Now: e.Now()})
	return &drawing{v.Address, spec.Jobs, v.Marks(e.Terminal.ASCII, nil)}, nil
}

func (e *Env) draw(d *drawing, format string, all bool) (string, error) {
	var open []string
	for i := range d.jobs {
		if all {
			open = append(open, d.jobs[i].Name)
		}
	}
	layout := graph.Arrange(d.jobs, open...)
	switch format {
	case asDot:
		return draw.Dot(layout, d.marks, d.title), nil
	case asMermaid:
		return draw.Mermaid(layout, d.marks), nil
	case asSVG:
		svg, err := draw.SVG(layout, d.marks, d.title)
		return string(svg), err
	}
	return draw.Text(layout, d.marks, styleOf(e.Terminal)), nil
}

// styleOf a drawing for the terminal, as wide as that is.
func styleOf(t *terminal.Terminal) draw.Style {
	style := draw.Style{
		ASCII: t.ASCII,
		Paint: func(class, text string) string { return t.Paint(terminal.StyleOf(class), text) },
	}
	if t.Out {
		style.Width, _ = t.Size()
	}
	return style
}

// picture is the drawing of a Run's jobs in lines that begin with the margin. There is
// none where a list of the jobs says as much: nothing needs anything, or there is no room.
func picture(t *terminal.Terminal, layout graph.Layout, r *view.Run, margin string) []string {
	if len(layout.Edges) == 0 {
		return nil
	}
	style := styleOf(t)
	if style.Width > 0 {
		style.Width = max(1, style.Width-len(margin))
	}
	text, drawn := draw.Drawing(layout, r.Marks(t.ASCII, nil), style)
	if !drawn {
		return nil
	}
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, margin+strings.TrimSuffix(line, "\n"))
	}
	return lines
}
