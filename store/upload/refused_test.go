package upload_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/test/jobpod"
)

// refusing is an S3-like store that takes no object, and says why.
func refusing(t *testing.T, status int, code string) *bucket.S3 {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("logs"); err != nil {
		t.Fatal(err)
	}
	store := gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			store.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>a canary</Message></Error>", code)
	}))
	t.Cleanup(server.Close)
	b, err := bucket.NewS3(bucket.S3Options{Endpoint: server.URL, Bucket: "logs", Region: "us-east-1", PathStyle: true, AccessKey: "key", SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRefusedByTheBucket: a job is told who can do something about it, and no more of the
// bucket. Of a full one the store is asked once.
func TestRefusedByTheBucket(t *testing.T) {
	t.Parallel()
	const (
		full   = "the store says: the store is full: its operator has to make room"
		denied = "the store says: the store has no right to use its bucket: its operator has to give it"
		other  = "the store says: the store can't answer for now: its log says why"
	)
	for _, tt := range []struct {
		status int
		code   string
		want   string
		once   bool
	}{
		{507, "XMinioStorageFull", full, true},
		{400, "XMinioAdminBucketQuotaExceeded", full, true},
		{403, "QuotaExceeded", full, true},
		{507, "", full, true},
		{403, "AccessDenied", denied, false},
		{403, "InvalidAccessKeyId", denied, false},
		{400, "EntityTooLarge", other, false},
		{404, "NoSuchBucket", other, false},
	} {
		t.Run(fmt.Sprint(tt.status, tt.code), func(t *testing.T) {
			t.Parallel()
			pod := jobpod.New(jobpod.Run("one", nil, running("build")), "build", "build-1")
			w := newWorld(t, pod)
			w.options.Bucket = refusing(t, tt.status, tt.code)
			w.serve(t, same)
			waits, over := 0, ""
			if !tt.once {
				over = " (the time for it is over: context deadline exceeded)"
			}
			c := w.client(pod, func(context.Context, time.Duration) error {
				waits++
				return context.DeadlineExceeded
			})
			left := folder(t, map[string]string{"dist/a": "a"})
			_, err := c.SaveArtifact(t.Context(), left, "dist", []string{"dist/**"})
			if diff := cmp.Diff("save artifact dist: store part 0: "+tt.want+over, fmt.Sprint(err)); diff != "" {
				t.Errorf("of the artifact (-want +got):\n%s", diff)
			}
			_, err = c.SaveCache(t.Context(), left, "go-1", []string{"dist/**"})
			if diff := cmp.Diff(`save cache "go-1": store part 0: `+tt.want+over, fmt.Sprint(err)); diff != "" {
				t.Errorf("of the cache (-want +got):\n%s", diff)
			}
			if (waits == 0) != tt.once {
				t.Errorf("the store was asked again %d times", waits)
			}
		})
	}
}
