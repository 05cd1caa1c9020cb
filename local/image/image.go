package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Image is a file system and how to run it.
type Image struct {
	Tree   *Tree
	Config v1.Config
}

// revision is part of what names a tar in the cache, so that a change of the
// way in which images are written makes them anew.
const revision = 1

// Save writes the image as docker save does, named by tag, to the file output.
// A tar that was made from the same files before is taken from the folder cache.
func (i Image) Save(tag, output, cache string) error {
	reference, err := name.NewTag(tag, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("read tag: %w", err)
	}
	key, err := i.key(reference.String())
	if err != nil {
		return err
	}
	cached := filepath.Join(cache, key+".tar")
	if _, err := os.Stat(cached); err != nil {
		if err := os.MkdirAll(cache, 0o755); err != nil {
			return fmt.Errorf("make the cache of images: %w", err)
		}
		if err := replace(cached, func(temporary string) error { return i.write(reference, temporary) }); err != nil {
			return err
		}
	}
	return replace(output, func(temporary string) error { return copyFile(temporary, cached) })
}

func (i Image) write(tag name.Tag, path string) error {
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(i.Tree.write(writer)) }()
		return reader, nil
	})
	if err != nil {
		return fmt.Errorf("assemble layer: %w", err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return fmt.Errorf("append layer: %w", err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("read image configuration: %w", err)
	}
	file = file.DeepCopy()
	file.Architecture, file.OS, file.Created, file.Config = runtime.GOARCH, "linux", v1.Time{Time: epoch()}, i.Config
	for n := range file.History {
		file.History[n].Created = v1.Time{Time: epoch()}
	}
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return fmt.Errorf("set image configuration: %w", err)
	}
	if err := tarball.WriteToFile(path, tag, img); err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	return nil
}

// key hashes all that the tar depends on. A file of this machine counts by its
// path, size and time of change: reading hundreds of megabytes takes longer than
// assembling a small image.
func (i Image) key(tag string) (string, error) {
	config, err := json.Marshal(i.Config)
	if err != nil {
		return "", fmt.Errorf("encode image configuration: %w", err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d %s %s %s\n", revision, tag, runtime.GOARCH, config)
	for _, path := range slices.Sorted(maps.Keys(i.Tree.entries)) {
		e := i.Tree.entries[path]
		fmt.Fprintf(h, "%q %+v", path, e)
		if e.source != "" {
			info, err := os.Stat(e.source)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(h, " %d", info.ModTime().UnixNano())
		}
		fmt.Fprintln(h)
	}
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// replace puts a file in place of another at once and whole, or not at all.
func replace(path string, write func(temporary string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".image-*")
	if err != nil {
		return fmt.Errorf("make temporary file: %w", err)
	}
	f.Close()
	defer os.Remove(f.Name())
	if err := write(f.Name()); err != nil {
		return err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
