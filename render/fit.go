package render

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// fitter compares a value with a Go type, as the decoder of the API server
// would, but tells of every fault and where it is. The decoder ends at the first,
// names Go types instead of fields, and says nothing of values that decode
// themselves, such as durations and quantities.
type fitter struct {
	// structs remembers the fields of types by their names in JSON.
	structs map[reflect.Type]map[string]structField
	path    []step
	faults  []fault
	// bytes that the value takes in memory once it is decoded: `{}` may stand for a
	// struct of a kilobyte.
	bytes int
}

// structField is a field, and the keys by which a list's items must differ.
type structField struct {
	of   reflect.Type
	keys []string
}

func newFitter() *fitter { return &fitter{structs: map[reflect.Type]map[string]structField{}} }

func (f *fitter) fail(n *node, format string, args ...any) {
	f.faults = append(f.faults, fault{Line: n.line, Field: pathText(f.path), Message: fmt.Sprintf(format, args...)})
}

func (f *fitter) fitAt(s step, n *node, t reflect.Type) {
	f.path = append(f.path, s)
	f.fit(n, t)
	f.path = f.path[:len(f.path)-1]
}

func (f *fitter) fit(n *node, t reflect.Type) {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		f.itself(n, t)
		return
	}
	if n.kind == nullKind {
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		f.bytes += int(t.Elem().Size())
		f.fit(n, t.Elem())
	case reflect.Struct:
		f.object(n, t)
	case reflect.Map:
		f.dictionary(n, t)
	case reflect.Slice:
		f.list(n, t)
	case reflect.Interface:
		f.bytes += len(n.text)
	default:
		f.scalar(n, t)
	}
}

// itself has a type decode its value, for what only the type knows.
func (f *fitter) itself(n *node, t reflect.Type) {
	into, ok := reflect.TypeAssert[json.Unmarshaler](reflect.New(t))
	if !ok {
		return
	}
	err := into.UnmarshalJSON(n.encode())
	if err == nil {
		return
	}
	switch into.(type) {
	case *resource.Quantity:
		f.fail(n, "is no quantity: write one as in 500m, 2 or 1.5Gi")
	case *metav1.Duration:
		f.fail(n, "is no duration: write one as in 90s, 20m or 1h30m")
	case *metav1.Time, *metav1.MicroTime:
		f.fail(n, "is no time: write one as in 2026-01-31T12:00:00Z")
	case *intstr.IntOrString:
		f.fail(n, "must be an integer or a string, not %s", found(n))
	default:
		f.fail(n, "can't be decoded: %v", err)
	}
}

func (f *fitter) object(n *node, t reflect.Type) {
	if n.kind != objectKind {
		f.fail(n, "must be an object, not %s", found(n))
		return
	}
	fields := f.fieldsOf(t)
	for i, key := range n.keys {
		field, ok := fields[key]
		if !ok {
			f.path = append(f.path, step{key: key})
			f.fail(n.items[i], "unknown field")
			f.path = f.path[:len(f.path)-1]
			continue
		}
		f.fitAt(step{key: key}, n.items[i], field.of)
		f.differ(key, n.items[i], field.keys)
	}
}

// differ refuses items of a list that have the same keys. The API server takes no
// such object as an apply, and says so as if it were its own fault.
func (f *fitter) differ(list string, n *node, keys []string) {
	if len(keys) == 0 {
		return
	}
	seen := map[string]bool{}
	for i, item := range n.items {
		var values []string
		for _, key := range keys {
			value := item.get(key)
			if value == nil {
				value = &node{kind: stringKind, text: defaultOf(key)}
			}
			values = append(values, string(value.encode()))
		}
		together := strings.Join(values, ", ")
		if seen[together] && item.get(keys[0]) != nil {
			f.path = append(f.path, step{key: list}, step{index: i, list: true}, step{key: keys[0]})
			f.fail(item.get(keys[0]), "Duplicate value: %s", together)
			f.path = f.path[:len(f.path)-3]
		}
		seen[together] = true
	}
}

// keysOf knows by which keys the items of a list differ: those that Kubernetes
// merges lists by, and what it has added to two of them since.
func keysOf(tag reflect.StructTag) []string {
	switch key := tag.Get("patchMergeKey"); key {
	case "":
		return nil
	case "containerPort":
		return []string{key, "protocol"}
	case "topologyKey":
		return []string{key, "whenUnsatisfiable"}
	default:
		return []string{key}
	}
}

func defaultOf(key string) string {
	if key == "protocol" {
		return string(corev1.ProtocolTCP)
	}
	return ""
}

// fieldsOf returns the fields of a struct by their names in JSON.
func (f *fitter) fieldsOf(t reflect.Type) map[string]structField {
	if fields, ok := f.structs[t]; ok {
		return fields
	}
	fields := map[string]structField{}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		found := structField{of: field.Type, keys: keysOf(field.Tag)}
		switch {
		case name == "-" || !field.IsExported():
		case name != "":
			fields[name] = found
		case field.Anonymous && field.Type.Kind() == reflect.Struct:
			for name, inner := range f.fieldsOf(field.Type) {
				if _, taken := fields[name]; !taken {
					fields[name] = inner
				}
			}
		default:
			fields[field.Name] = found
		}
	}
	f.structs[t] = fields
	return fields
}

// mapEntry is what an entry of a map takes beside its key and value.
const mapEntry = 64

// dictionary knows maps with keys of text, which is all that the kinds have.
func (f *fitter) dictionary(n *node, t reflect.Type) {
	if n.kind != objectKind {
		f.fail(n, "must be an object, not %s", found(n))
		return
	}
	for i, key := range n.keys {
		f.bytes += mapEntry + len(key) + int(t.Elem().Size())
		f.fitAt(step{key: key}, n.items[i], t.Elem())
	}
}

func (f *fitter) list(n *node, t reflect.Type) {
	if t.Elem().Kind() == reflect.Uint8 {
		if _, err := base64.StdEncoding.DecodeString(n.str()); n.kind != stringKind || err != nil {
			f.fail(n, "must be a string in base64")
		}
		f.bytes += len(n.text)
		return
	}
	if n.kind != listKind {
		f.fail(n, "must be a list, not %s", found(n))
		return
	}
	f.bytes += len(n.items) * int(t.Elem().Size())
	for i, item := range n.items {
		f.fitAt(step{index: i, list: true}, item, t.Elem())
	}
}

func (f *fitter) scalar(n *node, t reflect.Type) {
	f.bytes += len(n.text)
	switch t.Kind() {
	case reflect.String:
		if n.kind != stringKind {
			f.fail(n, "must be a string, not %s", found(n))
		}
	case reflect.Bool:
		if n.kind != boolKind {
			f.fail(n, "must be true or false, not %s", found(n))
		}
	case reflect.Float32, reflect.Float64:
		if n.kind != numberKind {
			f.fail(n, "must be a number, not %s", found(n))
		}
	default:
		f.integer(n, t)
	}
}

func (f *fitter) integer(n *node, t reflect.Type) {
	_, err := strconv.ParseInt(n.text, 10, t.Bits())
	switch {
	case n.kind != numberKind:
		f.fail(n, "must be an integer, not %s", found(n))
	case err != nil:
		f.fail(n, "must be an integer of %d bits, not %s", t.Bits(), n.text)
	}
}

// found says what stands in the place of something else.
func found(n *node) string { return string(n.kind) }
