// Package parcel keeps archives in the bucket, for artifacts and caches alike: their
// parts first, each put if absent, and at last the manifest, which makes an archive of
// them. Before there is a manifest nothing leads to the parts, so that nobody reads what
// is half there.
package parcel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/bucket"
)

var (
	// ErrDiffers says that something else has the name already.
	ErrDiffers = errors.New("something else is stored under this name")
	// ErrIncomplete says that a manifest names a part that isn't there.
	ErrIncomplete = errors.New("parts are missing: send them again")
	// ErrTooLong says that a manifest is longer than what can be stored.
	ErrTooLong = errors.New("the list of files is too long, even compressed: pack fewer files")
)

// MaxParts is how many parts an archive may have.
const MaxParts = 100_000

// Parcel is where an archive is kept.
type Parcel struct {
	Bucket bucket.Bucket
	// Parts is the folder of the archive's parts, which ends in a slash.
	Parts string
	// Manifest is the name of its manifest.
	Manifest string
}

// Part is the name of a part.
func (p Parcel) Part(n int) string { return p.Parts + fmt.Sprintf("%05d", n) }

// PutPart stores a part. The same bytes again are no error.
func (p Parcel) PutPart(ctx context.Context, n int, data []byte) error {
	return Put(ctx, p.Bucket, p.Part(n), data)
}

// Put stores an object. The same bytes again are no error, and others are ErrDiffers.
func Put(ctx context.Context, to bucket.Bucket, name string, data []byte) error {
	err := to.Put(ctx, name, data)
	if !errors.Is(err, bucket.ErrExists) {
		return err
	}
	body, err := to.Get(ctx, name, 0, int64(len(data))+1)
	if err != nil {
		return err
	}
	defer body.Close()
	stored, err := io.ReadAll(body)
	if err == nil && !bytes.Equal(stored, data) {
		err = ErrDiffers
	}
	return err
}

// Head is what is known of an archive without its manifest.
type Head struct {
	// Pod and Upload say where the parts are.
	Pod    types.UID `json:"pod"`
	Upload string    `json:"upload"`
	// Key of a cache.
	Key string `json:"key,omitempty"`
	// Files and folders that the archive has, and the bytes of its files.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Size of the parts.
	Size int64 `json:"size"`
	// Digest is the SHA-256 of the manifest, in hexadecimal.
	Digest string `json:"digest"`
	// Stored is when that was.
	Stored time.Time `json:"stored"`
}

// Seal stores the manifest if every part is there that it names. The head has to say
// where the parts are, and when it is; the rest is filled in. If there is a manifest of
// the same files, it counts, and its head is returned; of others, that is ErrDiffers.
// Parts from before `since` don't count.
func (p Parcel) Seal(ctx context.Context, head Head, manifest []byte, m *archive.Manifest, since time.Time) (Head, error) {
	if err := p.check(ctx, m, since); err != nil {
		return Head{}, err
	}
	sum := sha256.Sum256(manifest)
	head.Files, head.Bytes, head.Digest = len(m.Files), m.Bytes, hex.EncodeToString(sum[:])
	for i := range m.Parts {
		head.Size += m.Parts[i].Size
	}
	body, err := pack(head, manifest)
	if err != nil {
		return Head{}, err
	}
	if len(body) > bucket.MaxSize {
		return Head{}, ErrTooLong
	}
	err = p.Bucket.Put(ctx, p.Manifest, body)
	if !errors.Is(err, bucket.ErrExists) {
		return head, err
	}
	there, err := ReadHead(ctx, p.Bucket, p.Manifest)
	if err == nil && there.Digest != head.Digest {
		err = ErrDiffers
	}
	return there, err
}

// Discard removes the parts of an upload whose manifest will never be.
func (p Parcel) Discard(ctx context.Context) error {
	objects, err := p.Bucket.List(ctx, p.Parts, "", MaxParts)
	if err != nil {
		return err
	}
	names := make([]string, len(objects))
	for i := range objects {
		names[i] = objects[i].Name
	}
	return p.Bucket.Delete(ctx, names...)
}

// check returns an error unless every part is there.
func (p Parcel) check(ctx context.Context, m *archive.Manifest, since time.Time) error {
	if len(m.Parts) == 0 {
		return nil
	}
	objects, err := p.Bucket.List(ctx, p.Parts, "", MaxParts)
	if err != nil {
		return err
	}
	there := make(map[string]bucket.Object, len(objects))
	for i := range objects {
		there[objects[i].Name] = objects[i]
	}
	for n := range m.Parts {
		part, is := there[p.Part(n)]
		if !is || part.Size != m.Parts[n].Size || part.Modified.Before(since) {
			return fmt.Errorf("part %d: %w", n, ErrIncomplete)
		}
	}
	return nil
}

// ReadNumber reads a part's number.
func ReadNumber(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && n < MaxParts && strconv.Itoa(n) == text
}
