package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/bundle"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/client"
)

// eventPage is how many events an answer of the API server holds.
const eventPage = 500

func newDownloadCommand(env *Env) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "download [RUN]",
		Short: "Save all that is known of a Run: its logs, events and what it has run",
		Long: `Save all that is known of a Run in a folder or, if its name ends with .tar.gz, in one
file: the Run, the copy of its Pipeline that it has run, its events, each log with
times, the reports on its tests, and a list of its artifacts, which kayci artifacts
fetches. What there is none of stands in missing.txt. The Run's parameters and outputs
are in it; pods and Secrets aren't.`,
		Example: "  kayci download web/128\n  kayci download web/128 -d report",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.download(cmd.Context(), strings.Join(args, ""), to)
		},
	}
	env.Cluster.AddFlags(cmd.Flags())
	cmd.Flags().StringVarP(&to, "directory", "d", "", "folder, or file if it ends with .tar.gz, to save to; it may not be there yet (default RUN.tar.gz)")
	return cmd
}

func (e *Env) download(ctx context.Context, name, to string) error {
	finder, err := e.finder()
	if err != nil {
		return err
	}
	kube, err := e.Cluster.Kube()
	if err != nil {
		return err
	}
	pods, err := e.pods(kube)
	if err != nil {
		return err
	}
	store, err := e.Cluster.Store()
	if err != nil {
		return err
	}
	run, err := finder.Run(ctx, name)
	if err != nil {
		return err
	}
	if to == "" {
		to = run.Name + ".tar.gz"
	}
	target, err := bundle.Create(to, e.Now())
	if err != nil {
		return err
	}
	d := &download{kube: kube, pods: pods, store: store, finder: finder, run: run, target: target}
	if err := d.all(ctx); err != nil {
		target.Discard()
		return err
	}
	if err := target.Close(); err != nil {
		return err
	}
	for _, what := range d.missing {
		fmt.Fprintln(e.Err, what)
	}
	_, err = fmt.Fprintln(e.Out, to)
	return err
}

// download saves a Run.
type download struct {
	kube kubernetes.Interface
	pods *logs.Pods
	// store is nil where nobody is asked.
	store  *client.Store
	finder find.Finder
	run    *v1alpha1.Run
	target bundle.Target
	// missing is what couldn't be had, a line each.
	missing []string
}

func (d *download) miss(what string, why any) {
	d.missing = append(d.missing, what+": "+printable.Text(fmt.Sprint(why)))
}

// all saves what there is. Only an error of the target, or the person, ends it.
func (d *download) all(ctx context.Context) error {
	run := d.run.DeepCopy()
	run.ManagedFields = nil
	run.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(v1alpha1.RunKind))
	if err := d.yaml("run.yaml", run); err != nil {
		return err
	}
	if spec, err := d.finder.Spec(ctx, d.run); err != nil {
		d.miss("pipeline.yaml", err)
	} else if err := d.yaml("pipeline.yaml", spec); err != nil {
		return err
	}
	found, err := d.pods.Of(ctx, d.run)
	if err != nil {
		d.miss("logs", err)
		found = &logs.Found{Run: d.run}
	}
	if events, err := d.events(ctx, found.Pods); err != nil {
		d.miss("events.yaml", err)
	} else if err := d.yaml("events.yaml", events); err != nil {
		return err
	}
	for _, part := range found.Parts() {
		for _, what := range part.Missing {
			d.miss(part.Name, what)
		}
		for i := range part.Containers {
			if err := d.log(ctx, &part.Containers[i]); err != nil {
				return err
			}
		}
	}
	if err := d.left(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return d.target.Put("missing.txt", func(w io.Writer) error {
		_, err := io.WriteString(w, strings.Join(append(d.missing, ""), "\n"))
		return err
	})
}

// left saves which artifacts the jobs have left, and the reports on their tests.
func (d *download) left(ctx context.Context) error {
	if d.store == nil {
		return nil
	}
	found, err := d.store.Artifacts(ctx, d.run)
	switch {
	case errors.Is(err, client.ErrNotStored):
		// There is no store, or none that the person reaches.
	case err != nil:
		d.miss("artifacts.yaml", err)
	default:
		if err := d.yaml("artifacts.yaml", found); err != nil {
			return err
		}
	}
	for i := range d.run.Status.Jobs {
		job := &d.run.Status.Jobs[i]
		if job.Tests == nil {
			continue
		}
		name := "tests/" + job.Name + ".json"
		report, err := d.store.Tests(ctx, d.run, job.Name, client.TestsQuery{})
		if err != nil {
			d.miss(name, err)
			continue
		}
		err = d.target.Put(name, func(w io.Writer) error { return json.NewEncoder(w).Encode(report) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *download) yaml(name string, object any) error {
	data, err := yaml.Marshal(object)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return d.target.Put(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// events of the Run, its Jobs and its pods.
func (d *download) events(ctx context.Context, pods []corev1.Pod) ([]corev1.Event, error) {
	of := map[string]bool{v1alpha1.RunKind + "/" + d.run.Name: true}
	for i := range d.run.Status.Jobs {
		of["Job/"+d.run.Status.Jobs[i].Job] = true
	}
	for i := range d.run.Status.Services {
		of["Job/"+d.run.Status.Services[i].Job] = true
	}
	for i := range pods {
		of["Pod/"+pods[i].Name] = true
	}
	events := []corev1.Event{}
	options := metav1.ListOptions{Limit: eventPage}
	for {
		some, err := d.kube.CoreV1().Events(d.run.Namespace).List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("list events: %w", err)
		}
		for i := range some.Items {
			if event := &some.Items[i]; of[event.InvolvedObject.Kind+"/"+event.InvolvedObject.Name] {
				event.ManagedFields = nil
				events = append(events, *event)
			}
		}
		if options.Continue = some.Continue; options.Continue == "" {
			return events, nil
		}
	}
}

// log saves one container's log: the bytes that it printed, each line with its time.
func (d *download) log(ctx context.Context, c *logs.Container) error {
	name := logName(c)
	var end logs.End
	var failed error
	err := d.target.Put(name, func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 64<<10)
		var full error
		end, failed = d.pods.Read(ctx, c, logs.Options{Whole: true}, func(line *logs.Line) error {
			full = writeLine(out, line)
			return full
		})
		if full != nil {
			return full
		}
		return out.Flush()
	})
	if failed != nil {
		d.miss(name, failed)
	}
	for _, what := range end.Missing {
		d.miss(name, what)
	}
	return err
}

// logName is no other container's: index 1 of the job test isn't the job test-1.
func logName(c *logs.Container) string {
	part := c.Part()
	if c.Index != "" {
		// No job has a dot in its name.
		part += "." + c.Index
	}
	return fmt.Sprintf("logs/%s-%d/%s.log", part, c.Attempt, c.Name)
}

func writeLine(out *bufio.Writer, line *logs.Line) error {
	if line.Stamp != nil && !line.Rest {
		// A writer that has failed says so at the end.
		_, _ = out.Write(line.Stamp)
		_ = out.WriteByte(' ')
	}
	_, err := out.Write(line.Text)
	if !line.More && err == nil {
		err = out.WriteByte('\n')
	}
	return err
}
