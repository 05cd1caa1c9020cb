package serve

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/artifacts"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
)

// Artifacts are what the jobs of a Run have left, by job and name.
type Artifacts struct {
	Items []Artifact `json:"items"`
}

// Artifact is a folder of files that a job has left.
type Artifact struct {
	Job  string `json:"job"`
	Name string `json:"name"`
	// Pod of the job that has left it.
	Pod types.UID `json:"pod"`
	// Files, folders and links together.
	Files int `json:"files"`
	// Bytes of the files.
	Bytes int64 `json:"bytes"`
	// Stored is when it was.
	Stored time.Time `json:"stored"`
}

// Files are those of an artifact, by path.
type Files struct {
	// Total of files, folders and links, of which Items may be the first ones only.
	Total int            `json:"total"`
	Items []archive.File `json:"items"`
}

// usualFiles are how many files a list has unless another number is asked for, and
// maxFiles how many it has at most.
const usualFiles, maxFiles = 1000, 100_000

// errNoFile is of what is no file of an artifact.
var errNoFile = errors.New("the artifact has no such file")

// which returns the Run that is asked about: of several of a name the newest, unless the
// UID says which. A Run that has not ended has no record yet, and is found by its
// Pipeline and UID.
func (s *server) which(r *http.Request) (place.Run, error) {
	namespace, name, query := r.PathValue("namespace"), r.PathValue("run"), r.URL.Query()
	pipeline, uid := query.Get("pipeline"), types.UID(query.Get("uid"))
	if pipeline != "" && uid != "" {
		return place.Run{Namespace: namespace, Pipeline: pipeline, Name: name, UID: uid}, nil
	}
	return records.Named(r.Context(), s.Bucket, namespace, name, uid)
}

// artifacts answers with what the jobs of a Run have left.
func (s *server) artifacts(w http.ResponseWriter, r *http.Request, _ string) error {
	run, err := s.which(r)
	if err != nil {
		return err
	}
	found, err := artifacts.List(r.Context(), s.Bucket, run)
	if err != nil {
		return err
	}
	list := Artifacts{Items: make([]Artifact, len(found))}
	group, ctx := errgroup.WithContext(r.Context())
	group.SetLimit(readsAtOnce)
	for i := range found {
		group.Go(func() error {
			of := &found[i]
			head, err := of.Head(ctx, s.Bucket)
			list.Items[i] = Artifact{Job: of.Job, Name: of.Name, Pod: of.Pod, Files: head.Files, Bytes: head.Bytes, Stored: head.Stored}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return answer(w, list)
}

// opened reads the manifest of the artifact that is asked for.
func (s *server) opened(r *http.Request) (*archive.Manifest, archive.Get, error) {
	run, err := s.which(r)
	if err != nil {
		return nil, nil, err
	}
	found, err := artifacts.Find(r.Context(), s.Bucket, run, r.PathValue("job"), r.PathValue("artifact"))
	if err != nil {
		return nil, nil, err
	}
	return found.Read(r.Context(), s.Bucket, s.Archives)
}

// tar answers with all files of an artifact.
func (s *server) tar(w http.ResponseWriter, r *http.Request) error {
	m, get, err := s.opened(r)
	if err != nil {
		return err
	}
	return s.attach(w, r, r.PathValue("job")+"-"+r.PathValue("artifact")+".tar", "application/x-tar", func(to io.Writer) error {
		return archive.Tar(r.Context(), to, m, get)
	})
}

// files answers with one file of an artifact or, if no path is asked for, with the list
// of them.
func (s *server) files(w http.ResponseWriter, r *http.Request) error {
	m, get, err := s.opened(r)
	if err != nil {
		return err
	}
	if name := r.URL.Query().Get("path"); name != "" {
		return s.file(w, r, m, get, name)
	}
	limit, err := number(r.URL.Query().Get("limit"), usualFiles)
	if err != nil {
		return err
	}
	return answer(w, Files{Total: len(m.Files), Items: m.Files[:min(int64(len(m.Files)), limit, maxFiles)]})
}

func (s *server) file(w http.ResponseWriter, r *http.Request, m *archive.Manifest, get archive.Get, name string) error {
	body, err := m.Open(r.Context(), name, get)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %.200q", errNoFile, name)
	case errors.Is(err, fs.ErrInvalid):
		return fmt.Errorf("%w: %.200q is a folder or a symbolic link", errNoFile, name)
	case err != nil:
		return err
	}
	defer body.Close()
	if at, is := slices.BinarySearchFunc(m.Files, name, func(f archive.File, name string) int { return strings.Compare(f.Path, name) }); is {
		w.Header().Set("Content-Length", strconv.FormatInt(m.Files[at].Size, 10))
	}
	return s.attach(w, r, path.Base(name), "application/octet-stream", func(to io.Writer) error {
		_, err := io.Copy(to, body)
		return err
	})
}

// attach answers with what a job has left. A browser saves it: whatever it is, the
// browser shows no page of it, nor runs a script, as one of whoever served it.
func (s *server) attach(w http.ResponseWriter, r *http.Request, name, kind string, write func(io.Writer) error) error {
	header := w.Header()
	header.Set("Content-Type", kind)
	header.Set("Content-Disposition", Attachment(name))
	header.Set("Content-Security-Policy", Sandbox)
	to := &counter{Writer: w}
	err := write(to)
	if err == nil {
		return nil
	}
	if to.written > 0 {
		// The answer has begun: that it breaks off is all that can be said.
		s.Log.Error(err, "An artifact can't be read to its end", "path", r.URL.Path)
		panic(http.ErrAbortHandler)
	}
	for _, key := range []string{"Content-Disposition", "Content-Length"} {
		header.Del(key)
	}
	return err
}

// Sandbox is the policy that goes with files that jobs have left.
const Sandbox = "sandbox; default-src 'none'"

// Attachment has a browser save an answer as a file of this name.
func Attachment(name string) string {
	// It returns nothing for what no header can have.
	if value := mime.FormatMediaType("attachment", map[string]string{"filename": name}); value != "" {
		return value
	}
	return "attachment"
}

// counter counts what is written.
type counter struct {
	io.Writer

	written int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.written += int64(n)
	return n, err
}
