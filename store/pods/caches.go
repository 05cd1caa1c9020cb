package pods

import (
	"context"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/store/caches"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/place"
)

// cacheKey returns the key that a request names.
func cacheKey(r *http.Request) (string, error) {
	key := r.URL.Query().Get("key")
	if err := caches.CheckKey(key); err != nil {
		return "", refuse(http.StatusBadRequest, "%v", err)
	}
	return key, nil
}

// putCachePart takes a part of a cache. That the key is taken is said at the first part,
// before more is sent in vain.
func (s *server) putCachePart(w http.ResponseWriter, r *http.Request, who *Identity) error {
	key, err := cacheKey(r)
	if err != nil {
		return err
	}
	c := place.Cache{Scope: caches.ScopesOf(who.Run, s.DefaultBranches).Own, Key: place.Hash(key)}
	head := parcel.Head{Pod: who.PodUID, Upload: r.PathValue("upload")}
	if part(r) == 0 {
		taken, err := caches.Exists(r.Context(), s.Bucket, c)
		if err != nil {
			return err
		}
		if taken {
			return errTaken()
		}
	}
	return receive(w, r, s.parts, func(ctx context.Context, data []byte) error {
		if err := s.Caches.Room(ctx, s.ledger, c, int64(len(data))); err != nil {
			return err
		}
		return caches.Parcel(s.Bucket, c, &head).PutPart(ctx, part(r), data)
	})
}

// putCache takes a cache's manifest, which makes one of its parts.
func (s *server) putCache(w http.ResponseWriter, r *http.Request, who *Identity) error {
	key, err := cacheKey(r)
	if err != nil {
		return err
	}
	upload := r.URL.Query().Get("upload")
	if upload == "" {
		return refuse(http.StatusBadRequest, "the request names no upload")
	}
	return receive(w, r, s.lists, func(ctx context.Context, data []byte) error {
		manifest, m, err := decode(data, s.Caches.Archive)
		if err != nil {
			return err
		}
		scope := caches.ScopesOf(who.Run, s.DefaultBranches).Own
		head := parcel.Head{Key: key, Pod: who.PodUID, Upload: upload, Stored: s.Clock.Now()}
		taken, err := caches.Save(ctx, s.Bucket, scope, head, manifest, m)
		if err == nil && taken {
			return errTaken()
		}
		return err
	})
}

// errTaken says that a key has a cache, which is as good as one that is saved.
func errTaken() error {
	told := refuse(http.StatusConflict, "there is a cache of this key: it can't be changed")
	told.reason = metav1.StatusReasonAlreadyExists
	return told
}

// getCache answers with the manifest of the cache that fits best.
func (s *server) getCache(w http.ResponseWriter, r *http.Request, who *Identity) error {
	key, err := cacheKey(r)
	if err != nil {
		return err
	}
	restore := r.URL.Query()["restore"]
	if len(restore) > caches.MaxRestore {
		return refuse(http.StatusBadRequest, "%d beginnings of keys are more than %d", len(restore), caches.MaxRestore)
	}
	for _, text := range restore {
		if err := caches.CheckKey(text); err != nil {
			return refuse(http.StatusBadRequest, "%v", err)
		}
	}
	c, err := caches.Find(r.Context(), s.Bucket, caches.ScopesOf(who.Run, s.DefaultBranches), key, restore)
	if err != nil {
		return err
	}
	head, err := parcel.ReadHead(r.Context(), s.Bucket, c.Manifest())
	if err != nil {
		return err
	}
	if err := caches.Use(r.Context(), s.Bucket, c, s.Clock.Now()); err != nil {
		// The cache is as good without the mark.
		s.Log.Error(err, "The use of a cache can't be noted", "namespace", who.Run.Namespace)
	}
	w.Header().Set(IDHeader, strings.Join([]string{c.Scope.Repository, c.Scope.Name, c.Key, string(head.Pod), head.Upload}, "."))
	return s.send(w, r, c.Manifest())
}

// getCachePart answers with a part of a cache that the Run may read.
func (s *server) getCachePart(w http.ResponseWriter, r *http.Request, who *Identity) error {
	id := strings.Split(r.URL.Query().Get("id"), ".")
	if len(id) != 5 || !isUID(id[3]) || !isUpload(id[4]) {
		return refuse(http.StatusBadRequest, "the request has no id that came with a manifest")
	}
	scope := place.Scope{Namespace: who.Run.Namespace, Repository: id[0], Name: id[1]}
	if !slices.Contains(caches.ScopesOf(who.Run, s.DefaultBranches).All(), scope) || !isHash(id[2]) {
		return refuse(http.StatusForbidden, "the id is of a cache that the Run may not read")
	}
	c := place.Cache{Scope: scope, Key: id[2]}
	p := caches.Parcel(s.Bucket, c, &parcel.Head{Pod: types.UID(id[3]), Upload: id[4]})
	return s.send(w, r, p.Part(part(r)))
}

// isHash reports whether a text can be a hash.
func isHash(text string) bool {
	return len(text) == len(place.Hash("")) && !strings.ContainsFunc(text, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}
