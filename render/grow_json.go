package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// growJSON reads a text that is one JSON value. Lines are those of the text.
func (g *grower) growJSON(data []byte) (*node, error) {
	var value json.RawMessage
	err := json.Unmarshal(data, &value)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		before := data[:min(syntax.Offset, int64(len(data)))]
		return nil, lineError{1 + bytes.Count(before, []byte("\n")), syntax.Error()}
	}
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	leading := bytes.Count(data[:len(data)-len(bytes.TrimLeft(data, " \t\r\n"))], []byte("\n"))
	reader := &jsonReader{grower: g, decoder: decoder, data: value, line: 1 + leading}
	root, err := reader.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one value")
	}
	return root, nil
}

type jsonReader struct {
	*grower
	decoder *json.Decoder
	data    []byte
	// line of the text up to seen bytes.
	line int
	seen int64
}

func (r *jsonReader) token() (json.Token, error) {
	token, err := r.decoder.Token()
	now := r.decoder.InputOffset()
	r.line += bytes.Count(r.data[r.seen:now], []byte("\n"))
	r.seen = now
	return token, err
}

// value reads one, and says that it stands at the line if that isn't 0.
func (r *jsonReader) value(line int) (*node, error) {
	token, err := r.token()
	if err != nil {
		return nil, err
	}
	if line == 0 {
		line = r.line
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '[' {
			return r.list(line)
		}
		return r.object(line)
	case string:
		return r.node(stringKind, line, v)
	case json.Number:
		return r.node(numberKind, line, v.String())
	case bool:
		return r.node(boolKind, line, fmt.Sprint(v))
	default:
		return r.node(nullKind, line, "null")
	}
}

func (r *jsonReader) list(line int) (*node, error) {
	list, err := r.node(listKind, line, "")
	if err != nil {
		return nil, err
	}
	for r.decoder.More() {
		r.enterItem(len(list.items))
		item, err := r.value(0)
		if err != nil {
			return nil, err
		}
		r.leave()
		list.items = append(list.items, item)
	}
	_, err = r.token()
	return list, err
}

// object keeps the first of values with the same key.
func (r *jsonReader) object(line int) (*node, error) {
	object, err := r.node(objectKind, line, "")
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for r.decoder.More() {
		token, err := r.token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		r.enterKey(key)
		line := r.line
		item, err := r.value(line)
		if err != nil {
			return nil, err
		}
		if has[key] {
			r.duplicate(line)
		} else {
			has[key] = true
			object.keys, object.items = append(object.keys, key), append(object.items, item)
		}
		r.leave()
	}
	_, err = r.token()
	return object, err
}
