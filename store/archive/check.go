package archive

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	maxPath    = 4096
	maxSegment = 255
	// How deep folders may be. What is checked of a path is checked of each folder in it.
	maxDepth = 128
	// The most that tar has of a file beside its bytes: headers, with both paths, and
	// what fills up blocks.
	maxHeader = 16 << 10
	// The most that tar has at its end.
	maxTrailer = 64 << 10
	// 9999-12-31, the last day that formats of times agree on.
	maxModified = 253402300799
)

// Decode reads a manifest from JSON and checks it.
func Decode(data []byte, limits Limits) (*Manifest, error) {
	if int64(len(data)) > limits.ManifestBytes {
		return nil, fmt.Errorf("the manifest has more than %d bytes", limits.ManifestBytes)
	}
	m := &Manifest{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := m.decode(decoder, limits); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read the manifest: something comes behind it")
	}
	if err := m.Check(limits); err != nil {
		return nil, err
	}
	return m, nil
}

// decode takes one field after the other: lists of many empty objects would be some ten
// times as large in memory as they are in JSON.
func (m *Manifest) decode(decoder *json.Decoder, limits Limits) error {
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return errors.Join(errors.New("it is no object"), err)
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		switch key {
		case "version":
			err = decoder.Decode(&m.Version)
		case "bytes":
			err = decoder.Decode(&m.Bytes)
		case "parts":
			m.Parts, err = decodeList[Part](decoder, maxParts(limits.Bytes, limits.Files))
		case "files":
			m.Files, err = decodeList[File](decoder, limits.Files)
		default:
			var skipped json.RawMessage
			err = decoder.Decode(&skipped)
		}
		if err != nil {
			return fmt.Errorf("%.50v: %w", key, err)
		}
	}
	_, err := decoder.Token()
	return err
}

