package logs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/place"
)

// Read writes the lines of a log with their stamps, from the line of that number on or
// a little earlier. It says before which is the first. What isn't stored yet isn't there.
func Read(ctx context.Context, from bucket.Bucket, log place.Log, line int64, begin func(first int64), to io.Writer) error {
	names, err := partsOf(ctx, from, log)
	if err != nil {
		return err
	}
	at := sort.Search(len(names), func(i int) bool {
		first, _, _ := place.ReadPart(names[i])
		return first > line
	}) - 1
	for at = max(0, at); at < len(names); at++ {
		again, err := copyPart(ctx, from, names[at], line, begin, to)
		if err != nil {
			return err
		}
		if again {
			// The line begins in a part before.
			at -= 2
			continue
		}
		begin = nil
	}
	return nil
}

// Lines returns how many lines of a log are stored, the last perhaps in part. Of a log that
// has ended its [End] says it, too.
func Lines(ctx context.Context, from bucket.Bucket, log place.Log) (int64, error) {
	names, err := partsOf(ctx, from, log)
	if err != nil || len(names) == 0 {
		return 0, err
	}
	last := names[len(names)-1]
	part, err := open(ctx, from, last)
	if err != nil {
		return 0, err
	}
	defer part.Close()
	first, _, _ := place.ReadPart(last)
	return part.next(first) - 1, nil
}

// copyPart writes a part's lines. If it is the first, begin is called; again says that
// it begins within the line that is wanted first, and nothing was written.
func copyPart(ctx context.Context, from bucket.Bucket, name string, line int64, begin func(int64), to io.Writer) (again bool, err error) {
	part, err := open(ctx, from, name)
	if err != nil {
		return false, err
	}
	defer part.Close()
	text := bufio.NewReaderSize(part, 64<<10)
	if begin != nil {
		first, _, _ := place.ReadPart(name)
		if part.Rest {
			if first == line {
				return true, nil
			}
			if err := skipLine(text); err != nil {
				return false, err
			}
			first++
		}
		begin(first)
	}
	if _, err = text.WriteTo(to); err != nil {
		err = fmt.Errorf("read a part of a log: %w", err)
	}
	return false, err
}

// skipLine reads to the end of a line.
func skipLine(text *bufio.Reader) error {
	for {
		_, err := text.ReadSlice('\n')
		switch {
		case err == nil, errors.Is(err, io.EOF):
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("read a part of a log: %w", err)
		}
	}
}
