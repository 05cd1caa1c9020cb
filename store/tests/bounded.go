package tests

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	errDeclares = errors.New("it declares a document type or entities, which are refused")
	errTag      = errors.New("it has an element with too many or too long attributes")
)

const (
	// maxValue is how much is kept of an attribute, maxTag of an element's name and
	// attributes together, and chunk of a text in one piece, in bytes.
	maxValue = 4 << 10
	maxTag   = 64 << 10
	chunk    = 32 << 10
	// maxReference is how long a reference to a character or entity may be, in bytes.
	maxReference = 32
	// invisible is where control characters are moved to, which XML can't hold but tools
	// write: U+FDD0 for U+0000 and so on. Unicode keeps these for such use.
	invisible = 0xfdd0
	// apart keeps two pieces of a text from being read as one.
	apart = "<!---->"
)

type place int

const (
	inText place = iota
	inTag
	inCDATA
	inComment
	inInstruction
)

// bounded reads XML and yields the same elements and texts, but that no token of it is
// large: encoding/xml holds each in memory. Texts are broken into pieces, and long
// attributes are cut, with a digest of the rest so that they still differ. Comments and
// instructions are emptied, and declarations end the file: no entity is ever defined.
type bounded struct {
	in   *bufio.Reader
	out  []byte // what hasn't been taken of buf
	buf  []byte
	err  error
	at   place
	run  int       // how much of a text or value came in one piece
	tag  int       // how much of a tag was kept
	mark byte      // that ends the value, in one
	rest hash.Hash // of a value beyond its limit, in such
}

func bound(in io.Reader) *bounded {
	return &bounded{in: bufio.NewReaderSize(in, 16<<10)}
}

func (b *bounded) Read(p []byte) (int, error) {
	for len(b.out) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.buf = b.buf[:0]
		b.step()
		b.out = b.buf
	}
	n := copy(p, b.out)
	b.out = b.out[n:]
	return n, nil
}

// step reads on by a piece.
func (b *bounded) step() {
	if _, err := b.in.Peek(1); err != nil {
		b.end(err)
		return
	}
	data, _ := b.in.Peek(b.in.Buffered())
	switch b.at {
	case inText:
		b.text(data)
	case inTag:
		b.inside(data)
		b.tag += len(b.buf)
	case inCDATA:
		b.cdata(data)
	case inComment:
		b.skip("-->")
	case inInstruction:
		b.skip("?>")
	}
}

func (b *bounded) end(err error) {
	if errors.Is(err, io.EOF) && b.at != inText {
		err = io.ErrUnexpectedEOF
	}
	b.err = err
}

func (b *bounded) text(data []byte) {
	if b.run >= chunk && b.broken(data, apart) {
		return
	}
	switch n := plain(data, '<', '&'); {
	case n > 0:
		b.take(data[:n])
	case data[0] == '<':
		b.markup()
	case data[0] == '&':
		b.reference()
	default:
		b.odd()
	}
}

// broken begins another piece of a text, or goes on to the next character that it can
// begin with.
func (b *bounded) broken(data []byte, by string) bool {
	if !utf8.RuneStart(data[0]) {
		b.take(data[:1])
		return true
	}
	b.buf = append(b.buf, by...)
	b.run = 0
	return false
}

// markup reads what "<" begins.
func (b *bounded) markup() {
	head, _ := b.in.Peek(len("<![CDATA["))
	switch {
	case bytes.HasPrefix(head, []byte("<!--")):
		b.discard(len("<!--"))
		b.at = inComment
	case bytes.HasPrefix(head, []byte("<?")):
		b.discard(len("<?"))
		b.at = inInstruction
	case bytes.Equal(head, []byte("<![CDATA[")):
		b.take(head)
		b.at, b.run = inCDATA, 0
	case bytes.HasPrefix(head, []byte("<!")):
		b.err = errDeclares
	default:
		b.take(head[:1])
		b.at, b.run, b.tag = inTag, 0, 0
	}
}

// inside reads on in a tag, within and between its attributes.
func (b *bounded) inside(data []byte) {
	if b.tag > maxTag {
		b.err = errTag
		return
	}
	if b.mark != 0 {
		b.value(data)
		return
	}
	switch n := plain(data, '>', '"', '\''); {
	case n > 0:
		b.take(data[:n])
	case data[0] == '>':
		b.take(data[:1])
		b.at, b.run = inText, 0
	case data[0] == '"' || data[0] == '\'':
		b.mark = data[0]
		b.take(data[:1])
		b.run = 0
	default:
		b.odd()
	}
}

