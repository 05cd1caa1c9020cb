// Package stored fills a store for tests, and has it answer as a cluster's does.
package stored

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/artifacts"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/client"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/serve"
	"github.com/kayci/kayci/store/tests"
)

// Limits of archives.
func Limits() archive.Limits {
	return archive.Limits{Files: 1000, Bytes: 64 << 20, ManifestBytes: 1 << 20}
}

// Artifact stores an artifact of a pod that was created at a time: files by their paths.
// A text that begins with "-> " makes a symbolic link.
func Artifact(t testing.TB, in bucket.Bucket, a place.Artifact, created time.Time, files map[string]string) {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, text := range files {
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, is := strings.CutPrefix(text, "-> "); is {
			err = root.Symlink(target, name)
		} else {
			err = root.WriteFile(name, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p := artifacts.Parcel(in, a, created, "upload-0123456789")
	m, err := archive.Pack(t.Context(), root, []string{"**"}, Limits(), p.PutPart)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Seal(t.Context(), parcel.Head{Pod: a.Pod, Upload: "upload-0123456789", Stored: created}, data, m, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// Report stores the report of a job's pod.
func Report(t testing.TB, in bucket.Bucket, run place.Run, job string, pod types.UID, report *tests.Report) {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if err := errors.Join(json.NewEncoder(w).Encode(report), w.Close(), in.Put(t.Context(), run.Tests(job, pod), packed.Bytes())); err != nil {
		t.Fatal(err)
	}
}

// Service of the store that Serve serves.
func Service() types.NamespacedName {
	return types.NamespacedName{Namespace: "kayci", Name: "kayci-store"}
}

// anybody may do all.
type anybody struct{}

func (anybody) User(context.Context, *serve.Caller) (string, error) { return "somebody", nil }

func (anybody) May(context.Context, *serve.Caller, *authorizationv1.ResourceAttributes) (bool, error) {
	return true, nil
}

// Serve has a store answer by an API server's proxy. Whoever has a token may read all.
func Serve(t testing.TB, in bucket.Bucket) *client.Store {
	t.Helper()
	handler := serve.New(serve.Options{Bucket: in, Reviewer: anybody{}, Clock: clock.RealClock{}, Log: logr.Discard(), Streams: 8, Archives: Limits()})
	of := Service()
	server := httptest.NewServer(http.StripPrefix("/api/v1/namespaces/"+of.Namespace+"/services/"+of.Name+":http/proxy", handler))
	t.Cleanup(server.Close)
	store, err := client.New(&rest.Config{Host: server.URL, BearerToken: "token"}, client.At(of))
	if err != nil {
		t.Fatal(err)
	}
	return store
}
