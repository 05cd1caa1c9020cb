package render

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// kind of a node, in the words of JSON.
type kind string

const (
	nullKind   kind = "null"
	boolKind   kind = "bool"
	numberKind kind = "number"
	stringKind kind = "string"
	listKind   kind = "list"
	objectKind kind = "object"
)

// node is a value of an entry's output.
type node struct {
	kind kind
	// line of the file that the value stands at, or its key; 0: not known.
	line int
	// text of a scalar: a string's own, or as JSON has it.
	text string
	// keys of an object, in the file's order and each once.
	keys []string
	// items of a list, or the values of the keys.
	items []*node
}

// get returns the value of an object's key, or nil.
func (n *node) get(key string) *node {
	if n == nil || n.kind != objectKind {
		return nil
	}
	if i := slices.Index(n.keys, key); i >= 0 {
		return n.items[i]
	}
	return nil
}

// str returns the text of a string, and of anything else a blank one.
func (n *node) str() string {
	if n == nil || n.kind != stringKind {
		return ""
	}
	return n.text
}

// without returns an object that lacks a key.
func (n *node) without(key string) *node {
	i := slices.Index(n.keys, key)
	if i < 0 {
		return n
	}
	rest := *n
	rest.keys = slices.Delete(slices.Clone(n.keys), i, i+1)
	rest.items = slices.Delete(slices.Clone(n.items), i, i+1)
	return &rest
}

// encode returns the value as JSON.
func (n *node) encode() json.RawMessage {
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}

func (n *node) write(b *bytes.Buffer) {
	switch n.kind {
	case stringKind:
		writeString(b, n.text)
	case listKind:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b)
		}
		b.WriteByte(']')
	case objectKind:
		b.WriteByte('{')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, n.keys[i])
			b.WriteByte(':')
			item.write(b)
		}
		b.WriteByte('}')
	default:
		b.WriteString(n.text)
	}
}

func writeString(b *bytes.Buffer, text string) {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err) // no string fails to encode
	}
	b.Write(encoded)
}

// lines returns how many lines further down each value stands than the one
// before it, in the order of the JSON text; nil if no line is known.
func (n *node) lines() []int {
	if n.line == 0 {
		return nil
	}
	var lines []int
	last := 0
	n.each(func(n *node) {
		lines = append(lines, n.line-last)
		last = n.line
	})
	return lines
}

// setLines is the reverse of lines. If they belong to another value, no line is
// known.
func (n *node) setLines(lines []int) {
	count := 0
	n.each(func(*node) { count++ })
	if count != len(lines) {
		n.each(func(n *node) { n.line = 0 })
		return
	}
	line := 0
	n.each(func(n *node) {
		line += lines[0]
		lines = lines[1:]
		n.line = max(0, line)
	})
}

func (n *node) each(do func(*node)) {
	do(n)
	for _, item := range n.items {
		item.each(do)
	}
}

// lineOf returns the line of a field, or of the innermost value that there is on
// the way to it. Fields are named as field.Path does: a.b[0][key].
func (n *node) lineOf(field string) int {
	line := n.line
	for field != "" && n != nil {
		line = n.line
		n, field = n.step(field)
	}
	if n != nil {
		line = n.line
	}
	return line
}

// step takes the first part off a field's path.
func (n *node) step(field string) (next *node, rest string) {
	if inner, ok := strings.CutPrefix(field, "["); ok {
		key, rest, _ := strings.Cut(inner, "]")
		if i, err := strconv.Atoi(key); err == nil && n.kind == listKind {
			if i < 0 || i >= len(n.items) {
				return nil, rest
			}
			return n.items[i], rest
		}
		return n.get(key), rest
	}
	field = strings.TrimPrefix(field, ".")
	end := strings.IndexAny(field, ".[")
	if end < 0 {
		end = len(field)
	}
	return n.get(field[:end]), field[end:]
}
