package bucket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/store/bucket"
)

// fault stands before a store. It answers a request itself and returns true, or leaves it
// to the store.
type fault func(w http.ResponseWriter, r *http.Request, store http.Handler) bool

func faulty(t *testing.T, f fault) http.Handler {
	t.Helper()
	store := fakeS3(t)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f(w, r, store) {
			store.ServeHTTP(w, r)
		}
	})
}

// s3Error answers as a store does.
func s3Error(status int, code string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		w.WriteHeader(status)
		if code != "" {
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>so it is</Message></Error>", code)
		}
		return true
	}
}

// of a method's requests only some are answered wrongly.
func of(method string, from, to int32, f fault) fault {
	var count atomic.Int32
	return func(w http.ResponseWriter, r *http.Request, store http.Handler) bool {
		if r.Method != method {
			return false
		}
		n := count.Add(1)
		return n >= from && n <= to && f(w, r, store)
	}
}

// lost has the store do the request, and breaks the connection off.
func lost(_ http.ResponseWriter, r *http.Request, store http.Handler) bool {
	store.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// silent takes the request and never answers.
func silent(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
	return true
}

// half sends half of the answer, and then waits or breaks off.
func half(then func(r *http.Request)) fault {
	return func(w http.ResponseWriter, r *http.Request, store http.Handler) bool {
		whole := httptest.NewRecorder()
		store.ServeHTTP(whole, r)
		maps.Copy(w.Header(), whole.Header())
		body := whole.Body.Bytes()
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(whole.Code)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		then(r)
		return true
	}
}

func hang(r *http.Request)     { <-r.Context().Done() }
func breakOff(_ *http.Request) { panic(http.ErrAbortHandler) }

// without takes a header off requests.
func without(header string) fault {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		r.Header.Del(header)
		return false
	}
}

