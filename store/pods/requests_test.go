package pods_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/jobpod"
)

// put sends a body with its digest.
func put(ctx context.Context, h http.Handler, path, token string, body []byte) (int, string) {
	sum := sha256.Sum256(body)
	return send(ctx, h, path, token, hex.EncodeToString(sum[:]), body)
}

func send(ctx context.Context, h http.Handler, path, token, digest string, body []byte) (int, string) {
	r := httptest.NewRequestWithContext(ctx, http.MethodPut, "/v1/pod/"+path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Sha256", digest)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var status metav1.Status
	if json.Unmarshal(w.Body.Bytes(), &status) == nil {
		return w.Code, status.Message
	}
	return w.Code, w.Body.String()
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	packed, err := parcel.Gzip([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// manifest of one part of one byte.
func manifest(t *testing.T) []byte {
	t.Helper()
	data, err := json.Marshal(archive.Manifest{Version: archive.Version, Files: []archive.File{}, Parts: []archive.Part{{Size: 1, Raw: 1, SHA256: strings.Repeat("0", 64)}}})
	if err != nil {
		t.Fatal(err)
	}
	return gzipped(t, string(data))
}

const sent = "0123456789abcdef"

func TestHostileRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path string
		body       []byte
		code       int
		said       string
	}{
		{
			name: "name that leads elsewhere", path: "artifacts/%2e%2e%2fb/parts/" + sent + "/0", body: []byte("a"), code: 400,
			said: `"../b" is no name: it has up to 63 small letters, digits and dashes`,
		},
		{
			name: "name with NUL", path: "artifacts/a%00/parts/" + sent + "/0", body: []byte("a"), code: 400,
			said: `"a\x00" is no name: it has up to 63 small letters, digits and dashes`,
		},
		{
			name: "upload that leads elsewhere", path: "artifacts/a/parts/%2e%2e%2f%2e%2e%2f0123456789/0", body: []byte("a"), code: 400,
			said: `"../../0123456789" names no upload: it has 16 to 63 small letters, digits and dashes`,
		},
		{
			name: "short upload", path: "artifacts/a/parts/a/0", body: []byte("a"), code: 400,
			said: `"a" names no upload: it has 16 to 63 small letters, digits and dashes`,
		},
		{name: "negative part", path: "artifacts/a/parts/" + sent + "/-1", body: []byte("a"), code: 400, said: `"-1" is no number of a part`},
		{name: "part written otherwise", path: "artifacts/a/parts/" + sent + "/007", body: []byte("a"), code: 400, said: `"007" is no number of a part`},
		{name: "part out of bounds", path: "artifacts/a/parts/" + sent + "/100000", body: []byte("a"), code: 400, said: `"100000" is no number of a part`},
		{
			name: "part too long", path: "artifacts/a/parts/" + sent + "/0", body: make([]byte, 17<<20+1), code: 413,
			said: "17825793 bytes are more than the 17825792 that may be sent at once",
		},
		{name: "manifest of no upload", path: "artifacts/a", body: manifest(t), code: 400, said: "the request names no upload"},
		{name: "manifest without parts", path: "artifacts/a?upload=" + sent, body: manifest(t), code: 409, said: "part 0: parts are missing: send them again"},
		{name: "manifest that isn't gzip", path: "artifacts/a?upload=" + sent, body: []byte("{}"), code: 400, said: "the body isn't gzip: unexpected EOF"},
		{
			name: "manifest that is a bomb", path: "artifacts/a?upload=" + sent, body: gzipped(t, strings.Repeat(" ", 2<<20)), code: 413,
			said: "the body has more than 1048576 bytes, unpacked",
		},
		{name: "manifest that is none", path: "artifacts/a?upload=" + sent, body: gzipped(t, "[]"), code: 400, said: "read the manifest: it is no object"},
		{
			name: "manifest of files elsewhere", path: "artifacts/a?upload=" + sent, code: 400,
			body: gzipped(t, `{"version":1,"files":[{"path":"../a"}]}`), said: `"../a" is no path below a folder`,
		},
		{name: "report that is none", path: "tests", body: gzipped(t, "[]"), code: 400, said: "the body is no report on tests"},
		{name: "report with more behind", path: "tests", body: gzipped(t, "{}{}"), code: 400, said: "the body is no report on tests"},
		{name: "report of less than nothing", path: "tests", body: gzipped(t, `{"tests":-1}`), code: 400, said: "the report counts less than no tests"},
		{
			name: "report that is a bomb", path: "tests", body: gzipped(t, strings.Repeat(" ", 64<<20+1)), code: 413,
			said: "the body has more than 67108864 bytes, unpacked",
		},
		{name: "cache of no key", path: "caches/parts/" + sent + "/0", body: []byte("a"), code: 400, said: "the key of a cache is empty"},
		{
			name: "cache of a long key", path: "caches/parts/" + sent + "/0?key=" + strings.Repeat("a", 513), body: []byte("a"), code: 400,
			said: "the key of a cache has 513 bytes, more than 512: hash what makes it long",
		},
		{name: "address of nothing", path: "runs/b/artifacts", body: []byte("a"), code: 404, said: "the store has no such address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := jobpod.New(jobpod.Run("one", nil), "build", "build-x")
			cluster, err := jobpod.NewCluster(p)
			if err != nil {
				t.Fatal(err)
			}
			m := &bucket.Memory{}
			code, said := put(t.Context(), cluster.Handler(m, testclock.NewFakePassiveClock(jobpod.Began())), tt.path, p.Token, tt.body)
			if code != tt.code || said != tt.said {
				t.Errorf("%d %s", code, said)
			}
			if objects, err := m.List(t.Context(), "", "", 0); err != nil || len(objects) > 0 {
				t.Errorf("stored are %v, %v", objects, err)
			}
		})
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	p := jobpod.New(jobpod.Run("one", nil), "build", "build-x")
	cluster, err := jobpod.NewCluster(p)
	if err != nil {
		t.Fatal(err)
	}
	h := cluster.Handler(&bucket.Memory{}, testclock.NewFakePassiveClock(jobpod.Began()))
	const path = "artifacts/dist/parts/" + sent + "/0"
	type answer struct {
		Code int
		Said string
	}
	var got []answer
	add := func(code int, said string) { got = append(got, answer{code, said}) }
	add(send(t.Context(), h, path, p.Token, strings.Repeat("0", 64), []byte("a")))
	add(put(t.Context(), h, path, p.Token, []byte("a")))
	add(put(t.Context(), h, path, p.Token, []byte("a")))
	add(put(t.Context(), h, path, p.Token, []byte("b")))
	add(put(t.Context(), h, path, p.Token, []byte("ab")))
	want := []answer{
		{400, "the body isn't what was sent: its SHA-256 is another than Content-Sha256 says"},
		{200, ""},
		{200, ""},
		{409, "something else is stored under this name"},
		{409, "something else is stored under this name"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A pod that makes up an id of what isn't its Run's to read is refused.
func TestMadeUpIDs(t *testing.T) {
	t.Parallel()
	repository := func(branch string) *v1alpha1.Origin {
		return &v1alpha1.Origin{Repository: "acme/web", Branch: branch}
	}
	ended := v1alpha1.JobStatus{Name: "build", Phase: v1alpha1.JobSucceeded}
	p := jobpod.New(jobpod.Run("one", repository("topic"), ended), "deploy", "deploy-x")
	other := jobpod.New(jobpod.Run("two", repository("secret"), ended), "deploy", "deploy-y")
	cluster, err := jobpod.NewCluster(p, other)
	if err != nil {
		t.Fatal(err)
	}
	m := &bucket.Memory{}
	h := cluster.Handler(m, testclock.NewFakePassiveClock(jobpod.Began()))
	if code, said := put(t.Context(), h, "caches/parts/"+sent+"/0?key=k", other.Token, []byte("a")); code != http.StatusOK {
		t.Fatal(code, said)
	}
	objects, err := m.List(t.Context(), place.CachesOf("builds"), "", 0)
	if err != nil || len(objects) != 1 {
		t.Fatal(objects, err)
	}
	parts := strings.Split(strings.TrimPrefix(objects[0].Name, place.CachesOf("builds")), "/")
	id := strings.Join([]string{parts[0], parts[1], parts[3], parts[4], parts[5]}, ".")
	for path, want := range map[string]string{
		"caches/parts/0?id=" + id: "403 the id is of a cache that the Run may not read",
		"caches/parts/0?id=" + url.QueryEscape("../../a.b.c.uid."+sent): "400 the request has no id that came with a manifest",
		"caches/parts/0": "400 the request has no id that came with a manifest",
		"artifacts/build/dist/parts/0?id=two.uid-of-two.uid-of-build-y." + sent:          "403 the id is of no Run that job build of this one has run in",
		"artifacts/build/dist/parts/0?id=one.uid-of-two.uid-of-build-y." + sent:          "403 the id is of no Run that job build of this one has run in",
		"artifacts/build/dist/parts/0?id=one.uid-of-one.uid-of-build-x." + sent:          "404 the store has nothing of this name",
		"artifacts/build/dist/parts/0?id=" + url.QueryEscape("one.uid-of-one../.."+sent): "400 the request has no id that came with a manifest",
		"artifacts/deploy/dist": "404 the Run has no job deploy",
		"caches?key=k":          "404 the store has nothing of this name",
		"caches?key=k" + strings.Repeat("&restore=a", 17): "400 17 beginnings of keys are more than 16",
		"caches?key=k&restore=":                           "400 the key of a cache is empty",
	} {
		code, said := ask(t.Context(), h, http.MethodGet, path, p.Token)
		if got := fmt.Sprintf("%d %s", code, said); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// What a bucket says is for who runs the store.
func TestBucketFails(t *testing.T) {
	t.Parallel()
	p := jobpod.New(jobpod.Run("one", nil), "build", "build-x")
	cluster, err := jobpod.NewCluster(p)
	if err != nil {
		t.Fatal(err)
	}
	m := &bucket.Memory{Before: func(string) error { return io.ErrUnexpectedEOF }}
	h := cluster.Handler(m, testclock.NewFakePassiveClock(jobpod.Began()))
	for _, path := range []string{"artifacts/dist/parts/" + sent + "/0", "caches/parts/" + sent + "/0?key=k"} {
		code, said := put(t.Context(), h, path, p.Token, []byte("a"))
		if code != http.StatusServiceUnavailable || said != "the store can't answer for now: its log says why" {
			t.Errorf("%s: %d %s", path, code, said)
		}
	}
}
