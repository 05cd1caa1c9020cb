package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// DecodeJSON reads one JSON value as CEL sees it. Whole numbers stay whole: an
// id of ten digits keeps them all. Anything after the value is an error.
func DecodeJSON(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("decode JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode JSON: there is more after the value's end")
	}
	return plain(value)
}

// plain replaces json.Number, which CEL doesn't know, by int64 where the
// number is one and by float64 elsewhere. The decoder bounds the nesting.
func plain(value any) (any, error) {
	switch v := value.(type) {
	case json.Number:
		return number(v)
	case map[string]any:
		for key, element := range v {
			replaced, err := plain(element)
			if err != nil {
				return nil, err
			}
			v[key] = replaced
		}
	case []any:
		for i, element := range v {
			replaced, err := plain(element)
			if err != nil {
				return nil, err
			}
			v[i] = replaced
		}
	}
	return value, nil
}

func number(n json.Number) (any, error) {
	if whole, err := n.Int64(); err == nil {
		return whole, nil
	}
	fraction, err := n.Float64()
	if err != nil {
		return nil, errors.New("decode JSON: a number is too large")
	}
	return fraction, nil
}
