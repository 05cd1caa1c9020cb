package web

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/logs"
)

// bundle answers with the Run and all logs that there are of it, in one file.
func (s *server) bundle(w http.ResponseWriter, r *http.Request) error {
	asking, cancel := s.soon(r.Context())
	defer cancel()
	run, err := s.getRun(asking, r.PathValue("ns"), r.PathValue("run"))
	if err != nil {
		return err
	}
	found, err := s.pods().Of(asking, run)
	if err != nil {
		return err
	}
	run.ManagedFields = nil
	run.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(v1alpha1.RunKind))
	text, err := yaml.Marshal(run)
	if err != nil {
		return fmt.Errorf("write the Run: %w", err)
	}
	logHeaders(w, true, run.Name+".tar.gz")
	w.Header().Set("Content-Type", "application/gzip")
	packed := gzip.NewWriter(w)
	b := &bundling{pods: s.pods(), tar: tar.NewWriter(packed), folder: run.Name + "/", at: s.Clock.Now()}
	err = b.add("run.yaml", int64(len(text)), strings.NewReader(string(text)))
	for _, part := range found.Parts() {
		if err == nil {
			err = b.part(r.Context(), part)
		}
	}
	if err == nil {
		err = b.notes()
	}
	if err != nil {
		// The answer has begun: an archive that breaks off can't be taken for a whole one.
		s.Log.Error(err, "a bundle broke off", "path", r.URL.Path)
		panic(http.ErrAbortHandler)
	}
	_ = b.tar.Close()
	_ = packed.Close()
	return nil
}

// bundling is a bundle that is written.
type bundling struct {
	pods    *logs.Pods
	tar     *tar.Writer
	folder  string
	at      time.Time
	missing strings.Builder
}

func (b *bundling) part(ctx context.Context, part logs.Part) error {
	for _, what := range part.Missing {
		fmt.Fprintf(&b.missing, "%s: %s\n", part.Name, what)
	}
	for n := range part.Containers {
		if c := &part.Containers[n]; !c.State.Started.IsZero() {
			if err := b.container(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// container adds a log. How long it is has to stand before it: it is kept in a file
// until that is known.
func (b *bundling) container(ctx context.Context, c *logs.Container) error {
	file, err := os.CreateTemp("", "kayci-log-")
	if err != nil {
		return fmt.Errorf("keep a log: %w", err)
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return fmt.Errorf("keep a log: %w", err)
	}
	out := &logWriter{w: bufio.NewWriterSize(file, logBuffer), stamps: true}
	end, err := b.pods.Read(ctx, c, logs.Options{Whole: true}, func(line *logs.Line) error {
		line.Idle = false
		return out.line(line)
	})
	if err != nil {
		return err
	}
	if err := out.w.Flush(); err != nil {
		return fmt.Errorf("keep a log: %w", err)
	}
	name := fmt.Sprintf("%s/%s-%d.log", c.Part(), c.Name, c.Attempt)
	if c.Index != "" {
		name = fmt.Sprintf("%s/%s-%s-%d.log", c.Part(), c.Name, c.Index, c.Attempt)
	}
	for _, what := range end.Missing {
		fmt.Fprintf(&b.missing, "%s: %s\n", name, what)
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("keep a log: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("keep a log: %w", err)
	}
	return b.add(name, size, file)
}

// notes adds what is missing, if anything is.
func (b *bundling) notes() error {
	if b.missing.Len() == 0 {
		return nil
	}
	return b.add("missing.txt", int64(b.missing.Len()), strings.NewReader(b.missing.String()))
}

func (b *bundling) add(name string, size int64, content io.Reader) error {
	if err := b.tar.WriteHeader(&tar.Header{Name: b.folder + name, Mode: 0o644, Size: size, ModTime: b.at}); err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	if _, err := io.Copy(b.tar, content); err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	return nil
}