// value reads on in an attribute. Before every part of it that can't be cut, it sees
// whether the value's limit is reached.
func (b *bounded) value(data []byte) {
	if b.run >= maxValue && b.rest == nil && utf8.RuneStart(data[0]) && data[0] != b.mark {
		b.rest = sha256.New()
	}
	switch n := plain(data, b.mark, '&'); {
	case n > 0 && b.rest == nil:
		b.take(data[:min(n, max(maxValue-b.run, 1))])
	case n > 0:
		b.take(data[:n])
	case data[0] == b.mark:
		b.closeValue(data[:1])
	case data[0] == '&':
		b.reference()
	default:
		b.odd()
	}
}

func (b *bounded) closeValue(mark []byte) {
	if b.rest != nil {
		digest := hex.EncodeToString(b.rest.Sum(nil)[:8])
		b.rest = nil
		b.put([]byte("…" + digest))
	}
	b.mark = 0
	b.take(mark)
}

func (b *bounded) cdata(data []byte) {
	// What ends the section is taken at once, so that this never comes within.
	if b.run >= chunk && b.broken(data, "]]><![CDATA[") {
		return
	}
	n := plain(data, ']', ']')
	if n > 0 {
		b.take(data[:n])
		return
	}
	if data[0] != ']' {
		b.odd()
		return
	}
	head, _ := b.in.Peek(len("]]>"))
	if bytes.Equal(head, []byte("]]>")) {
		b.take(head)
		b.at, b.run = inText, 0
		return
	}
	b.take(head[:1])
}

// skip leaves out what is before an end, and the end. What is around it stays apart.
func (b *bounded) skip(end string) {
	if _, err := b.in.Peek(len(end)); err != nil {
		b.end(err)
		return
	}
	data, _ := b.in.Peek(b.in.Buffered())
	if i := bytes.Index(data, []byte(end)); i >= 0 {
		b.discard(i + len(end))
		b.buf = append(b.buf, apart...)
		b.at, b.run = inText, 0
		return
	}
	b.discard(len(data) - len(end) + 1)
}

// reference reads what "&" begins. One to a character that XML can't hold is replaced,
// as is the character itself.
func (b *bounded) reference() {
	head, _ := b.in.Peek(maxReference)
	n := 1
	for n < len(head) && (head[n] == '#' || head[n]|0x20 >= 'a' && head[n]|0x20 <= 'z' || head[n] >= '0' && head[n] <= '9') {
		n++
	}
	if n == len(head) || head[n] != ';' {
		b.take(head[:1])
		return
	}
	if r, is := code(string(head[1:n])); is && !legal(r) {
		b.put([]byte(string(substitute(r))))
		b.discard(n + 1)
		return
	}
	b.take(head[:n+1])
}

func code(reference string) (rune, bool) {
	digits, is := strings.CutPrefix(reference, "#")
	base := 10
	if hexadecimal, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hexadecimal, 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	return rune(n), is && err == nil
}

// odd reads a character that XML may not hold.
func (b *bounded) odd() {
	head, _ := b.in.Peek(utf8.UTFMax)
	r, size := utf8.DecodeRune(head)
	if legal(r) {
		b.take(head[:size])
		return
	}
	b.put([]byte(string(substitute(r))))
	b.discard(size)
}

// legal tells whether XML can hold a character.
func legal(r rune) bool {
	return r >= ' ' && utf8.ValidRune(r) && r != 0xfffe && r != 0xffff || r == '\t' || r == '\n' || r == '\r'
}

// substitute stands for a character that XML can't hold. restore takes it back.
func substitute(r rune) rune {
	if r < ' ' {
		return invisible + r
	}
	return utf8.RuneError
}

// plain tells how much of the data is neither a character that ends it nor one that
// XML may not hold. U+FFFE and U+FFFF begin with 0xEF, as others do.
func plain(data []byte, ends ...byte) int {
	for i, c := range data {
		if c == ends[0] || c == ends[1] || len(ends) > 2 && c == ends[2] || c == 0xef || c < ' ' && !legal(rune(c)) {
			return i
		}
	}
	return len(data)
}

// take passes on what is next to be read.
func (b *bounded) take(data []byte) {
	b.put(data)
	b.discard(len(data))
}

func (b *bounded) put(data []byte) {
	b.run += len(data)
	if b.rest != nil {
		b.rest.Write(data)
		return
	}
	b.buf = append(b.buf, data...)
}

func (b *bounded) discard(n int) {
	// What is discarded was seen before.
	_, _ = b.in.Discard(n)
}
