package keep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Cache is what a job finds again in a later Run.
type Cache struct {
	// Name within the pod, by which the sidecar finds what the first step has noted.
	Name  string   `json:"name"`
	Paths []string `json:"paths"`
}

// note is what the first step leaves for the sidecar.
type note struct {
	Key string `json:"key"`
	// Hit says that the key itself was there: it needn't be saved.
	Hit bool `json:"hit"`
}

// Restoring says what a first step looks for.
type Restoring struct {
	Cache

	Key         string
	RestoreKeys []string
	// KeyFiles are patterns of files: what is in them becomes part of the key.
	KeyFiles []string
}

// Restore brings a cache back. It never fails: a job without its cache is slow, and no
// worse.
func Restore(ctx context.Context, o Options, r Restoring) {
	k := &keeping{Options: o}
	key, err := keyOf(o.Root, r.Key, r.KeyFiles)
	if err != nil {
		k.say("cache %s is not used: %s", r.Key, err)
		return
	}
	hit, err := o.Store.RestoreCache(ctx, o.Root, key, r.RestoreKeys)
	switch {
	case err != nil:
		k.say("cache %s can't be restored: %s", key, err)
	case hit == "":
		k.say("there is no cache %s yet", key)
	default:
		k.say("restored cache %s", hit)
	}
	if err := writeNote(o.Notes, r.Name, note{Key: key, Hit: hit == key && err == nil}); err != nil {
		k.say("cache %s will not be saved: %s", key, err)
	}
}

// cache saves one that the job has made.
func (k *keeping) cache(ctx context.Context, c Cache, succeeded bool) {
	n, err := readNote(k.Notes, c.Name)
	switch {
	case err != nil:
		k.say("cache %s is not saved: its first step has left no key: %s", c.Name, err)
		return
	case n.Hit:
		k.say("cache %s is there already", n.Key)
		return
	case k.unknown != nil:
		k.warn("cache %s is not saved: %s", n.Key, k.unknown)
		return
	case !succeeded:
		k.say("cache %s is not saved: the job has not succeeded", n.Key)
		return
	}
	saved, err := k.Store.SaveCache(ctx, k.Root, n.Key, c.Paths)
	switch {
	case err != nil:
		k.warn("cache %s can't be saved: %s", n.Key, err)
	case saved:
		k.say("saved cache %s", n.Key)
	default:
		k.say("cache %s was saved by another job meanwhile", n.Key)
	}
}

// keyOf is a cache's key, with a hash of the files at its end if there are any.
func keyOf(root *os.Root, key string, patterns []string) (string, error) {
	if len(patterns) == 0 {
		return key, nil
	}
	names, err := match(root, patterns)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return "", fmt.Errorf("none of its key files %q is there", patterns)
	}
	all := sha256.New()
	for _, name := range names {
		sum, err := sumOf(root, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(all, "%q %x\n", name, sum)
	}
	return key + "-" + hex.EncodeToString(all.Sum(nil)[:16]), nil
}

// maxKeyFile bounds a key file, in bytes.
const maxKeyFile = 64 << 20

func sumOf(root *os.Root, name string) ([]byte, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, fmt.Errorf("%s is no file of up to %d bytes", name, maxKeyFile)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(file, maxKeyFile)); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return sum.Sum(nil), nil
}

func writeNote(notes *os.Root, name string, n note) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return notes.WriteFile(name, data, 0o644)
}

func readNote(notes *os.Root, name string) (note, error) {
	var n note
	data, err := notes.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return n, errors.New("it has not run to its end")
	}
	if err != nil {
		return n, err
	}
	return n, json.Unmarshal(data, &n)
}
