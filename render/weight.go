package render

import (
	"encoding/json"
	"reflect"
)

// Weight returns the bytes that a value takes in memory beside itself, as they are
// counted against Limits.Decoded.
func Weight(value any) int { return weight(reflect.ValueOf(value)) }

func weight(v reflect.Value) int {
	if !v.IsValid() || reflect.PointerTo(v.Type()).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return 0
	}
	total := 0
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			total = int(v.Type().Elem().Size()) + weight(v.Elem())
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			total += weight(field)
		}
	case reflect.Map:
		for of, item := range v.Seq2() {
			total += mapEntry + of.Len() + int(item.Type().Size()) + weight(item)
		}
	case reflect.Slice:
		total = v.Len() * int(v.Type().Elem().Size())
		for i := range v.Len() {
			total += weight(v.Index(i))
		}
	case reflect.String:
		total = v.Len()
	default:
	}
	return total
}
