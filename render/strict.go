package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	kjson "sigs.k8s.io/json"
)

// strictDecode decodes a generic object into a typed one. Unknown fields and
// values of a wrong type are errors with the path of the field.
func strictDecode(raw map[string]any, into Resource) []fieldError {
	data, err := json.Marshal(raw)
	if err != nil {
		return []fieldError{{message: err.Error()}}
	}
	strict, err := kjson.UnmarshalStrict(data, into)
	if err != nil {
		decode := func(value any) error { return decodes(value, into) }
		path := locate(raw, func(value any) any { return value }, decode)
		return []fieldError{{strings.TrimPrefix(path, "."), typeMessage(err)}}
	}
	return strictFaults(strict)
}

// strictFaults takes the path out of the text of what strict decoding found.
func strictFaults(strict []error) []fieldError {
	var errs []fieldError
	for _, err := range strict {
		if located, ok := errors.AsType[kjson.FieldError](err); ok {
			message := strings.TrimSuffix(err.Error(), fmt.Sprintf(" %q", located.FieldPath()))
			errs = append(errs, fieldError{located.FieldPath(), message})
		} else {
			errs = append(errs, fieldError{message: err.Error()})
		}
	}
	return errs
}

// decodes reports whether a value has the types of an object like the given one.
func decodes(value any, like Resource) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	fresh := reflect.New(reflect.TypeOf(like).Elem()).Interface()
	_, err = kjson.UnmarshalStrict(data, fresh)
	return err
}

// locate finds the innermost value that can't be decoded. The decoder's own
// errors name Go types instead of the index in a list, and say nothing of values
// that decode themselves, such as durations and quantities. wrap puts a value
// back into the place that it has in the object, alone.
func locate(value any, wrap func(any) any, decode func(any) error) string {
	switch v := value.(type) {
	case map[string]any:
		if decode(wrap(map[string]any{})) != nil {
			return ""
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			inner := func(x any) any { return wrap(map[string]any{key: x}) }
			if decode(inner(v[key])) != nil {
				return "." + key + locate(v[key], inner, decode)
			}
		}
	case []any:
		if decode(wrap([]any{})) != nil {
			return ""
		}
		for i, item := range v {
			inner := func(x any) any { return wrap([]any{x}) }
			if decode(inner(item)) != nil {
				return fmt.Sprintf("[%d]", i) + locate(item, inner, decode)
			}
		}
	}
	return ""
}

// typeMessage says in the words of JSON what the decoder says in those of Go.
func typeMessage(err error) string {
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.Is(err, resource.ErrFormatWrong):
		return "is no quantity: write one as in 500m, 2 or 1.5Gi"
	case strings.HasPrefix(err.Error(), "time: "): // errors of time have no type
		return strings.TrimPrefix(err.Error(), "time: ") + ": write it as in 90s, 20m or 1h30m"
	case !errors.As(err, &mismatch):
		return err.Error()
	}
	want := mismatch.Type.String()
	switch mismatch.Type.Kind() {
	case reflect.String:
		want = "a string"
	case reflect.Bool:
		want = "true or false"
	case reflect.Slice, reflect.Array:
		want = "a list"
	case reflect.Struct, reflect.Map:
		want = "an object"
	case reflect.Int, reflect.Int32, reflect.Int64:
		want = "an integer"
	}
	return fmt.Sprintf("must be %s, not %s", want, mismatch.Value)
}

// typeName is the JSON type of a decoded value.
func typeName(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	default:
		return "number"
	}
}
