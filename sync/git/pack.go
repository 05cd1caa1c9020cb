package git

import (
	"encoding/binary"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// measure reads a pack to its end and refuses it if an object, or all of them
// together, would be too large unpacked. It doesn't wait for the end of the
// stream, because not every server hangs up.
func measure(pack io.Reader, limits Limits, report reporter) error {
	scanner := packfile.NewScanner(pack)
	_, count, err := scanner.Header()
	if err != nil {
		return err
	}
	// Each object takes memory in an index, wherever it lies in the commit.
	if most := 20*int64(limits.Files) + 16; int64(count) > most {
		return report.fail(ReasonTooLarge, "the commit has more than %d files and folders, outside of path too", most)
	}
	total := int64(0)
	for range count {
		size, err := nextSize(scanner, limits)
		if err != nil {
			return err
		}
		total += size
		if size > limits.FileBytes {
			return report.fail(ReasonTooLarge, "the commit has a file of more than %d bytes, and the server can't leave it out", limits.FileBytes)
		}
		if most := 8 * limits.TreeBytes; total > most {
			return report.fail(ReasonTooLarge, "the commit's files are more than %d bytes together, outside of path too", most)
		}
	}
	_, err = scanner.Checksum()
	return err
}

// nextSize returns the unpacked size of the next object. A delta says at its
// beginning how large its result is.
func nextSize(scanner *packfile.Scanner, limits Limits) (int64, error) {
	header, err := scanner.NextObjectHeader()
	if err != nil {
		return 0, err
	}
	if header.Length > limits.FileBytes {
		return header.Length, nil
	}
	start := beginning{limit: 2 * binary.MaxVarintLen64}
	if _, _, err := scanner.NextObject(&start); err != nil {
		return 0, err
	}
	if header.Type != plumbing.OFSDeltaObject && header.Type != plumbing.REFDeltaObject {
		return header.Length, nil
	}
	_, n := binary.Uvarint(start.bytes)
	if n <= 0 {
		return 0, packfile.ErrInvalidDelta
	}
	result, n := binary.Uvarint(start.bytes[n:])
	if n <= 0 || result > 1<<62 {
		return 0, packfile.ErrInvalidDelta
	}
	return max(header.Length, int64(result)), nil
}

// beginning keeps the first bytes of what is written.
type beginning struct {
	limit int
	bytes []byte
}

func (b *beginning) Write(p []byte) (int, error) {
	if room := b.limit - len(b.bytes); room > 0 {
		b.bytes = append(b.bytes, p[:min(room, len(p))]...)
	}
	return len(p), nil
}
