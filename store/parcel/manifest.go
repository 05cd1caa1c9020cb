package parcel

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/bucket"
)

// maxHead bounds a head, in bytes.
const maxHead = 16 << 10

// pack writes a head, in a line of its own, and a manifest behind it.
func pack(head Head, manifest []byte) ([]byte, error) {
	line, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("write a manifest: %w", err)
	}
	return Gzip(append(line, '\n'), manifest)
}

// Gzip packs bytes.
func Gzip(all ...[]byte) ([]byte, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	var err error
	for _, data := range all {
		_, err = w.Write(data)
		if err != nil {
			break
		}
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return packed.Bytes(), nil
}

// ReadHead reads the head of a manifest that is stored, and no more of it.
func ReadHead(ctx context.Context, from bucket.Bucket, name string) (Head, error) {
	body, err := from.Get(ctx, name, 0, -1)
	if err != nil {
		return Head{}, err
	}
	defer body.Close()
	head, _, err := open(body)
	return head, err
}

// Read reads a manifest as it is stored.
func Read(from io.Reader, limits archive.Limits) (Head, *archive.Manifest, error) {
	head, rest, err := open(from)
	if err != nil {
		return Head{}, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(rest, limits.ManifestBytes+1))
	if err != nil {
		return Head{}, nil, fmt.Errorf("read a manifest: %w", err)
	}
	m, err := archive.Decode(data, limits)
	return head, m, err
}

// open reads the head, and returns what stands behind it.
func open(from io.Reader) (head Head, rest io.Reader, err error) {
	packed, err := gzip.NewReader(from)
	if err != nil {
		return Head{}, nil, fmt.Errorf("read a manifest: %w", err)
	}
	text := bufio.NewReaderSize(packed, maxHead)
	line, err := text.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(line, &head)
	}
	if err != nil {
		return Head{}, nil, fmt.Errorf("read the head of a manifest: %w", err)
	}
	return head, text, nil
}
