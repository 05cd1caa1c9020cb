// Package archive keeps the files of a folder as parts, so that a file can be read
// alone, by the parts that it is in.
//
// Each part is zstd and can be decompressed by itself. The raw bytes of all parts, one
// after the other, are an ordinary tar: `zstd -dc` of the joined parts is what tar
// reads. A manifest says which parts there are, and where each file's bytes begin.
package archive

import (
	"context"
	"errors"
	"io"
)

const (
	// Version of the manifests that this package writes and reads.
	Version = 1
	// PartSize is the most bytes of a part, compressed.
	PartSize = 8 << 20
	// PartRaw is the most raw bytes of a part: so much has to be decompressed at most to
	// come to a file's bytes.
	PartRaw = 64 << 20
)

// ErrNothing is Pack's, if the patterns match no file and no link.
var ErrNothing = errors.New("the patterns match no file")

// Limits of an archive. What is 0 allows none.
type Limits struct {
	// Files, folders and links together.
	Files int
	// Bytes of all files, raw.
	Bytes int64
	// ManifestBytes is the size of the manifest as JSON.
	ManifestBytes int64
}

// Manifest says what an archive holds.
type Manifest struct {
	Version int    `json:"version"`
	Parts   []Part `json:"parts"`
	// Files in the byte order of their paths. A folder is before what is in it, unless it
	// isn't listed: then only something in it was packed.
	Files []File `json:"files"`
	// Bytes of all files.
	Bytes int64 `json:"bytes"`
}

// Part is a piece of an archive.
type Part struct {
	// Size is its bytes, compressed.
	Size int64 `json:"size"`
	// Raw is its bytes of the tar.
	Raw int64 `json:"raw"`
	// SHA256 of the compressed bytes, in hexadecimal digits.
	SHA256 string `json:"sha256"`
}

// File is a file, folder or symbolic link.
type File struct {
	// Path with slashes, below the folder that was packed.
	Path string `json:"path"`
	// Mode is its permission bits, and no others.
	Mode uint32 `json:"mode,omitempty"`
	// Modified is when it was changed, in seconds since 1970.
	Modified int64 `json:"modified,omitempty"`
	// Size in bytes; only files have any.
	Size int64 `json:"size,omitempty"`
	// Link is where a symbolic link leads: a relative path that stays in the folder.
	Link string `json:"link,omitempty"`
	// Part in which the file's bytes begin, and the raw bytes of that part before them. A
	// file's bytes may go on in the parts behind.
	Part   int   `json:"part,omitempty"`
	Offset int64 `json:"offset,omitempty"`
	Folder bool  `json:"folder,omitempty"`
}

// Put stores a part, which it may not keep: n counts from 0. Two may be stored at once.
type Put = func(ctx context.Context, n int, data []byte) error

// Get reads a part that was put.
type Get = func(ctx context.Context, n int) (io.ReadCloser, error)
