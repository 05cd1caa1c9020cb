// Package static serves the page's own files, which are built into the program. Their
// address has a hash of them all in it, so that browsers keep them for good and never
// run those of another version.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed dist
var dist embed.FS

// Prefix begins the path of every file.
const Prefix = "/static/"

// Files are the page's own files.
type Files struct {
	hash  string
	files map[string][]byte
}

// New reads the files that are built into the program.
func New() (*Files, error) {
	f := &Files{files: map[string][]byte{}}
	sum := sha256.New()
	err := fs.WalkDir(dist, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := dist.ReadFile(name)
		if err != nil {
			return err
		}
		f.files[path.Base(name)] = data
		fmt.Fprintf(sum, "%s %d\n%s", name, len(data), data)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the page's files: %w", err)
	}
	f.hash = hex.EncodeToString(sum.Sum(nil)[:8])
	return f, nil
}

// Path of a file. One that isn't there is a defect of the template that names it.
func (f *Files) Path(name string) (string, error) {
	if _, ok := f.files[name]; !ok {
		return "", fmt.Errorf("there is no file %q", name)
	}
	return Prefix + f.hash + "/" + name, nil
}

// ServeHTTP answers with a file. A page of another replica, during an upgrade, may ask
// for another hash's: it gets today's, and keeps it for a moment only.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	data, ok := f.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	kept := "no-cache"
	if r.PathValue("hash") == f.hash {
		kept = "public, max-age=31536000, immutable"
	}
	w.Header().Set("Cache-Control", kept)
	w.Header().Set("Content-Type", contentType(name))
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}

// contentType of a file. What the machine's own table says may be wrong, on Windows for
// one, and a browser then refuses the script.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".css":
		return "text/css; charset=utf-8"
	default:
		return "application/octet-stream"
	}
}