func answer(body string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		fmt.Fprint(w, body)
		return true
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	puts := func(t *testing.T, b checked) error {
		t.Helper()
		return b.Put(t.Context(), "a", []byte("body of a"))
	}
	putsAndGets := func(t *testing.T, b checked) error {
		t.Helper()
		if err := puts(t, b); err != nil {
			return err
		}
		_, err := get(t, b, "a", 0, -1)
		return err
	}
	lists := func(t *testing.T, b checked) error {
		t.Helper()
		put(t, b, "a", "b")
		_, err := b.List(t.Context(), "", "", 0)
		return err
	}
	checks := func(t *testing.T, b checked) error {
		t.Helper()
		return b.Check(t.Context())
	}
	const forever = 1 << 30
	for _, tt := range []struct {
		name  string
		fault fault
		quick bool // it comes to the timeout
		call  func(t *testing.T, b checked) error
		want  []string // what the error says; empty: there is none
		is    error
		isNot error
	}{
		{name: "the answer to a put is lost", fault: of("PUT", 1, 1, lost), call: puts, want: []string{"put a: "}, is: bucket.ErrExists},
		{name: "a put is slowed down", fault: of("PUT", 1, 2, s3Error(503, "SlowDown")), call: puts},
		{name: "puts are slowed down for long", fault: of("PUT", 1, 3, s3Error(503, "SlowDown")), call: puts, want: []string{`the server says 503 "SlowDown"`}},
		{name: "another put is under way", fault: of("PUT", 1, 2, s3Error(409, "ConditionalRequestConflict")), call: puts},
		{name: "other puts are under way", fault: of("PUT", 1, 3, s3Error(409, "ConditionalRequestConflict")), call: puts, is: bucket.ErrExists, want: []string{"put a: "}},
		{name: "no answer to a put", fault: of("PUT", 1, 3, silent), quick: true, call: puts, want: []string{"put a: ", "the server was too slow: it had 200ms"}},
		{name: "no answer to a get", fault: of("GET", 1, 3, silent), quick: true, call: putsAndGets, want: []string{"get a: ", "the server was too slow: it had 200ms"}},
		{name: "half an object, then nothing", fault: of("GET", 1, 1, half(hang)), quick: true, call: putsAndGets, want: []string{"the server was too slow: it had "}},
		{name: "half an object, then the end", fault: of("GET", 1, 1, half(breakOff)), call: putsAndGets, want: []string{"unexpected EOF"}, is: io.ErrUnexpectedEOF},
		{name: "half a list, then nothing", fault: of("GET", 1, 1, half(hang)), quick: true, call: lists, want: []string{"list", "the server was too slow: it had "}},
		{name: "a list in no order", fault: of("GET", 1, 1, answer("<ListBucketResult><Contents><Key>all/kayci/b</Key></Contents><Contents><Key>all/kayci/a</Key></Contents></ListBucketResult>")), call: lists, want: []string{"the server doesn't list in the order of names"}},
		{name: "a list of others", fault: of("GET", 1, 1, answer("<ListBucketResult><Contents><Key>all/others/b</Key></Contents></ListBucketResult>")), call: lists, want: []string{"the server doesn't list in the order of names"}},
		{name: "a list that is none", fault: of("GET", 1, 1, answer("<html>hello")), call: lists, want: []string{"list"}},
		{name: "no rights", fault: of("PUT", 1, forever, s3Error(403, "AccessDenied")), call: checks, want: []string{"the store's bucket logs: put .check-", "access denied: the access key needs the rights"}, is: bucket.ErrDenied, isNot: bucket.ErrFull},
		{name: "no rights, by a proxy", fault: of("PUT", 1, forever, s3Error(403, "")), call: checks, want: []string{"access denied: the access key needs the rights"}, is: bucket.ErrDenied, isNot: bucket.ErrFull},
		{name: "an unknown key", fault: s3Error(403, "InvalidAccessKeyId"), call: checks, want: []string{"the server doesn't know the access key"}, is: bucket.ErrDenied, isNot: bucket.ErrFull},
		{name: "a wrong secret", fault: s3Error(403, "SignatureDoesNotMatch"), call: checks, want: []string{"the secret key isn't that of the access key"}, is: bucket.ErrDenied, isNot: bucket.ErrFull},
		{name: "another time", fault: s3Error(403, "RequestTimeTooSkewed"), call: checks, want: []string{"this machine's clock and the server's differ"}},
		{name: "no bucket", fault: s3Error(404, "NoSuchBucket"), call: checks, want: []string{"the bucket doesn't exist"}},
		{name: "no bucket to get from", fault: of("GET", 1, 1, s3Error(404, "NoSuchBucket")), call: putsAndGets, want: []string{"the bucket doesn't exist"}},
		{name: "full", fault: of("PUT", 1, forever, s3Error(507, "")), call: checks, want: []string{"the server is full"}, is: bucket.ErrFull},
		{name: "full MinIO", fault: of("PUT", 1, forever, s3Error(507, "XMinioStorageFull")), call: puts, want: []string{"put a: the server is full: make room"}, is: bucket.ErrFull},
		{name: "a quota of MinIO's", fault: of("PUT", 1, forever, s3Error(400, "XMinioAdminBucketQuotaExceeded")), call: puts, want: []string{"the bucket's quota is used up"}, is: bucket.ErrFull},
		{name: "a quota of Ceph's", fault: of("PUT", 1, forever, s3Error(403, "QuotaExceeded")), call: puts, want: []string{"the bucket's quota is used up"}, is: bucket.ErrFull},
		{name: "a quota of Huawei's", fault: of("PUT", 1, forever, s3Error(403, "InsufficientStorageSpace")), call: puts, want: []string{"the bucket's quota is used up"}, is: bucket.ErrFull},
		{name: "a quota, as a conflict", fault: of("PUT", 1, forever, s3Error(409, "QuotaExceeded")), call: puts, want: []string{"the bucket's quota is used up"}, is: bucket.ErrFull},
		{name: "too large an object is no full bucket", fault: of("PUT", 1, forever, s3Error(413, "EntityTooLarge")), call: puts, want: []string{`the server says 413 "EntityTooLarge"`}, isNot: bucket.ErrFull},
		{name: "read-only, as it says", fault: of("PUT", 1, forever, s3Error(403, "ReadOnly")), call: puts, want: []string{"the bucket is read-only"}, is: bucket.ErrDenied},
		{name: "read-only", fault: of("PUT", 1, forever, s3Error(405, "MethodNotAllowed")), call: checks, want: []string{"it is read-only"}},
		{name: "elsewhere", fault: s3Error(301, ""), call: checks, want: []string{"set its region and endpoint"}},
		{name: "another region", fault: s3Error(400, "AuthorizationHeaderMalformed"), call: checks, want: []string{"the region is wrong"}},
		{name: "unknown condition", fault: of("PUT", 1, forever, s3Error(501, "NotImplemented")), call: checks, want: []string{"only if its name is free"}},
		{name: "ignored condition", fault: without("If-None-Match"), call: checks, want: []string{"it has written over an object"}},
		{name: "ignored range", fault: without("Range"), call: func(t *testing.T, b checked) error {
			t.Helper()
			put(t, b, "a/b")
			_, err := get(t, b, "a/b", 1, 1)
			return err
		}, want: []string{"the server has sent other bytes"}},
		{name: "other bytes", fault: of("GET", 2, 2, answer("others")), call: checks, want: []string{"read with 6 others"}},
		{name: "nothing is deleted", fault: of("POST", 1, forever, s3Error(403, "AccessDenied")), call: checks, want: []string{"delete .check-", "access denied"}},
		{name: "an object isn't deleted", fault: of("POST", 1, forever, answer("<DeleteResult><Error><Key>all/kayci/a</Key><Code>AccessDenied</Code></Error></DeleteResult>")), call: func(t *testing.T, b checked) error {
			t.Helper()
			return b.Delete(t.Context(), "a", "b")
		}, want: []string{"delete a: access denied"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := s3(t, faulty(t, tt.fault), func(o *bucket.S3Options) {
				if tt.quick {
					o.Timeout = 200 * time.Millisecond
				}
			})
			err := tt.call(t, b)
			if (err == nil) != (len(tt.want) == 0) || tt.is != nil && !errors.Is(err, tt.is) || tt.isNot != nil && errors.Is(err, tt.isNot) {
				t.Fatalf("the error is %v", err)
			}
			for _, text := range tt.want {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q isn't in: %v", text, err)
				}
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the secret is in: %v", err)
			}
		})
	}
}

