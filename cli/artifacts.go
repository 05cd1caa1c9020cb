package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/view"
	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/client"
	"github.com/kayci/kayci/store/serve"
)

type artifactsCommand struct {
	*Env
	output   Output
	to, path string
}

func newArtifactsCommand(env *Env) *cobra.Command {
	a := &artifactsCommand{Env: env}
	cmd := &cobra.Command{
		Use:   "artifacts [RUN [JOB/NAME]]",
		Short: "List what the jobs of a Run have left, and fetch it",
		Long: `List what the jobs of a Run have left as artifacts, or the files of the artifact
JOB/NAME. They are in KayCI's store, also after the Run was deleted.

` + unaddressed,
		Example: "  kayci artifacts web/128\n" +
			"  kayci artifacts web/128 build/dist -d dist\n" +
			"  kayci artifacts web/128 build/dist --path dist/app.txt > app.txt",
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: env.complete(env.completeRuns, env.completeArtifacts),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.do(cmd, args) },
	}
	env.Cluster.AddFlags(cmd.Flags())
	a.output.AddFlag(cmd, asTable)
	cmd.Flags().StringVarP(&a.to, "directory", "d", "", "folder to write the artifact's files to; it may not be there yet")
	cmd.Flags().StringVar(&a.path, "path", "", "print this file of the artifact, as it is")
	return cmd
}

func (a *artifactsCommand) do(cmd *cobra.Command, args []string) error {
	job, name, err := a.check(cmd, args)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	store, err := a.Cluster.Store()
	if err != nil {
		return err
	}
	if store == nil {
		return usage("artifacts are in the store, and none is asked: --store names one")
	}
	run, err := a.run(ctx, args)
	if err != nil {
		return err
	}
	switch {
	case a.path != "":
		return a.print(ctx, store, run, job, name)
	case a.to != "":
		return a.unpack(ctx, store, run, job, name)
	case name != "":
		return a.files(ctx, store, run, job, name)
	default:
		return a.list(ctx, store, run)
	}
}

func (a *artifactsCommand) check(cmd *cobra.Command, args []string) (job, name string, err error) {
	if err := a.output.Check(); err != nil {
		return "", "", err
	}
	if a.to != "" && a.path != "" || (a.to != "" || a.path != "") && cmd.Flags().Changed("output") {
		return "", "", usage("--directory, --path and --output don't go together: give one of them")
	}
	if a.path != "" && a.Terminal.Out {
		return "", "", usage("--path prints a file as it is, and a terminal would obey it: send it elsewhere, as by > FILE")
	}
	if len(args) < 2 {
		if a.to != "" || a.path != "" {
			return "", "", usage("--directory and --path take an artifact: name it as RUN JOB/NAME")
		}
		return "", "", nil
	}
	job, name, is := strings.Cut(args[1], "/")
	if !is || !find.IsName(job) || !find.IsName(name) {
		return "", "", usage("%q names no artifact: it takes JOB/NAME", args[1])
	}
	return job, name, nil
}

func (a *artifactsCommand) list(ctx context.Context, store *client.Store, run *v1alpha1.Run) error {
	found, err := store.Artifacts(ctx, run)
	if err != nil {
		return err
	}
	if _, own := a.output.Own(); !own {
		return writeItems(&a.output, a.Out, found, func(artifact serve.Artifact) string { return artifact.Job + "/" + artifact.Name })
	}
	if len(found) == 0 {
		_, err := fmt.Fprintf(a.Err, "Run %s has left no artifacts.\n", view.Address(run))
		return err
	}
	list := &table{headings: []string{"ARTIFACT", "FILES", "SIZE", "AGE"}}
	for _, artifact := range found {
		list.add(printable.Text(artifact.Job+"/"+artifact.Name), fmt.Sprint(artifact.Files), printable.Size(artifact.Bytes), since(artifact.Stored, a.Now()))
	}
	return list.write(a.Out, a.columns())
}

// columns of the terminal; 0 where there is none.
func (e *Env) columns() int {
	if !e.Terminal.Out {
		return 0
	}
	columns, _ := e.Terminal.Size()
	return columns
}

// listedFiles is how many files of an artifact are listed.
const listedFiles = 100_000

