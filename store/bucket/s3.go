package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// S3 is a bucket, or a part of one, of an S3-like store.
type S3 struct {
	client *minio.Core
	bucket string
	// prefix is empty, or ends in a slash.
	prefix string
}

var _ Bucket = (*S3)(nil)

const (
	// How often a request is sent: again if there is no answer, or one that says so.
	maxTries = 3
	// How often a Put is tried that the server refuses because of another one.
	maxConflicts = 3
)

// Check proves that objects can be put, read, listed and deleted, and that none is
// written over. Its error says what to do.
func (s *S3) Check(ctx context.Context) error {
	if err := check(ctx, s, time.Now()); err != nil {
		return fmt.Errorf("the store's bucket %s: %w", s.bucket, err)
	}
	return nil
}

// Put stores an object.
func (s *S3) Put(ctx context.Context, name string, body []byte) error {
	if err := checkPut(name, body); err != nil {
		return err
	}
	if err := s.put(ctx, name, body); err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	return nil
}

func (s *S3) put(ctx context.Context, name string, body []byte) error {
	// The body's hash is a part of what is signed, so that every store has to look at it.
	// Chunks with a signature each, which the library would send else, aren't needed.
	options := minio.PutObjectOptions{DisableContentSha256: true}
	options.SetMatchETagExcept("*")
	hash := fmt.Sprintf("%x", sha256.Sum256(body))
	for range maxConflicts {
		_, err := s.client.PutObject(ctx, s.bucket, s.prefix+name, bytes.NewReader(body), int64(len(body)), "", hash, options)
		switch status := minio.ToErrorResponse(err).StatusCode; {
		case err == nil:
			return nil
		case status == http.StatusPreconditionFailed:
			return ErrExists
		// Another request for the name is under way: a put, or a deletion, after which the
		// name is free.
		case status != http.StatusConflict || errors.Is(answered(err), ErrFull):
			return answered(err)
		}
	}
	return ErrExists
}

// Get reads an object.
func (s *S3) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := checkGet(name, offset); err != nil {
		return nil, err
	}
	body, err := s.get(ctx, name, offset, length)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return body, nil
}

func (s *S3) get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	// A range can't have no bytes, so the first is read for it.
	first, last := fmt.Sprintf("bytes %d-", offset), max(length-1, 0)
	options := minio.GetObjectOptions{Checksum: true}
	ranged := offset > 0 || length >= 0
	switch {
	case length >= 0:
		options.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+last))
	case offset > 0:
		options.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	body, _, header, err := s.client.GetObject(ctx, s.bucket, s.prefix+name, options)
	switch answer := minio.ToErrorResponse(err); {
	case answer.Code == minio.NoSuchKey:
		return nil, ErrNotFound
	case answer.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return http.NoBody, nil
	case err != nil:
		return nil, answered(err)
	case ranged && !strings.HasPrefix(header.Get("Content-Range"), first):
		_ = body.Close()
		return nil, errors.New("the server has sent other bytes than it was asked for: it can't be used")
	case length >= 0:
		return reader{Reader: io.LimitReader(body, length), Closer: body}, nil
	}
	return body, nil
}

// List returns objects.
func (s *S3) List(ctx context.Context, prefix, after string, limit int) ([]Object, error) {
	if err := checkList(prefix, after); err != nil {
		return nil, err
	}
	objects, err := s.list(ctx, prefix, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list %.100q: %w", prefix, err)
	}
	return objects, nil
}

func (s *S3) list(ctx context.Context, prefix, after string, limit int) ([]Object, error) {
	options := minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true}
	if after != "" {
		options.StartAfter = s.prefix + after
	}
	if limit > 0 && limit < 1000 {
		options.MaxKeys = limit
	}
	var objects []Object
	last := after
	for found := range s.client.ListObjectsIter(ctx, s.bucket, options) {
		if found.Err != nil {
			return nil, answered(found.Err)
		}
		name, ours := strings.CutPrefix(found.Key, s.prefix)
		if !ours || name <= last {
			return nil, errors.New("the server doesn't list in the order of names: it can't be used")
		}
		last = name
		if validName(name) {
			objects = append(objects, Object{Name: name, Size: found.Size, Modified: found.LastModified})
		}
		if limit > 0 && len(objects) == limit {
			return objects, nil
		}
	}
	// The list just ends with its context.
	return objects, ctx.Err()
}

// Folders returns the folders below a prefix.
func (s *S3) Folders(ctx context.Context, prefix string) ([]string, error) {
	if err := checkFolder(prefix); err != nil {
		return nil, err
	}
	var folders []string
	for found := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix + prefix}) {
		if found.Err != nil {
			return nil, fmt.Errorf("list the folders of %.100q: %w", prefix, answered(found.Err))
		}
		if name, is := strings.CutSuffix(strings.TrimPrefix(found.Key, s.prefix+prefix), "/"); is && validSegment(name) {
			folders = append(folders, name)
		}
	}
	slices.Sort(folders)
	return slices.Compact(folders), ctx.Err()
}

// Delete removes objects.
func (s *S3) Delete(ctx context.Context, names ...string) error {
	objects := make([]minio.ObjectInfo, 0, len(names))
	for _, name := range names {
		if err := checkName(name); err != nil {
			return err
		}
		objects = append(objects, minio.ObjectInfo{Key: s.prefix + name})
	}
	if len(objects) == 0 {
		return nil
	}
	results, err := s.client.RemoveObjectsWithIter(ctx, s.bucket, slices.Values(objects), minio.RemoveObjectsOptions{})
	if err != nil {
		return fmt.Errorf("delete objects: %w", err)
	}
	for result := range results {
		if result.Err != nil && minio.ToErrorResponse(result.Err).Code != minio.NoSuchKey {
			return fmt.Errorf("delete %s: %w", strings.TrimPrefix(result.ObjectName, s.prefix), answered(result.Err))
		}
	}
	// The results just end with their context.
	return ctx.Err()
}
