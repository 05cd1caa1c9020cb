package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/kayci/kayci/store/bucket"
)

const secret = "canary-secret-key"

// fakeS3 serves an empty bucket "logs".
func fakeS3(t testing.TB) http.Handler {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("logs"); err != nil {
		t.Fatal(err)
	}
	return gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
}

func options(server *httptest.Server) bucket.S3Options {
	return bucket.S3Options{
		Endpoint: server.URL, Bucket: "logs", Prefix: "all/kayci", Region: "us-east-1", PathStyle: true, AccessKey: "key", SecretKey: secret,
	}
}

func s3(t *testing.T, handler http.Handler, with func(*bucket.S3Options)) *bucket.S3 {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o := options(server)
	if with != nil {
		with(&o)
	}
	b, err := bucket.NewS3(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func folder(t *testing.T) (*bucket.Folder, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store")
	b, err := bucket.NewFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b, path
}

type checked interface {
	bucket.Bucket
	Check(ctx context.Context) error
}

// each runs a test with every kind of bucket, empty.
func each(t *testing.T, test func(t *testing.T, b checked)) {
	t.Helper()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		b, _ := folder(t)
		test(t, b)
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		test(t, s3(t, fakeS3(t), nil))
	})
	t.Run("s3 without a prefix", func(t *testing.T) {
		t.Parallel()
		test(t, s3(t, fakeS3(t), func(o *bucket.S3Options) { o.Prefix = "" }))
	})
}

