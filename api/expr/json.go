package expr

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"sigs.k8s.io/json"
)

// What JSON may hold, beside its length: in memory each value takes some hundred
// bytes, however few it is written with, and each use of a text as a key reads
// all of it. The largest pushes that git hosts send have a tenth of any.
const (
	maxValues = 500_000
	maxText   = 1 << 20
	maxDepth  = 100
)

// MaxWeight of JSON that is decoded, in bytes, as Weigh has it.
const MaxWeight = 64 << 20

// What decoding allocates at most, in bytes, for each thing beside its text. A
// test measures it.
const (
	valueWeight  = 120
	memberWeight = 80
	objectWeight = 240
)

// Weigh returns how many bytes DecodeJSON allocates at most, for a caller who has
// to find them first. It is an error if the JSON holds more than JSON may; whether
// it is JSON is for DecodeJSON to say.
func Weigh(raw []byte) (int64, error) {
	w := weighing{raw: raw, values: 1, weight: valueWeight}
	for w.at < len(raw) {
		if err := w.next(); err != nil {
			return 0, fmt.Errorf("decode JSON: %w", err)
		}
	}
	return w.weight, nil
}

// weighing goes through JSON. Each value but the first of its list or object
// follows a comma, and that one a bracket.
type weighing struct {
	raw    []byte
	at     int
	depth  int
	values int
	weight int64
}

func (w *weighing) next() error {
	switch w.raw[w.at] {
	case '"':
		return w.text()
	case ':':
		w.weight += memberWeight
	case '{':
		w.weight += objectWeight
		fallthrough
	case '[':
		w.depth++
		fallthrough
	case ',':
		w.values++
		w.weight += valueWeight
	case ']', '}':
		w.depth--
	}
	w.at++
	switch {
	case w.values > maxValues:
		return fmt.Errorf("it holds more than %d values", maxValues)
	case w.depth > maxDepth:
		return fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	return nil
}

// text goes past a text. Decoding rewrites one that has escapes or isn't UTF-8,
// where each wrong byte becomes three.
func (w *weighing) text() error {
	begin := w.at + 1
	end := begin
	for end < len(w.raw) && w.raw[end] != '"' {
		if w.raw[end] == '\\' {
			end++
		}
		end++
	}
	w.at = end + 1
	written := w.raw[begin:min(end, len(w.raw))]
	switch size := int64(len(written)); {
	case size > maxText:
		return fmt.Errorf("a text has more than %d bytes", maxText)
	case !utf8.Valid(written):
		w.weight += 32 + 12*size
	case bytes.IndexByte(written, '\\') >= 0:
		w.weight += 32 + 3*size
	default:
		w.weight += 2 * size
	}
	return nil
}

// DecodeJSON reads one JSON value as CEL sees it. Whole numbers stay whole: an
// id of ten digits keeps them all. Anything after the value is an error.
func DecodeJSON(raw []byte) (any, error) {
	weight, err := Weigh(raw)
	switch {
	case err != nil:
		return nil, err
	case weight > MaxWeight:
		return nil, fmt.Errorf("decode JSON: it takes more than %d MiB of memory", MaxWeight>>20)
	}
	var value any
	err = json.UnmarshalCaseSensitivePreserveInts(raw, &value)
	if syntax, _ := json.SyntaxErrorOffset(err); syntax {
		return nil, fmt.Errorf("decode JSON: %w", err)
	}
	if err != nil {
		// The library's own text quotes the number.
		return nil, errors.New("decode JSON: a number is too large")
	}
	return value, nil
}
