package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What JSON may hold, beside its length: in memory each value takes some hundred
// bytes, however few it is written with, and each use of a text as a key reads
// all of it. The largest pushes that git hosts send have a tenth of either.
const (
	maxValues = 500_000
	maxText   = 1 << 20
)

// DecodeJSON reads one JSON value as CEL sees it. Whole numbers stay whole: an
// id of ten digits keeps them all. Anything after the value is an error.
func DecodeJSON(raw []byte) (any, error) {
	if err := bounded(raw); err != nil {
		return nil, fmt.Errorf("decode JSON: %w", err)
	}
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

// bounded looks at JSON before it is decoded. Each value but the first of its list
// or object follows a comma, and that one a bracket.
func bounded(raw []byte) error {
	values := 1
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case ',', '[', '{':
			values++
		case '"':
			begin := i
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
			if i-begin-1 > maxText {
				return fmt.Errorf("a text has more than %d bytes", maxText)
			}
		}
		if values > maxValues {
			return fmt.Errorf("it holds more than %d values", maxValues)
		}
	}
	return nil
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
