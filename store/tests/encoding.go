package tests

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/kayci/kayci/api/printable"
)

var (
	errEmpty = errors.New("it is empty")
	errLarge = fmt.Errorf("only its first %d MiB were read, which is the limit", MaxFile>>20)
)

// declaration is that of an XML file, with its encoding.
var declaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// maxDeclaration is how far into a file its encoding may be declared, in bytes.
const maxDeclaration = 256

// decoded returns a file's text in UTF-8. What is none becomes U+FFFD.
func decoded(file io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(file, 32<<10)
	head, err := in.Peek(maxDeclaration)
	if len(bytes.TrimSpace(head)) == 0 && errors.Is(err, io.EOF) {
		return nil, errEmpty
	}
	found, err := encodingOf(head)
	if err != nil {
		return nil, err
	}
	return transform.NewReader(in, unicode.BOMOverride(found.NewDecoder())), nil
}

// encodingOf tells a file's encoding by its beginning. A byte order mark, which
// BOMOverride reads, is stronger.
func encodingOf(head []byte) (encoding.Encoding, error) {
	switch {
	case bytes.HasPrefix(head, []byte("<\x00")):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), nil
	case bytes.HasPrefix(head, []byte("\x00<")):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), nil
	}
	declared := declaration.FindSubmatch(head)
	if declared == nil {
		return unicode.UTF8, nil
	}
	switch name := string(declared[1]); strings.ToLower(name) {
	// A declaration that can be read byte by byte isn't UTF-16, whatever it says.
	case "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be":
		return unicode.UTF8, nil
	// As in browsers, Latin 1 has Windows' characters where it has none.
	case "iso-8859-1", "latin1", "windows-1252", "cp1252":
		return charmap.Windows1252, nil
	case "iso-8859-15", "latin9":
		return charmap.ISO8859_15, nil
	default:
		return nil, fmt.Errorf("its encoding, %s, isn't known: have the tool write UTF-8", printable.CutBytes(name, 64))
	}
}

// limited reads as much as MaxFile, and says so if there is more.
type limited struct{ io.LimitedReader }

func limit(file io.Reader) io.Reader {
	return &limited{io.LimitedReader{R: file, N: MaxFile + 1}}
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.LimitedReader.Read(p)
	if l.N == 0 {
		return n, errLarge
	}
	return n, err
}
