package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/view"
)

// maxPodsAsked bounds of how many pods the events are asked for.
const maxPodsAsked = 8

func newDescribeCommand(env *Env) *cobra.Command {
	var output Output
	cmd := &cobra.Command{
		Use:   "describe [RUN]",
		Short: "Show a Run: where it stands, why, and what would help",
		Long: `Show a Run: where it stands and why, a drawing of its jobs, each job with what it waits
for and since when, their outputs, the events about the Run and about pods that aren't
well, and the commands that would help. A drawing that has no room is left out: kayci
graph has all of it.

` + addressing,
		Example: `  kayci describe
  kayci describe web/12
  kayci describe web/12 -o yaml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.complete(env.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.Check(); err != nil {
				return err
			}
			finder, err := env.finder()
			if err != nil {
				return err
			}
			run, err := env.run(cmd.Context(), args)
			if err != nil {
				return err
			}
			if _, own := output.Own(); !own {
				return output.Write(env.Out, run)
			}
			d := description{now: env.Now(), terminal: env.Terminal}
			spec, err := specOf(cmd.Context(), finder, run)
			if err != nil {
				return err
			}
			pods, err := d.look(cmd.Context(), finder.Reader, run)
			if err != nil {
				return err
			}
			d.run, d.params = env.see(view.Facts{Run: run, Spec: spec, Pods: pods, Deleted: find.Deleted(run), Now: d.now}), run.Spec.Params
			if spec != nil {
				d.layout = graph.Arrange(spec.Jobs)
			}
			if err := d.events(cmd.Context(), finder.Reader, pods); err != nil {
				return err
			}
			_, err = fmt.Fprint(env.Out, d.text())
			return err
		},
	}
	env.Cluster.AddFlags(cmd.Flags())
	output.AddFlag(cmd, asText)
	return cmd
}

// look reads the pods of the Run. Who may see Runs need not see those.
func (d *description) look(ctx context.Context, reader client.Reader, run *v1alpha1.Run) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := reader.List(ctx, &pods, client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.RunLabel: run.Name})
	switch {
	case apierrors.IsForbidden(err):
		d.unseen = append(d.unseen, "pods")
	case err != nil:
		return nil, fmt.Errorf("list the pods of Run %s: %w", run.Name, err)
	}
	return pods.Items, nil
}

// events reads those about the Run, and about pods of jobs that aren't well.
func (d *description) events(ctx context.Context, reader client.Reader, pods []corev1.Pod) error {
	about := []types.UID{d.run.UID}
	for i := range d.run.Jobs {
		job := &d.run.Jobs[i]
		if job.State != view.Failed && job.State != view.Starting {
			continue
		}
		for p := range pods {
			if pods[p].Labels[v1alpha1.JobLabel] == job.Name && len(about) <= maxPodsAsked {
				about = append(about, pods[p].UID)
			}
		}
	}
	for _, uid := range about {
		var found corev1.EventList
		err := reader.List(ctx, &found, client.InNamespace(d.run.Namespace), client.MatchingFields{"involvedObject.uid": string(uid)})
		switch {
		case apierrors.IsForbidden(err):
			d.unseen = append(d.unseen, "events")
			return nil
		case err != nil:
			return fmt.Errorf("list the events of Run %s: %w", d.run.Name, err)
		}
		d.happened = append(d.happened, found.Items...)
	}
	return nil
}
