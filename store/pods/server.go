// Package pods answers the pods of jobs: what they leave behind, and what earlier jobs
// left for them. A pod holds no credentials of the bucket. It shows a token that the
// kubelet has projected into it, the API server says whose it is, and from there follows
// the Run. Whatever a pod names is of its own Run, or of the scopes of caches that its
// Run may use.
//
//	GET /v1/pod/limits
//	PUT /v1/pod/artifacts/{name}/parts/{upload}/{n}
//	PUT /v1/pod/artifacts/{name}?upload=
//	GET /v1/pod/artifacts/{job}/{name}
//	GET /v1/pod/artifacts/{job}/{name}/parts/{n}?id=
//	PUT /v1/pod/tests
//	PUT /v1/pod/caches/parts/{upload}/{n}?key=
//	PUT /v1/pod/caches?key=&upload=
//	GET /v1/pod/caches?key=&restore=
//	GET /v1/pod/caches/parts/{n}?id=
package pods

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/artifacts"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/caches"
	"github.com/kayci/kayci/store/parcel"
)

// Headers of requests and answers.
const (
	// DigestHeader has the SHA-256 of a part that is sent, in hexadecimal.
	DigestHeader = "Content-Sha256"
	// IDHeader has, with a manifest, what its parts are asked for by.
	IDHeader = "Kayci-Id"
)

// Options are what the server needs.
type Options struct {
	Bucket bucket.Bucket
	// Client has the API server review tokens.
	Client kubernetes.Interface
	// Reader reads pods, Jobs and Runs from the API server, and from no cache.
	Reader client.Reader
	// Namespaces are those that the store serves. Empty: all.
	Namespaces []string
	// DefaultBranches are the names that a repository's default branch may have. Their
	// caches are read by all Runs of the repository.
	DefaultBranches []string
	Artifacts       artifacts.Limits
	Caches          caches.Limits
	Clock           clock.PassiveClock
	// Log tells what failed.
	Log logr.Logger
}

type server struct {
	Options

	identities *identities
	ledger     *parcel.Ledger
	// parts, lists and reads bound what is done at once.
	parts, lists, reads places
}

// How much is done at once. What is sent is kept in memory: a part has up to
// bucket.MaxSize bytes, and a manifest or a report some times that.
const (
	partsAtOnce = 8
	listsAtOnce = 2
	readsAtOnce = 64
)

// New returns the handler of what is below /v1/pod/.
func New(options Options) http.Handler {
	s := &server{
		Options: options, identities: newIdentities(&options), ledger: parcel.NewLedger(options.Bucket, options.Clock),
		parts: make(places, partsAtOnce), lists: make(places, listsAtOnce), reads: make(places, readsAtOnce),
	}
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(http.ResponseWriter, *http.Request, *Identity) error{
		"GET /v1/pod/limits": s.limits,
		"GET /v1/pod/ended":  s.ended,
		"PUT /v1/pod/artifacts/{name}/parts/{upload}/{n}": s.putArtifactPart,
		"PUT /v1/pod/artifacts/{name}":                    s.putArtifact,
		"GET /v1/pod/artifacts/{job}/{name}":              s.getArtifact,
		"GET /v1/pod/artifacts/{job}/{name}/parts/{n}":    s.getArtifactPart,
		"PUT /v1/pod/tests":                               s.putTests,
		"PUT /v1/pod/caches/parts/{upload}/{n}":           s.putCachePart,
		"PUT /v1/pod/caches":                              s.putCache,
		"GET /v1/pod/caches":                              s.getCache,
		"GET /v1/pod/caches/parts/{n}":                    s.getCachePart,
	} {
		mux.Handle(pattern, s.guarded(answer))
	}
	mux.HandleFunc("/v1/pod/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, refuse(http.StatusNotFound, "the store has no such address"))
	})
	return mux
}

// Limits of what is sent, for pods that pack it.
type Limits struct {
	Artifact archive.Limits `json:"artifact"`
	Cache    archive.Limits `json:"cache"`
}