func put(t *testing.T, b bucket.Bucket, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := b.Put(t.Context(), name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
}

func get(t *testing.T, b bucket.Bucket, name string, offset, length int64) (string, error) {
	t.Helper()
	reader, err := b.Get(t.Context(), name, offset, length)
	if err != nil {
		return "", err
	}
	defer reader.Close()
	body, err := io.ReadAll(reader)
	return string(body), err
}

func list(t *testing.T, b bucket.Bucket) []string {
	t.Helper()
	objects, err := b.List(t.Context(), "", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return names(objects)
}

func names(objects []bucket.Object) []string {
	var names []string
	for _, object := range objects {
		names = append(names, object.Name)
	}
	return names
}

// said is an error's text, or none.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestConformance(t *testing.T) {
	t.Parallel()
	all := []string{"a-b/x", "a.b/x", "a/b/c", "a/b/d", "a/b-c", "a/c=1.log", "a0", "b/A", "b/_", "b/a"}
	sorted := []string{"a-b/x", "a.b/x", "a/b-c", "a/b/c", "a/b/d", "a/c=1.log", "a0", "b/A", "b/_", "b/a"}
	type result struct {
		Names []string
		Error string
	}
	type call func(t *testing.T, b bucket.Bucket) result
	lists := func(prefix, after string, limit int) call {
		return func(t *testing.T, b bucket.Bucket) result {
			t.Helper()
			objects, err := b.List(t.Context(), prefix, after, limit)
			return result{names(objects), said(err)}
		}
	}
	folders := func(prefix string) call {
		return func(t *testing.T, b bucket.Bucket) result {
			t.Helper()
			found, err := b.Folders(t.Context(), prefix)
			return result{found, said(err)}
		}
	}
	gets := func(name string, offset, length int64) call {
		return func(t *testing.T, b bucket.Bucket) result {
			t.Helper()
			body, err := get(t, b, name, offset, length)
			if err != nil {
				return result{Error: said(err)}
			}
			return result{Names: []string{body}}
		}
	}
	puts := func(name, body string) call {
		return func(t *testing.T, b bucket.Bucket) result {
			t.Helper()
			return result{Error: said(b.Put(t.Context(), name, []byte(body)))}
		}
	}
	deletes := func(removed ...string) call {
		return func(t *testing.T, b bucket.Bucket) result {
			t.Helper()
			err := b.Delete(t.Context(), removed...)
			return result{list(t, b), said(err)}
		}
	}
	found := func(names ...string) result { return result{Names: names} }
	failed := func(text string) result { return result{Error: text} }
	cant := func(name string) string {
		return fmt.Sprintf("%.100q can't name an object: up to 900 bytes in segments of letters, digits and . _ = - can", name)
	}
	none := func(text string) result { return failed(fmt.Sprintf("no object's name begins with %.100q", text)) }
	long, deep := strings.Repeat("n", 201), strings.Repeat("n/", 450)+"n"

	each(t, func(t *testing.T, b checked) {
		t.Helper()
		put(t, b, all...)
		for _, tt := range []struct {
			name string
			call call
			want result
		}{
			{"all", lists("", "", 0), found(sorted...)},
			{"the first", lists("", "", 3), found(sorted[:3]...)},
			{"as many as there are", lists("", "", 10), found(sorted...)},
			{"after an object", lists("", "a/b-c", 0), found(sorted[3:]...)},
			{"after a name that isn't there", lists("", "a/b/cc", 2), found(sorted[4:6]...)},
			{"after a folder", lists("", "a/b/", 1), found("a/b/c")},
			{"after all", lists("", "c", 0), found()},
			{"a folder", lists("a/b/", "", 0), found("a/b/c", "a/b/d")},
			{"the beginning of a segment", lists("a/b", "", 0), found("a/b-c", "a/b/c", "a/b/d")},
			{"the beginning of a first segment", lists("a", "", 0), found(sorted[:7]...)},
			{"a whole name", lists("a0", "", 0), found("a0")},
			{"a prefix and after", lists("a/b", "a/b/c", 0), found("a/b/d")},
			{"after what is before the prefix", lists("b/", "a", 1), found("b/A")},
			{"after what is behind the prefix", lists("a/", "b", 0), found()},
			{"a folder that isn't there", lists("c/d/", "", 0), found()},
			{"a folder that is an object", lists("a0/", "", 0), found()},
			{"up", lists("a/../b", "", 0), none("a/../b")},
			{"from the root", lists("/a", "", 0), none("/a")},
			{"after what is no name", lists("", "a\x00", 0), none("a\x00")},
			{"folders", folders(""), found("a", "a-b", "a.b", "b")},
			{"folders of a folder", folders("a/"), found("b")},
			{"folders of one that has none", folders("a/b/"), found()},
			{"folders of one that isn't there", folders("c/"), found()},
			{"folders of half a segment", folders("a"), failed(`"a" is no folder: its last letter must be a slash`)},
			{"folders above", folders("../"), none("../")},
			{"whole", gets("a/c=1.log", 0, -1), found("a/c=1.log")},
			{"from an offset", gets("a/c=1.log", 4, -1), found("1.log")},
			{"a piece", gets("a/c=1.log", 2, 3), found("c=1")},
			{"the first byte", gets("a/c=1.log", 0, 1), found("a")},
			{"nothing of it", gets("a/c=1.log", 3, 0), found("")},
			{"a piece that ends behind the end", gets("a/c=1.log", 7, 100), found("og")},
			{"a piece at the end", gets("a/c=1.log", 9, 1), found("")},
			{"from behind the end", gets("a/c=1.log", 99, -1), found("")},
			{"what isn't there", gets("a/c", 0, -1), failed("get a/c: no object has this name")},
			{"a piece of what isn't there", gets("a/c", 2, 1), failed("get a/c: no object has this name")},
			{"what would be in an object", gets("a0/x", 0, -1), failed("get a0/x: no object has this name")},
			{"a folder's bytes", gets("a/b", 0, -1), failed("get a/b: no object has this name")},
			{"from before the start", gets("a0", -1, -1), failed("an object can't be read from offset -1")},
			{"get a name above", gets("../a0", 0, -1), failed(cant("../a0"))},
			{"put again", puts("a0", "another"), failed("put a0: an object of this name exists")},
			{"put no bytes", puts("empty", ""), found()},
			{"put no bytes again", puts("empty", "1"), failed("put empty: an object of this name exists")},
			{"get no bytes", gets("empty", 0, -1), found("")},
			{"get a piece of no bytes", gets("empty", 0, 5), found("")},
			{"put too much", puts("big", strings.Repeat(" ", bucket.MaxSize+1)), failed("17825793 bytes are more than the 17825792 that an object may have")},
			{"put no name", puts("", ""), failed(cant(""))},
			{"put an empty segment", puts("a//b", ""), failed(cant("a//b"))},
			{"put a folder", puts("a/", ""), failed(cant("a/"))},
			{"put a dot", puts("a/./b", ""), failed(cant("a/./b"))},
			{"put above", puts("a/../../b", ""), failed(cant("a/../../b"))},
			{"put a temporary file", puts(".tmp/x", ""), failed(cant(".tmp/x"))},
			{"put a long segment", puts(long, ""), failed(cant(long))},
			{"put a long name", puts(deep, ""), failed(cant(deep))},
			{"put a space", puts("a b", ""), failed(cant("a b"))},
			{"put a line", puts("a\n", ""), failed(cant("a\n"))},
			{"put letters of other tongues", puts("ä", ""), failed(cant("ä"))},
			{"delete what can't be", deletes("a/*"), result{append([]string{}, append(sorted, "empty")...), cant("a/*")}},
			{"delete nothing", deletes(), found(append(sorted, "empty")...)},
			{"delete some, some not there", deletes("empty", "nope", "a/nope/x", "a0/x", "a/b", "a/b/c", "a/b/d", "a0", "b/_"), found("a-b/x", "a.b/x", "a/b-c", "a/c=1.log", "b/A", "b/a")},
			{"put what was deleted", puts("a0", "new"), found()},
			{"get what was put again", gets("a0", 0, -1), found("new")},
			{"a folder where an object was", deletes("a0"), found("a-b/x", "a.b/x", "a/b-c", "a/c=1.log", "b/A", "b/a")},
			{"put into it", puts("a0/x", ""), found()},
			{"delete all", deletes("a-b/x", "a.b/x", "a/b-c", "a/c=1.log", "b/A", "b/a", "a0/x"), found()},
			{"no folders left", folders(""), found()},
		} {
			if diff := cmp.Diff(tt.want, tt.call(t, b)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	})
}

func TestObject(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b checked) {
		t.Helper()
		if err := b.Put(t.Context(), "ns/log", make([]byte, bucket.MaxSize)); err != nil {
			t.Fatal(err)
		}
		objects, err := b.List(t.Context(), "", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range objects {
			if objects[i].Modified.IsZero() {
				t.Error("it says not when it was stored")
			}
			objects[i].Modified = time.Time{}
		}
		if diff := cmp.Diff([]bucket.Object{{Name: "ns/log", Size: bucket.MaxSize}}, objects); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
		if body, err := get(t, b, "ns/log", 0, -1); err != nil || len(body) != bucket.MaxSize {
			t.Errorf("%d bytes, %v", len(body), err)
		}
	})
}

// TestOneWins: of those that put one name at once exactly one succeeds, and the others
// are told.
func TestOneWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b checked) {
		t.Helper()
		const writers = 16
		results := make([]error, writers)
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() { results[i] = b.Put(t.Context(), "ns/a/b/one", fmt.Append(nil, i)) })
		}
		all.Wait()
		var won []string
		for i, err := range results {
			if err == nil {
				won = append(won, fmt.Sprint(i))
			} else if !errors.Is(err, bucket.ErrExists) {
				t.Error(err)
			}
		}
		body, err := get(t, b, "ns/a/b/one", 0, -1)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{body}, won); diff != "" {
			t.Errorf("who won (-stored +told):\n%s", diff)
		}
	})
}

