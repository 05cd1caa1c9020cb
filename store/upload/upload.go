// Package upload is the store's client in the pods of jobs: it brings the files that a
// job leaves into the store, and those of earlier jobs into a job's folder.
package upload

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/pods"
	"github.com/kayci/kayci/store/tests"
)

// Client asks the store, as the pod that it is in. It may be used by several at once.
type Client struct {
	// URL of the store, as http://kayci-store.kayci:8095.
	URL string
	// Token returns the token that is projected into the pod. It is asked for with each
	// request, for the kubelet changes it.
	Token func() (string, error)
	// HTTP does the requests. nil: one that follows no redirect, and sends a body only if
	// the store wants it.
	HTTP *http.Client

	once sync.Once
	// wait stands in for time that passes.
	wait func(ctx context.Context, d time.Duration) error
}

// Saved says what was sent or fetched.
type Saved struct {
	// Files, folders and links together.
	Files int
	// Bytes of the files.
	Bytes int64
}

func saved(m *archive.Manifest) Saved { return Saved{Files: len(m.Files), Bytes: m.Bytes} }

// wide are the limits of what is fetched: the store has checked it when it was sent, with
// limits that may have been wider than they are now.
func wide() archive.Limits {
	return archive.Limits{Files: 2_000_000, Bytes: 1 << 42, ManifestBytes: 256 << 20}
}

// SaveArtifact sends the files of a folder that the patterns match, as the artifact of
// this name. archive.ErrNothing: they match none.
func (c *Client) SaveArtifact(ctx context.Context, root *os.Root, name string, patterns []string) (Saved, error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	var limits pods.Limits
	err := pods.CheckName("name", name)
	if err == nil {
		limits, err = c.limits(ctx)
	}
	if err != nil {
		return Saved{}, fmt.Errorf("save artifact %s: %w", name, err)
	}
	m, err := c.pack(ctx, root, patterns, limits.Artifact, call{path: "artifacts/" + name})
	if err != nil {
		return Saved{}, fmt.Errorf("save artifact %s: %w", name, err)
	}
	return saved(m), nil
}

// pack sends the parts of an archive, and then its manifest, to a place in the store.
func (c *Client) pack(ctx context.Context, root *os.Root, patterns []string, limits archive.Limits, to call) (*archive.Manifest, error) {
	upload := strings.ToLower(rand.Text())
	m, err := archive.Pack(ctx, root, patterns, limits, func(ctx context.Context, n int, data []byte) error {
		part := to.with()
		part.method, part.path, part.body = http.MethodPut, part.path+"/parts/"+upload+"/"+strconv.Itoa(n), data
		_, err := c.do(ctx, part)
		return err
	})
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the list of files: %w", err)
	}
	last := to.with("upload", upload)
	last.method = http.MethodPut
	if last.body, err = parcel.Gzip(manifest); err != nil {
		return nil, err
	}
	_, err = c.do(ctx, last)
	return m, err
}

// limits of what is sent: what is beyond would be refused at its end.
func (c *Client) limits(ctx context.Context) (pods.Limits, error) {
	var limits pods.Limits
	answer, err := c.do(ctx, call{method: http.MethodGet, path: "limits"})
	if err == nil {
		err = json.Unmarshal(answer.body, &limits)
	}
	if err != nil {
		return limits, fmt.Errorf("ask for the limits: %w", err)
	}
	return limits, nil
}

// FetchArtifact brings what an earlier job of the Run has left into a folder. After an
// error, some of the files are there, each whole.
func (c *Client) FetchArtifact(ctx context.Context, root *os.Root, job, name string) (Saved, error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	var m *archive.Manifest
	err := cmp.Or(pods.CheckName("job", job), pods.CheckName("name", name))
	if err == nil {
		_, m, err = c.unpack(ctx, root, call{path: "artifacts/" + job + "/" + name})
	}
	if err != nil {
		return Saved{}, fmt.Errorf("fetch artifact %s of job %s: %w", name, job, err)
	}
	return saved(m), nil
}

// unpack reads a manifest from a place in the store, and then the parts.
func (c *Client) unpack(ctx context.Context, root *os.Root, from call) (parcel.Head, *archive.Manifest, error) {
	from.method = http.MethodGet
	answer, err := c.do(ctx, from)
	if err != nil {
		return parcel.Head{}, nil, err
	}
	head, m, err := parcel.Read(answer.reader(), wide())
	if err != nil {
		return head, nil, err
	}
	return head, m, archive.Unpack(ctx, root, m, wide(), func(ctx context.Context, n int) (io.ReadCloser, error) {
		part, err := c.do(ctx, call{
			method: http.MethodGet, path: from.path + "/parts/" + strconv.Itoa(n), query: url.Values{"id": {answer.id}}, size: m.Parts[n].Size,
		})
		if err != nil {
			return nil, err
		}
		return io.NopCloser(part.reader()), nil
	})
}

// SaveTests sends the report on the job's tests.
func (c *Client) SaveTests(ctx context.Context, report *tests.Report) error {
	ctx, cancel := bound(ctx)
	defer cancel()
	raw, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("save the report on tests: %w", err)
	}
	packed, err := parcel.Gzip(raw)
	if err != nil {
		return fmt.Errorf("save the report on tests: %w", err)
	}
	if _, err = c.do(ctx, call{method: http.MethodPut, path: "tests", body: packed}); err != nil {
		return fmt.Errorf("save the report on tests: %w", err)
	}
	return nil
}

// SaveCache sends the files of a folder that the paths match, as the cache of a key. If
// the key has one already it stays, and saved is false.
func (c *Client) SaveCache(ctx context.Context, root *os.Root, key string, paths []string) (saved bool, err error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	limits, err := c.limits(ctx)
	if err == nil {
		_, err = c.pack(ctx, root, paths, limits.Cache, call{path: "caches", query: url.Values{"key": {key}}})
	}
	if refused, is := errors.AsType[*RefusedError](err); is && refused.Reason == metav1.StatusReasonAlreadyExists {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("save cache %q: %w", key, err)
	}
	return true, nil
}

// RestoreCache brings a cache into a folder: that of the key, or else the newest whose key
// begins with one of the others. It returns the cache's key; blank: there is none. After
// an error, some of the files are there, each whole.
func (c *Client) RestoreCache(ctx context.Context, root *os.Root, key string, restoreKeys []string) (hit string, err error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	head, _, err := c.unpack(ctx, root, call{path: "caches", query: url.Values{"key": {key}, "restore": restoreKeys}})
	if refused, is := errors.AsType[*RefusedError](err); is && refused.Reason == metav1.StatusReasonNotFound {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("restore cache %q: %w", key, err)
	}
	return head.Key, nil
}