func (s *server) limits(w http.ResponseWriter, _ *http.Request, _ *Identity) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(Limits{Artifact: s.Artifacts.Archive, Cache: s.Caches.Archive})
}

// guarded answers pods that are known.
func (s *server) guarded(answer func(http.ResponseWriter, *http.Request, *Identity) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		err := checkPath(r)
		var who *Identity
		if err == nil {
			who, err = s.identities.of(r)
		}
		if err == nil {
			err = answer(w, r, who)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// isName reports whether a text can name a job or an artifact.
func isName(text string) bool { return len(validation.IsDNS1123Label(text)) == 0 }

// CheckName refuses what can't name a job or an artifact.
func CheckName(kind, text string) error {
	if !isName(text) {
		return fmt.Errorf("%.100q is no %s: it has up to 63 small letters, digits and dashes", text, kind)
	}
	return nil
}

// isUpload reports whether a text can tell an upload from others.
func isUpload(text string) bool { return len(text) >= 16 && isName(text) }

// checkPath refuses what can be no name, before anything is asked for by it.
func checkPath(r *http.Request) error {
	for _, key := range []string{"job", "name"} {
		if value := r.PathValue(key); value != "" {
			if err := CheckName(key, value); err != nil {
				return refuse(http.StatusBadRequest, "%v", err)
			}
		}
	}
	upload := r.PathValue("upload")
	if r.URL.Query().Has("upload") {
		upload = r.URL.Query().Get("upload")
	}
	if upload != "" && !isUpload(upload) {
		return refuse(http.StatusBadRequest, "%.100q names no upload: it has 16 to 63 small letters, digits and dashes", upload)
	}
	if n := r.PathValue("n"); n != "" {
		if _, is := parcel.ReadNumber(n); !is {
			return refuse(http.StatusBadRequest, "%.100q is no number of a part", n)
		}
	}
	return nil
}

// part returns the number of the part that is asked for, which was checked.
func part(r *http.Request) int {
	n, _ := parcel.ReadNumber(r.PathValue("n"))
	return n
}

// known says what is wrong, if it is for who asks to know.
func known(err error) *refusal {
	var told *refusal
	switch {
	case errors.As(err, &told):
		return told
	case errors.Is(err, bucket.ErrNotFound):
		return refuse(http.StatusNotFound, "the store has nothing of this name")
	case errors.Is(err, parcel.ErrDiffers), errors.Is(err, parcel.ErrIncomplete):
		return refuse(http.StatusConflict, "%v", err)
	case errors.Is(err, parcel.ErrTooLong), errors.Is(err, artifacts.ErrTooMany):
		return refuse(http.StatusRequestEntityTooLarge, "%v", err)
	case errors.Is(err, artifacts.ErrRunFull), errors.Is(err, caches.ErrFull):
		return refuse(http.StatusInsufficientStorage, "%v", err)
	}
	return nil
}

// again is after what time a request may be tried that the store couldn't answer.
const again = time.Second

// failed says as much of an error of the store's own as who asks has to know.
func failed(err error) *refusal {
	switch {
	case errors.Is(err, bucket.ErrFull):
		return refuse(http.StatusInsufficientStorage, "the store is full: its operator has to make room")
	case errors.Is(err, bucket.ErrDenied):
		return refuse(http.StatusServiceUnavailable, "the store has no right to use its bucket: its operator has to give it").soon(again)
	default:
		return refuse(http.StatusServiceUnavailable, "the store can't answer for now: its log says why").soon(again)
	}
}

// fail answers with an error, as the API server words it.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	told := known(err)
	if told == nil {
		if r.Context().Err() != nil {
			// Who has stopped sending may still listen, and would take silence for success.
			panic(http.ErrAbortHandler)
		}
		s.Log.Error(err, "A pod's request failed", "path", r.URL.Path)
		told = failed(err)
	}
	if told.again > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(told.again/time.Second)))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(told.code))
	// Who doesn't listen any more isn't told.
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Message: told.text, Reason: told.reason, Code: told.code,
	})
}