func decodeList[T any](decoder *json.Decoder, most int) ([]T, error) {
	if token, err := decoder.Token(); err != nil || token != json.Delim('[') {
		return nil, errors.Join(errors.New("it is no list"), err)
	}
	var list []T
	for decoder.More() {
		if len(list) == most {
			return nil, fmt.Errorf("there are more than %d", most)
		}
		var item T
		if err := decoder.Decode(&item); err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	_, err := decoder.Token()
	return list, err
}

// maxRaw is the most bytes that a tar of files can have.
func maxRaw(size int64, files int) int64 { return size + int64(files)*maxHeader + maxTrailer }

// maxParts is the most parts that such a tar can have, as Pack cuts it. A manifest that
// has it cut in smaller ones would only cost requests.
func maxParts(size int64, files int) int { return 16 + int(maxRaw(size, files)>>20) }

// Check refuses a manifest that says what Pack's never do: one from elsewhere is hostile.
func (m *Manifest) Check(limits Limits) error {
	if m.Version != Version {
		return fmt.Errorf("the manifest has version %d, and this program knows %d: use a newer one", m.Version, Version)
	}
	if len(m.Files) > limits.Files {
		return fmt.Errorf("the archive has %d files, folders and links, more than %d", len(m.Files), limits.Files)
	}
	if m.Bytes < 0 || m.Bytes > limits.Bytes {
		return fmt.Errorf("the archive's files have %d bytes, more than %d", m.Bytes, limits.Bytes)
	}
	if err := m.checkParts(); err != nil {
		return err
	}
	return m.checkFiles()
}

func (m *Manifest) checkParts() error {
	if most := maxParts(m.Bytes, len(m.Files)); len(m.Parts) > most {
		return fmt.Errorf("the archive has %d parts, more than %d", len(m.Parts), most)
	}
	left := maxRaw(m.Bytes, len(m.Files))
	for i, part := range m.Parts {
		if part.Size <= 0 || part.Size > PartSize {
			return fmt.Errorf("part %d has %d bytes, not 1 to %d", i, part.Size, PartSize)
		}
		if part.Raw <= 0 || part.Raw > PartRaw {
			return fmt.Errorf("part %d has %d raw bytes, not 1 to %d", i, part.Raw, PartRaw)
		}
		if left -= part.Raw; left < 0 {
			return fmt.Errorf("the parts have more raw bytes than %d files of %d bytes need", len(m.Files), m.Bytes)
		}
		if sum, err := hex.DecodeString(part.SHA256); err != nil || len(sum) != 32 {
			return fmt.Errorf("part %d has no SHA-256: %.100q", i, part.SHA256)
		}
	}
	return nil
}

func (m *Manifest) checkFiles() error {
	places := m.places()
	size, end := int64(0), int64(0)
	order := newSequence()
	for _, file := range m.Files {
		if err := file.check(); err != nil {
			return err
		}
		if err := order.next(file); err != nil {
			return err
		}
		if file.Size == 0 {
			continue
		}
		start, err := places.find(file.Part, file.Offset)
		if err != nil {
			return fmt.Errorf("%.200q: %w", file.Path, err)
		}
		if start < end || file.Size > places.end()-start {
			return fmt.Errorf("%.200q has bytes of another file, or more than there are", file.Path)
		}
		// It can't overflow: start and the sum of sizes are no more than the parts have.
		end = start + file.Size
		size += file.Size
	}
	if size != m.Bytes {
		return fmt.Errorf("the archive's files have %d bytes, not %d as it says", size, m.Bytes)
	}
	return nil
}

// sequence is of an archive's files, in their order.
type sequence struct {
	last string
	// leaves are what nothing can be in.
	leaves map[string]bool
}

func newSequence() *sequence { return &sequence{leaves: map[string]bool{}} }

// next refuses a file that can't come now.
func (s *sequence) next(file File) error {
	if file.Path <= s.last {
		return fmt.Errorf("%.200q comes behind %.200q: it is there twice, or not in its place", file.Path, s.last)
	}
	s.last = file.Path
	for above := path.Dir(file.Path); above != "."; above = path.Dir(above) {
		if s.leaves[above] {
			return fmt.Errorf("%.200q is in %.200q, which is no folder", file.Path, above)
		}
	}
	s.leaves[file.Path] = !file.Folder
	return nil
}

// places are where in the tar each part begins, and where the last ends.
type places []int64

func (m *Manifest) places() places {
	at := make(places, 1, len(m.Parts)+1)
	for i, part := range m.Parts {
		at = append(at, at[i]+part.Raw)
	}
	return at
}

func (p places) end() int64 { return p[len(p)-1] }

func (p places) find(part int, offset int64) (int64, error) {
	if part < 0 || part >= len(p)-1 || offset < 0 || offset >= p[part+1]-p[part] {
		return 0, fmt.Errorf("there is no byte %d of part %d", offset, part)
	}
	return p[part] + offset, nil
}

func (f File) check() error {
	if err := checkPath(f.Path); err != nil {
		return err
	}
	if f.Mode > 0o777 || f.Modified < 0 || f.Modified > maxModified || f.Size < 0 {
		return fmt.Errorf("%.200q: there is no mode %o, time %d or size %d", f.Path, f.Mode, f.Modified, f.Size)
	}
	if f.Size == 0 && (f.Part != 0 || f.Offset != 0) {
		return fmt.Errorf("%.200q has no bytes, but a place for them", f.Path)
	}
	return f.checkKind()
}

func (f File) checkKind() error {
	switch link := f.Link != ""; {
	case f.Folder && link, f.Folder && f.Size != 0, link && f.Size != 0:
		return fmt.Errorf("%.200q is more than one of file, folder and link", f.Path)
	case link:
		return checkLink(f.Path, f.Link)
	}
	return nil
}

// checkPath refuses what is no path below a folder.
func checkPath(name string) error {
	if len(name) > maxPath {
		return fmt.Errorf("%.200q…: the path has %d bytes, more than %d", name, len(name), maxPath)
	}
	if !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%.200q: the name isn't UTF-8, so it can't be kept: rename or exclude it", name)
	}
	if strings.Count(name, "/") >= maxDepth {
		return fmt.Errorf("%.200q… is in more than %d folders: exclude it", name, maxDepth-1)
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf("%.200q is no path below a folder", name)
		}
		if len(segment) > maxSegment {
			return fmt.Errorf("%.200q…: a name in the path has %d bytes, more than %d", name, len(segment), maxSegment)
		}
	}
	return nil
}

// checkLink refuses a link that may lead out of the folder. One that goes up behind a
// name may do so by way of another link: its text doesn't tell.
func checkLink(name, target string) error {
	if len(target) > maxPath || !utf8.ValidString(target) || strings.ContainsRune(target, 0) {
		return fmt.Errorf("%.200q: the symbolic link leads to no name of UTF-8 and %d bytes, so it can't be kept: exclude it", name, maxPath)
	}
	if strings.HasPrefix(target, "/") {
		return fmt.Errorf("%.200q: the symbolic link leads to the absolute path %.200q, so it can't be kept: make it relative or exclude it", name, target)
	}
	up, named := strings.Count(name, "/"), false
	for segment := range strings.SplitSeq(target, "/") {
		switch segment {
		case "", ".":
		case "..":
			if up--; up < 0 || named {
				return fmt.Errorf("%.200q: the symbolic link may lead out of the folder, to %.200q, so it can't be kept: exclude it", name, target)
			}
		default:
			named = true
		}
	}
	return nil
}
