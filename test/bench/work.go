package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// workCommand has this program act as the one of a job, which leaves files in a folder.
const workCommand = "work"

// Names of what the job's program says of itself, as outputs of the job.
const beganOutput, endedOutput = "began", "ended"

// workMain writes files, unless they are there, and says when it has begun and ended.
func workMain(ctx context.Context, args []string) error {
	began := time.Now()
	flags := flag.NewFlagSet(workCommand, flag.ContinueOnError)
	folder := flags.String("folder", "dist", "where to write")
	size := flags.Int64("bytes", 0, "how much, in all files together")
	files := flags.Int("files", 1, "how many files")
	message := flags.String("message", "/dev/termination-log", "where to say when it has begun and ended")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if _, err := os.Stat(*folder); errors.Is(err, fs.ErrNotExist) && *size > 0 {
		if err := os.MkdirAll(*folder, 0o755); err != nil {
			return err
		}
		for i := range *files {
			if err := errors.Join(ctx.Err(), writeRandom(filepath.Join(*folder, strconv.Itoa(i)), *size/int64(*files))); err != nil {
				return err
			}
		}
	}
	said, err := json.Marshal(map[string]string{
		beganOutput: strconv.FormatInt(began.UnixNano(), 10), endedOutput: strconv.FormatInt(time.Now().UnixNano(), 10),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(*message, said, 0o600)
}

// writeRandom writes a file of bytes of which half the bits are random: they can be
// packed to about half.
func writeRandom(path string, size int64) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriterSize(file, mebibyte)
	for left := size; left > 0; left -= 16 {
		var block [16]byte
		for i, bits := 0, rand.Uint64(); i < 16; i, bits = i+1, bits>>4 { //nolint:gosec // It keeps no secret.
			block[i] = "0123456789abcdef"[bits&15]
		}
		if _, err := out.Write(block[:min(left, 16)]); err != nil {
			return err
		}
	}
	return out.Flush()
}