// TestPutWhileDeleting: a folder that becomes empty is removed, and no Put into it fails
// for that.
func TestPutWhileDeleting(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b checked) {
		t.Helper()
		var all sync.WaitGroup
		for i := range 8 {
			name := fmt.Sprintf("ns/a/%d/b", i%4)
			all.Go(func() {
				for j := range 25 {
					own := fmt.Sprintf("%s/%d-%d", name, i, j)
					if err := b.Put(t.Context(), own, nil); err != nil {
						t.Error(err)
					}
					if err := b.Delete(t.Context(), own); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		folders, err := b.Folders(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if len(folders) > 0 {
			t.Errorf("%v are left", folders)
		}
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b checked) {
		t.Helper()
		put(t, b, "ns/log", ".check-young")
		if err := b.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{".check-young", "ns/log"}, list(t, b)); diff != "" {
			t.Errorf("what a check leaves (-want +got):\n%s", diff)
		}
	})
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b checked) {
		t.Helper()
		put(t, b, "a/b")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, errGet := b.Get(ctx, "a/b", 0, -1)
		_, errList := b.List(ctx, "", "", 0)
		_, errFolders := b.Folders(ctx, "")
		for call, err := range map[string]error{
			"put": b.Put(ctx, "c", nil), "get": errGet, "list": errList, "folders": errFolders, "delete": b.Delete(ctx, "a/b"), "check": b.Check(ctx),
		} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s says %v", call, err)
			}
		}
		if diff := cmp.Diff([]string{"a/b"}, list(t, b)); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
	})
}
