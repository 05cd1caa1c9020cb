package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/test/cluster"
)

// The keys of the bucket, which must not appear in any text.
const (
	bucketAccessKey = "canary-access-3c81d0"
	bucketSecretKey = "canary-bucket-b7e94a"
)

// backend is what the store keeps everything in, as the test sees it.
type backend struct {
	bucket.Bucket

	// hold is nil of one whose requests can't be held.
	hold func(*point)
}

// point is where the store is killed: once an object is there of which it hasn't been told
// yet that it is, where that can be had, and just after elsewhere.
type point struct {
	// An object of a name that begins with prefix and contains part.
	prefix, part string
	// all pods of the store are killed, and not just the one that has put it.
	all bool

	// held is closed when the object is there, and by whom it was sent is known.
	held chan struct{}
	by   string
	// free is closed to let go of the request.
	free chan struct{}
}

// point has the next request held that puts such an object.
func (b *backend) point(t *testing.T, prefix, part string) *point {
	t.Helper()
	p := &point{prefix: prefix, part: part, held: make(chan struct{}), free: make(chan struct{})}
	t.Cleanup(sync.OnceFunc(func() { close(p.free) }))
	if b.hold != nil {
		b.hold(p)
	}
	return p
}

// await returns once an object is there. Who has put it hasn't been told if its request is
// held.
func (b *backend) await(t *testing.T, s *space, p *point) {
	t.Helper()
	s.await(t, fmt.Sprintf("an object %s*%s*", p.prefix, p.part), func(ctx context.Context) (bool, string, error) {
		if b.hold != nil {
			select {
			case <-p.held:
				return true, "", nil
			default:
				return false, "no request has put it", nil
			}
		}
		objects, err := b.List(ctx, p.prefix, "", 0)
		there := slices.ContainsFunc(objects, func(o bucket.Object) bool { return strings.Contains(o.Name, p.part) })
		return there, fmt.Sprintf("there are %d others", len(objects)), err
	})
}

// folderBackend is the store's claim. The test is skipped where it can't be seen.
func folderBackend(t *testing.T) *backend {
	t.Helper()
	path, err := shared.StoreFolder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if path == "" {
		t.Skip("the store's claim is a folder of another machine")
	}
	folder, err := bucket.NewFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return &backend{Bucket: folder}
}

// s3API is an S3 API whose requests can be held.
type s3API struct {
	next http.Handler

	mu     sync.Mutex
	points []*point
}

func (a *s3API) hold(p *point) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.points = append(a.points, p)
}

// take returns the point that the object is, at most once.
func (a *s3API) take(name string) *point {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.points, func(p *point) bool {
		return strings.HasPrefix(name, p.prefix) && strings.Contains(name, p.part)
	})
	if i < 0 {
		return nil
	}
	p := a.points[i]
	a.points = slices.Delete(a.points, i, i+1)
	return p
}

const (
	s3Bucket = "kept"
	s3Prefix = "by/kayci"
)