func (a *artifactsCommand) files(ctx context.Context, store *client.Store, run *v1alpha1.Run, job, name string) error {
	found, err := store.Files(ctx, run, job, name, listedFiles)
	if err != nil {
		return a.near(ctx, store, run, job, name, err)
	}
	if _, own := a.output.Own(); !own {
		return writeItems(&a.output, a.Out, found.Items, func(file archive.File) string { return printable.Text(file.Path) })
	}
	list := &table{headings: []string{"FILE", "SIZE", "LINK"}}
	for _, file := range found.Items {
		shown, bytes := printable.Text(file.Path), printable.Size(file.Size)
		if file.Folder {
			shown += "/"
		}
		if file.Folder || file.Link != "" {
			bytes = ""
		}
		list.add(shown, bytes, printable.Text(file.Link))
	}
	if err := list.write(a.Out, a.columns()); err != nil || found.Total <= len(found.Items) {
		return err
	}
	_, err = fmt.Fprintf(a.Err, "%d more\n", found.Total-len(found.Items))
	return err
}

// near says which artifacts there are, if the one that was asked for isn't.
func (a *artifactsCommand) near(ctx context.Context, store *client.Store, run *v1alpha1.Run, job, name string, err error) error {
	if !errors.Is(err, client.ErrNotStored) {
		return err
	}
	found, listed := store.Artifacts(ctx, run)
	if listed != nil {
		return err
	}
	names := make([]string, 0, len(found))
	for _, artifact := range found {
		if artifact.Job == job && artifact.Name == name {
			return err
		}
		names = append(names, printable.Text(artifact.Job+"/"+artifact.Name))
	}
	hint := "it has left none"
	if len(names) > 0 {
		hint = "it has left " + printable.Cut(strings.Join(names, ", "), 1000)
	}
	return usage("Run %s has no artifact %s/%s: %s", view.Address(run), job, name, hint)
}

// print prints a file of an artifact.
func (a *artifactsCommand) print(ctx context.Context, store *client.Store, run *v1alpha1.Run, job, name string) error {
	body, err := store.File(ctx, run, job, name, a.path)
	if err != nil {
		return a.near(ctx, store, run, job, name, err)
	}
	defer body.Close()
	if _, err := io.Copy(a.Out, body); err != nil && !closed(err) {
		return fmt.Errorf("print %s: %w", printable.Text(a.path), err)
	}
	return nil
}

// unpack writes an artifact's files to a new folder, which goes again if that fails.
func (a *artifactsCommand) unpack(ctx context.Context, store *client.Store, run *v1alpha1.Run, job, name string) error {
	found, err := store.Artifacts(ctx, run)
	if err != nil {
		return err
	}
	body, err := store.Tar(ctx, run, job, name)
	if err != nil {
		return a.near(ctx, store, run, job, name, err)
	}
	defer body.Close()
	if err := os.Mkdir(a.to, 0o750); err != nil {
		return fmt.Errorf("create the folder: %w", err)
	}
	for _, artifact := range found {
		if artifact.Job == job && artifact.Name == name {
			err = untar(ctx, a.to, body, &artifact)
		}
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(a.to))
	}
	_, err = fmt.Fprintln(a.Out, a.to)
	return err
}

// untar writes a tar of an artifact to a folder, and refuses what isn't the whole of it.
func untar(ctx context.Context, folder string, body io.Reader, artifact *serve.Artifact) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("open the folder: %w", err)
	}
	defer root.Close()
	files, bytes, err := archive.Untar(ctx, root, body, archive.Limits{Files: artifact.Files, Bytes: artifact.Bytes})
	if err == nil && (files != artifact.Files || bytes != artifact.Bytes) {
		err = fmt.Errorf("%d files of %d bytes came, and the artifact has %d of %d: try again", files, bytes, artifact.Files, artifact.Bytes)
	}
	return err
}

// completeArtifacts offers the artifacts of the Run that the first argument means.
func (e *Env) completeArtifacts(ctx context.Context, finder find.Finder, args []string) ([]cobra.Completion, error) {
	store, err := e.Cluster.Store()
	if store == nil || err != nil {
		return nil, err
	}
	run, err := finder.Run(ctx, args[0])
	if err != nil {
		return nil, err
	}
	found, err := store.Artifacts(ctx, run)
	if err != nil {
		return nil, err
	}
	words := make([]cobra.Completion, 0, len(found))
	for _, artifact := range found {
		words = append(words, described(artifact.Job+"/"+artifact.Name, printable.Size(artifact.Bytes)))
	}
	return words, nil
}
