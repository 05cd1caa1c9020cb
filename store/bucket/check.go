package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"
)

// probes begins the names of the objects that a check puts and deletes. They are below no
// folder, so that Folders doesn't tell of them.
const probes = ".check-"

// How long a probe is another check's, which may still run.
const probeAge = time.Hour

var errIgnored = errors.New("it has written over an object, although it was told to put the object only if the name is free (If-None-Match: *): " +
	"two writers would destroy each other's objects, so it can't be used")

// check proves that a bucket keeps what Bucket promises.
func check(ctx context.Context, b Bucket, now time.Time) (err error) {
	left, err := b.List(ctx, probes, "", 100)
	if err != nil {
		return err
	}
	name := probes + rand.Text()
	old := []string{name}
	for _, object := range left {
		if now.Sub(object.Modified) > probeAge {
			old = append(old, object.Name)
		}
	}
	defer func() { err = errors.Join(err, b.Delete(ctx, old...)) }()
	body := []byte("a check of KayCI; it may be deleted\n")
	// Nobody else has this name: if it exists, the answer to a first request was lost.
	if err := b.Put(ctx, name, body); err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	switch err := b.Put(ctx, name, nil); {
	case err == nil:
		return errIgnored
	case !errors.Is(err, ErrExists):
		return err
	}
	reader, err := b.Get(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	defer reader.Close()
	got, err := io.ReadAll(io.LimitReader(reader, MaxSize))
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if !bytes.Equal(got, body) {
		return fmt.Errorf("%s was stored with %d bytes and read with %d others: it can't be used", name, len(body), len(got))
	}
	return nil
}