// ServeHTTP answers, unless the request is to be held: then it is done, and the answer
// never comes.
func (a *s3API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Authorization"), "Credential="+bucketAccessKey+"/") {
		http.Error(w, "the request isn't signed with the key of the Secret", http.StatusForbidden)
		return
	}
	name, within := strings.CutPrefix(r.URL.Path, "/"+s3Bucket+"/"+s3Prefix+"/")
	p := (*point)(nil)
	if r.Method == http.MethodPut && within {
		p = a.take(name)
	}
	if p == nil {
		a.next.ServeHTTP(w, r)
		return
	}
	a.next.ServeHTTP(httptest.NewRecorder(), r)
	p.by, _, _ = net.SplitHostPort(r.RemoteAddr)
	close(p.held)
	select {
	case <-p.free:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

// s3Backend has the store keep everything in a bucket, with two replicas, until the test
// is over.
func s3Backend(t *testing.T, s *space) *backend {
	t.Helper()
	memory := s3mem.New()
	if err := memory.CreateBucket(s3Bucket); err != nil {
		t.Fatal(err)
	}
	api := &s3API{next: gofakes3.New(memory, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()}
	listener, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", net.JoinHostPort(shared.address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{ReadHeaderTimeout: time.Minute, Handler: api}}
	server.Start()
	t.Cleanup(server.Close)
	s.keepIn(t, server.URL)
	in, err := bucket.NewS3(bucket.S3Options{
		Endpoint: server.URL, Bucket: s3Bucket, Prefix: s3Prefix, Region: "us-east-1", PathStyle: true,
		AccessKey: bucketAccessKey, SecretKey: bucketSecretKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &backend{Bucket: in, hold: api.hold}
}

// keepIn upgrades KayCI to a store with two replicas that keeps everything in the bucket,
// and at the test's end back to what it was.
func (s *space) keepIn(t *testing.T, endpoint string) {
	t.Helper()
	keys := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "bucket"},
		StringData: map[string]string{"accessKey": bucketAccessKey, "secretKey": bucketSecretKey},
	}
	s.create(t, keys)
	values := maps.Clone(shared.values)
	values["store"] = map[string]any{"enabled": true, "replicas": 2, "s3": map[string]any{
		"bucket": s3Bucket, "prefix": s3Prefix, "endpoint": endpoint, "region": "us-east-1", "pathStyle": true, "credentialsSecretName": keys.Name,
	}}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(s.ctx)
		if err := s.Upgrade(ctx, shared.values); err != nil {
			t.Error(err)
		}
		if err := s.Client.Delete(ctx, keys); err != nil {
			t.Error(err)
		}
	})
	if err := s.Upgrade(s.ctx, values); err != nil {
		t.Fatal(err)
	}
}

// killAt kills the pod of the store that has put an object, or all of them, as a node that
// is lost does: no process is asked to end.
func (s *space) killAt(t *testing.T, in *backend, p *point) {
	t.Helper()
	in.await(t, s, p)
	var killed []corev1.Pod
	// One that was killed just now may have put this object, too.
	s.await(t, "a pod of the store to be killed", func(ctx context.Context) (bool, string, error) {
		pods, err := s.StorePods(ctx)
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		killed = slices.DeleteFunc(pods, func(pod corev1.Pod) bool { return !p.all && p.by != "" && pod.Status.PodIP != p.by })
		return len(killed) > 0, "there is none", nil
	})
	for i := range killed {
		if s.Kubeconfig != "" {
			if _, err := killContainer(&killed[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.IgnoreNotFound(s.Client.Delete(s.ctx, &killed[i], client.GracePeriodSeconds(0))); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitLeader waits until a pod of the store follows.
func (s *space) awaitLeader(t *testing.T) {
	t.Helper()
	s.await(t, "a pod of the store to follow", func(ctx context.Context) (bool, string, error) {
		leader, err := s.StoreLeader(ctx)
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		pods, err := s.StorePods(ctx)
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		there := slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return pod.Name == leader })
		return there, "the last that did was " + leader, nil
	})
}

// expectWhole reads every object of the namespace: none is half there.
func (b *backend) expectWhole(t *testing.T, namespace string) {
	t.Helper()
	read := 0
	for _, folder := range []string{"runs", "caches", "index", "names"} {
		objects, err := b.List(t.Context(), folder+"/"+namespace+"/", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range objects {
			if err := b.decode(t.Context(), &objects[i]); err != nil {
				t.Errorf("%s: %v", objects[i].Name, err)
			}
			read++
		}
	}
	if read == 0 {
		t.Error("there are no objects")
	}
}

func (b *backend) decode(ctx context.Context, object *bucket.Object) error {
	body, err := b.Get(ctx, object.Name, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if int64(len(data)) != object.Size {
		return fmt.Errorf("%d bytes are read of %d", len(data), object.Size)
	}
	if strings.HasSuffix(object.Name, ".gz") {
		packed, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return err
		}
		if data, err = io.ReadAll(packed); err != nil {
			return err
		}
	}
	for d := json.NewDecoder(bytes.NewReader(data)); strings.Contains(object.Name, ".json"); {
		var value any
		if err := d.Decode(&value); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	return nil
}
