package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

// decoder collects the objects of a commit, and every fault instead of the
// first one.
type decoder struct {
	namespace string
	limits    Limits
	objects   []Object
	// definedIn has the file of each Kind/name.
	definedIn map[string]string
	errs      Errors
}

func newDecoder(namespace string, limits Limits) *decoder {
	return &decoder{namespace: namespace, limits: limits, definedIn: map[string]string{}}
}

func (d *decoder) fail(err Error) { d.errs = d.errs.with(d.limits.Errors, err) }

// file takes the output of one entry.
func (d *decoder) file(file string, output json.RawMessage) {
	var value any
	duplicates, err := kjson.UnmarshalStrict(output, &value)
	if err != nil {
		d.fail(Error{File: file, Message: err.Error()})
		return
	}
	d.failAll(file, "", strictFaults(duplicates))
	if len(duplicates) == 0 {
		d.value(place{file: file}, value)
	}
}

// place is where in an entry's output a value stands.
type place struct {
	file string
	path string
}

func (p place) index(i int) place { return place{p.file, fmt.Sprintf("%s[%d]", p.path, i)} }

func (p place) key(k string) place {
	return place{p.file, strings.TrimPrefix(p.path+"."+k, ".")}
}

// value walks lists and objects of objects down to what has a kind.
func (d *decoder) value(at place, value any) {
	switch v := value.(type) {
	case nil:
	case []any:
		for i, item := range v {
			d.value(at.index(i), item)
		}
	case map[string]any:
		if isObject(v) {
			d.object(at, v)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			d.value(at.key(key), v[key])
		}
	default:
		d.fail(Error{
			File: at.file, Object: at.path,
			Message: fmt.Sprintf("expected an object with apiVersion and kind, a list or null; found a %s", typeName(value)),
		})
	}
}

func isObject(v map[string]any) bool {
	_, apiVersion := v["apiVersion"]
	_, kind := v["kind"]
	return apiVersion || kind
}

// object decodes one object strictly, then validates it.
func (d *decoder) object(at place, raw map[string]any) {
	id, object, errs := identify(at, raw)
	if object == nil {
		d.failAll(at.file, id, errs)
		return
	}
	errs = append(errs, checkMetadata(raw, d.namespace)...)
	if other, ok := d.definedIn[id]; ok && object.name != "" {
		errs = append(errs, fieldError{message: "is already defined in " + other})
	}
	d.definedIn[id] = at.file
	if _, ok := raw["status"]; ok {
		errs = append(errs, fieldError{"status", "is the controller's to write: remove it"})
		delete(raw, "status")
	}
	errs = append(errs, d.checkSize(raw)...)
	decodeErrs := strictDecode(raw, object.into)
	if len(decodeErrs) == 0 {
		decodeErrs = validate(object.into)
	}
	d.failAll(at.file, id, append(errs, decodeErrs...))
	if len(d.objects) == d.limits.Objects {
		d.fail(Error{File: at.file, Object: id, Message: fmt.Sprintf("the commit renders more than %d objects", d.limits.Objects)})
		return
	}
	object.into.SetNamespace(d.namespace)
	d.objects = append(d.objects, Object{Object: object.into, File: at.file})
}

// checkSize refuses what the cluster may have no room for.
func (d *decoder) checkSize(raw map[string]any) []fieldError {
	encoded, err := json.Marshal(raw)
	if err != nil {
		return []fieldError{{message: err.Error()}}
	}
	if len(encoded) <= d.limits.Size {
		return nil
	}
	return []fieldError{{message: fmt.Sprintf(
		"is %d bytes as JSON, more than %d, which is all that the cluster is sure to store", len(encoded), d.limits.Size)}}
}

func (d *decoder) failAll(file, id string, errs []fieldError) {
	for _, err := range errs {
		d.fail(Error{File: file, Object: id, Field: err.field, Message: err.message})
	}
}

// fieldError is a fault of an object whose file the caller knows.
type fieldError struct {
	field   string
	message string
}

type identified struct {
	name string
	into Resource
}

// identify finds out which kind an object is of, and what to call it in errors.
func identify(at place, raw map[string]any) (id string, object *identified, errs []fieldError) {
	apiVersion, _ := raw["apiVersion"].(string)
	kind, _ := raw["kind"].(string)
	metadata, _ := raw["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	id = at.path
	if kind != "" && name != "" {
		id = kind + "/" + name
	}
	object = &identified{name: name}
	want := v1alpha1.GroupVersion().String()
	switch {
	case apiVersion == want && kind == v1alpha1.PipelineKind:
		object.into = &v1alpha1.Pipeline{}
	case apiVersion == want && kind == v1alpha1.TriggerKind:
		object.into = &v1alpha1.Trigger{}
	default:
		return id, nil, []fieldError{{message: fmt.Sprintf(
			"apiVersion %q, kind %q is not allowed: a config repository holds Pipelines and Triggers of %s", apiVersion, kind, want)}}
	}
	return id, object, nil
}

// checkMetadata refuses what the API server sets, and another namespace.
func checkMetadata(raw map[string]any, namespace string) []fieldError {
	metadata, ok := raw["metadata"].(map[string]any)
	if !ok {
		return nil
	}
	var errs []fieldError
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		switch key {
		case "name", "labels", "annotations":
		case "namespace":
			if given := metadata[key]; given != namespace {
				errs = append(errs, fieldError{
					"metadata.namespace",
					fmt.Sprintf("%v is another namespace: objects belong to %s, the config repository's own", given, namespace),
				})
			}
		default:
			errs = append(errs, fieldError{"metadata." + key, "is not allowed: metadata takes name, labels and annotations"})
		}
	}
	return errs
}

func validate(object Resource) []fieldError {
	var list field.ErrorList
	switch o := object.(type) {
	case *v1alpha1.Pipeline:
		list = validation.Pipeline(o)
	case *v1alpha1.Trigger:
		list = validation.Trigger(o)
	}
	errs := make([]fieldError, len(list))
	for i, err := range list {
		errs[i] = fieldError{err.Field, err.ErrorBody()}
	}
	return errs
}
