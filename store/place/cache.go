package place

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Caches is where the caches of all namespaces are.
const Caches = "caches/"

// CachesOf is where the caches of a namespace are.
func CachesOf(namespace string) string { return Caches + namespace + "/" }

// Hash is what stands in a name for a text that could be no part of it, or for two texts
// that a file system takes for the same.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Scope is within which caches are found by their keys.
type Scope struct {
	Namespace string
	// Repository and Name are hashes of the repository, and of the scope within it.
	Repository, Name string
}

// Folder is where the caches of the scope are.
func (s Scope) Folder() string {
	return CachesOf(s.Namespace) + s.Repository + "/" + s.Name + "/"
}

// The folders within that of a scope.
const (
	entries = "entries/"
	index   = "index/"
	used    = "used/"
)

// Index is where the caches of the scope are listed, newest first.
func (s Scope) Index() string { return s.Folder() + index }

// Cache is one of a scope.
type Cache struct {
	Scope Scope
	// Key is a hash of its key.
	Key string
}

// Folder is where the cache's parts are.
func (c Cache) Folder() string { return c.Scope.Folder() + entries + c.Key + "/" }

// cacheManifest is the last name of a cache's manifest.
const cacheManifest = "manifest.json.gz"

// Manifest is the name of what makes the cache one.
func (c Cache) Manifest() string { return c.Folder() + cacheManifest }

// Upload is where the parts of an upload are.
func (c Cache) Upload(pod types.UID, upload string) string {
	return c.Folder() + string(pod) + "/" + upload + "/"
}

// IndexEntry is the name of the cache's entry in the index.
func (c Cache) IndexEntry(stored time.Time) string {
	return c.Scope.Index() + fmt.Sprintf("%0*d", digits, math.MaxInt64-max(stored.UnixNano(), 0)) + "-" + c.Key
}

// ReadIndex reads what stands behind [Scope.Index].
func ReadIndex(scope Scope, rest string) (Cache, bool) {
	_, key, is := strings.Cut(rest, "-")
	return Cache{Scope: scope, Key: key}, is && key != ""
}

// Used is the name of the mark that the cache was used on a day.
func (c Cache) Used(day time.Time) string {
	return c.Scope.Folder() + used + c.Key + "/" + day.UTC().Format(time.DateOnly)
}

// CacheObject is what an object among the caches of a namespace is for. One of Manifest,
// Upload, Indexed and Used is set.
type CacheObject struct {
	Cache Cache
	// Manifest of the cache.
	Manifest bool
	// Upload, with its pod, that the object is a part of.
	Upload string
	// Indexed is an entry of the index, and Used a mark of use.
	Indexed, Used bool
}

// ReadCache reads what stands behind [CachesOf].
func ReadCache(namespace, rest string) (CacheObject, bool) {
	parts := strings.Split(rest, "/")
	if len(parts) < 4 {
		return CacheObject{}, false
	}
	of := CacheObject{Cache: Cache{Scope: Scope{Namespace: namespace, Repository: parts[0], Name: parts[1]}, Key: parts[3]}}
	switch folder := parts[2] + "/"; {
	case folder == entries && len(parts) == 5 && parts[4] == cacheManifest:
		of.Manifest = true
	case folder == entries && len(parts) == 7:
		of.Upload = parts[4] + "/" + parts[5]
	case folder == used && len(parts) == 5:
		of.Used = true
	case folder == index && len(parts) == 4:
		of.Cache, of.Indexed = ReadIndex(of.Cache.Scope, parts[3])
		return of, of.Indexed
	default:
		return CacheObject{}, false
	}
	return of, true
}