// TestLostAnswer: the object of a put whose answer was lost is whole.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	b := s3(t, faulty(t, of("PUT", 1, 1, lost)), nil)
	if err := b.Put(t.Context(), "a", []byte("body")); !errors.Is(err, bucket.ErrExists) {
		t.Errorf("it says %v", err)
	}
	if body, err := get(t, b, "a", 0, -1); err != nil || body != "body" {
		t.Errorf("it holds %q, %v", body, err)
	}
}

// TestPages: a list of more than a page is whole.
func TestPages(t *testing.T) {
	t.Parallel()
	b := s3(t, fakeS3(t), nil)
	var want []string
	for i := range 1050 {
		want = append(want, fmt.Sprintf("ns/%04d/log", i))
	}
	put(t, b, want...)
	if diff := cmp.Diff(want, list(t, b)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	objects, err := b.List(t.Context(), "ns/", want[4], 1020)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[5:1025], names(objects)); diff != "" {
		t.Errorf("some objects (-want +got):\n%s", diff)
	}
	folders, err := b.Folders(t.Context(), "ns/")
	if err != nil {
		t.Fatal(err)
	}
	for i := range folders {
		folders[i] = "ns/" + folders[i] + "/log"
	}
	if diff := cmp.Diff(want, folders); diff != "" {
		t.Errorf("folders (-want +got):\n%s", diff)
	}
	if err := b.Delete(t.Context(), want...); err != nil {
		t.Fatal(err)
	}
	if left := list(t, b); left != nil {
		t.Errorf("%d are left", len(left))
	}
}

