package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// errDamaged says that the store is of no use: it is removed.
var errDamaged = errors.New("the store is damaged")

// store is a bare repository that nothing but this package uses: it has no
// config, no references and no hooks.
// A new commit is fetched whole, whatever is there. What a store saves is to fetch a
// commit again that is to be evaluated again: with other vars, after a fault that may
// pass, or by a container that was started anew.
type store struct {
	path    string
	objects *filesystem.Storage
}

func prepareStore(path string) error {
	if path == "" {
		return errors.New("no folder is given")
	}
	return os.MkdirAll(filepath.Dir(path), 0o700)
}

func openStore(path string) (*store, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	objects := filesystem.NewStorage(osfs.New(path), cache.NewObjectLRU(16*cache.MiByte))
	if err := objects.Init(); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return &store{path, objects}, nil
}

func (s *store) has(commit plumbing.Hash) bool { return s.objects.HasEncodedObject(commit) == nil }

// incoming is where the pack of a commit waits to be unpacked.
func (s *store) incoming(commit plumbing.Hash) string {
	return filepath.Join(s.path, "incoming-"+commit.String())
}

func (s *store) hasIncoming(commit plumbing.Hash) bool {
	_, err := os.Stat(s.incoming(commit))
	return err == nil
}

// filter is the file with the size beyond which the server has left out files; 0:
// none were.
func (s *store) filter() string { return filepath.Join(s.path, "filtered") }

func (s *store) filteredAt() int64 {
	text, _ := os.ReadFile(s.filter())
	limit, _ := strconv.ParseInt(string(text), 10, 64)
	return limit
}

func (s *store) isFiltered() bool { return s.filteredAt() > 0 }

// fits reports whether the store holds all files that these limits allow.
func (s *store) fits(limits Limits) bool {
	at := s.filteredAt()
	return at == 0 || at == limits.FileBytes
}

// receive keeps the pack in a file once it has been measured, because unpacking
// takes memory by what the pack says of itself. Packs that were never unpacked
// go.
func (s *store) receive(pack io.Reader, commit plumbing.Hash, filtered bool, limits Limits, report reporter) error {
	if err := s.dropIncoming(); err != nil {
		return err
	}
	limit := int64(0)
	if filtered {
		limit = limits.FileBytes
	}
	if err := os.WriteFile(s.filter(), []byte(strconv.FormatInt(limit, 10)), 0o600); err != nil {
		return err
	}
	file, err := os.CreateTemp(s.path, "incoming-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := measure(io.TeeReader(&limitedReader{pack, limits.PackBytes}, file), limits, report); err != nil {
		return err
	}
	return os.Rename(file.Name(), s.incoming(commit))
}

func (s *store) dropIncoming() error {
	left, err := filepath.Glob(filepath.Join(s.path, "incoming-*"))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// unpack takes in the pack of a commit that isn't there yet, and then drops those
// that were there before: only the newest commit is of use.
func (s *store) unpack(commit plumbing.Hash) error {
	if s.has(commit) {
		return nil
	}
	pack, err := os.Open(s.incoming(commit))
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	defer pack.Close()
	old, err := s.objects.ObjectPacks()
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if err := packfile.UpdateObjectStorage(s.objects, pack); err != nil {
		return fmt.Errorf("unpack the commit: %w: %w", errDamaged, err)
	}
	for _, hash := range old {
		if err := s.objects.DeleteOldObjectPackAndIndex(hash, time.Time{}); err != nil {
			return err
		}
	}
	if err := s.dropIncoming(); err != nil {
		return err
	}
	reopened, err := openStore(s.path)
	if err != nil {
		return err
	}
	*s = *reopened
	return nil
}

// lockStore waits for the lock of a store, beside which it lies: a store that is
// removed keeps its lock.
func lockStore(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR|lockFlags, 0o600)
	if err != nil {
		return nil, &Error{Reason: ReasonStorageFailed, text: "open the store's lock: " + err.Error()}
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		locked, err := tryLock(file)
		switch {
		case locked:
			return func() { _ = file.Close() }, nil
		case err != nil:
			_ = file.Close()
			return nil, &Error{Reason: ReasonStorageFailed, text: "lock the store: " + err.Error()}
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}
