package render

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// plainText returns what a text file says, in UTF-8 and with LF at the end of
// its lines: a file means the same whichever editor has saved it. What can't be
// read as text for certain is refused.
func plainText(data []byte) ([]byte, error) {
	data, err := toUTF8(data)
	if err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), nil
}

// toUTF8 goes by the mark at the file's beginning. UTF-16 without one is known
// by its zero bytes.
func toUTF8(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")) && !bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")):
		return fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fromUTF16(data[2:], binary.BigEndian)
	}
	line := 1
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == 0 || r == utf8.RuneError && size == 1 {
			return nil, lineError{line, "the text is not UTF-8: save it as UTF-8"}
		}
		if r == '\n' {
			line++
		}
		rest = rest[size:]
	}
	return data, nil
}

func fromUTF16(data []byte, order binary.ByteOrder) ([]byte, error) {
	text := make([]byte, 0, len(data))
	line := 1
	for len(data) > 0 {
		r, size := decodeUTF16(data, order)
		if size == 0 || r == 0 {
			return nil, lineError{line, "the text is not valid UTF-16: save it as UTF-8"}
		}
		if r == '\n' {
			line++
		}
		text = utf8.AppendRune(text, r)
		data = data[size:]
	}
	return text, nil
}

// decodeUTF16 returns the first character and its bytes: 0 if there is none.
func decodeUTF16(data []byte, order binary.ByteOrder) (char rune, size int) {
	if len(data) < 2 {
		return 0, 0
	}
	first := rune(order.Uint16(data))
	if !utf16.IsSurrogate(first) {
		return first, 2
	}
	if len(data) < 4 {
		return 0, 0
	}
	if r := utf16.DecodeRune(first, rune(order.Uint16(data[2:]))); r != utf8.RuneError {
		return r, 4
	}
	return 0, 0
}

// loneCR returns the line of the first carriage return that ends no line, or 0.
func loneCR(text []byte) int {
	before, _, found := bytes.Cut(text, []byte("\r"))
	if !found {
		return 0
	}
	return 1 + bytes.Count(before, []byte("\n"))
}