// TestOthersObjects: what has no name of an object's, or is outside the prefix, isn't
// listed.
func TestOthersObjects(t *testing.T) {
	t.Parallel()
	store := fakeS3(t)
	for _, key := range []string{"all/kayci/a b", "all/kayci/sub dir/x", "all/kayci/ok", "all/kayci2", "other"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/logs/"+strings.ReplaceAll(key, " ", "%20"), bytes.NewReader([]byte("x")))
		request.Header.Set("Content-Length", "1")
		store.ServeHTTP(httptest.NewRecorder(), request)
	}
	b := s3(t, store, nil)
	put(t, b, "mine/x")
	if diff := cmp.Diff([]string{"mine/x", "ok"}, list(t, b)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	folders, err := b.Folders(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mine"}, folders); diff != "" {
		t.Errorf("folders (-want +got):\n%s", diff)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		with bucket.S3Options
		want string
	}{
		{"all", bucket.S3Options{Endpoint: "https://s3.example.com:9000/", Bucket: "logs", Prefix: "/a/b/", AccessKey: "k", SecretKey: secret}, ""},
		{"no endpoint", bucket.S3Options{Bucket: "logs"}, `the store's bucket "logs": the endpoint must be https://HOST or http://HOST, perhaps with a port, and nothing else`},
		{"a path", bucket.S3Options{Endpoint: "https://h/logs", Bucket: "logs"}, `the store's bucket "logs": the endpoint must be https://HOST or http://HOST, perhaps with a port, and nothing else`},
		{"a password", bucket.S3Options{Endpoint: "https://u:" + secret + "@h", Bucket: "logs"}, `the store's bucket "logs": the endpoint must be https://HOST or http://HOST, perhaps with a port, and nothing else`},
		{"no URL", bucket.S3Options{Endpoint: "https://u:" + secret + "@h\x01", Bucket: "logs"}, `the store's bucket "logs": the endpoint is no URL`},
		{"half a key", bucket.S3Options{Endpoint: "https://h", Bucket: "logs", SecretKey: secret}, `the store's bucket "logs": of the access key and the secret key one is missing`},
		{"a wrong prefix", bucket.S3Options{Endpoint: "https://h", Bucket: "logs", Prefix: "../x"}, `the store's bucket "logs": "../x" can't name an object: up to 900 bytes in segments of letters, digits and . _ = - can`},
		{"no certificate", bucket.S3Options{Endpoint: "https://h", Bucket: "logs", AccessKey: "k", SecretKey: secret, CAFile: file}, `the store's bucket "logs": the CA's file ` + file + ` holds no certificate in PEM`},
		{"no file", bucket.S3Options{Endpoint: "https://h", Bucket: "logs", AccessKey: "k", SecretKey: secret, CAFile: "/nonexistent"}, `the store's bucket "logs": read the CA's file: open /nonexistent: no such file or directory`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := bucket.NewS3(tt.with)
			if diff := cmp.Diff(tt.want, said(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCAFile: a server whose certificate nobody else has signed.
func TestCAFile(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(fakeS3(t))
	// It tells of clients that don't trust it.
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	b, err := bucket.NewS3(options(server))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "set the CA's file") {
		t.Errorf("without the file: %v", err)
	}
	trusting := options(server)
	trusting.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(trusting.CAFile, pemOf(server.Certificate().Raw), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err = bucket.NewS3(trusting); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(t.Context()); err != nil {
		t.Errorf("with the file: %v", err)
	}
}
