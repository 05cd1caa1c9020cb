package expr

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

func resourceEnv(t *testing.T) *Env {
	t.Helper()
	env, err := NewResourceEnv()
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func TestResourceParams(t *testing.T) {
	t.Parallel()
	env := resourceEnv(t)
	object := func(version string) map[string]any {
		return map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": "settings", "generation": int64(3), "labels": map[string]any{"team": "web"}},
			"data":     map[string]any{"version": version, "$(id)": "a\nb"},
			"list":     []any{map[string]any{"n": 1.5}, nil},
		}
	}
	updated := ResourceVars{Object: object("2"), OldObject: object("1"), Event: v1alpha1.ResourceUpdated}
	for source, want := range map[string]string{
		"object.metadata.name + ' ' + event":                             "settings Updated",
		"object.data.version != oldObject.data.version":                  "true",
		"object == oldObject":                                            "false",
		"object.metadata.generation":                                     "3",
		"object.list[0].n":                                               "1.5",
		"object.data['$(id)']":                                           "a\nb",
		"object.metadata.?annotations.?note.orValue('none')":             "none",
		"oldObject == null ? 'unknown' : string(oldObject.data.version)": "1",
		"has(object.spec) || object.kind == 'ConfigMap'":                 "true",
		"object.data":         "error: 1:1: the result is not a string, number or bool: choose one of its fields or elements",
		"object.data.color":   "error: 1:12: no such key: color (write object.?data.?name.orValue('') for a field that may be missing)",
		"event == 'Changed'":  `error: 1:10: event is never "Changed", but one of ["Added" "Updated" "Deleted"]`,
		"body.object":         "error: 1:1: undeclared reference to 'body' (the variables are object, oldObject and event; text stands in quotes)",
		"object.data.version": "2",
	} {
		if diff := cmp.Diff(want, evaluated(t, env, source, updated)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
	added := ResourceVars{Object: object("2"), Event: v1alpha1.ResourceAdded}
	for source, want := range map[string]string{
		"oldObject == null": "true",
		"oldObject == null || object.data.version != oldObject.data.version": "true",
		"oldObject.?data.?version.orValue('')":                               "",
		"oldObject.data.version":                                             "error: 1:15: no such key: data (write object.?data.?name.orValue('') for a field that may be missing)",
	} {
		if diff := cmp.Diff(want, evaluated(t, env, source, added)); diff != "" {
			t.Errorf("%s of a new object (-want +got):\n%s", source, diff)
		}
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	env := resourceEnv(t)
	var nothing, whole, old, both Uses
	whole.Whole, old.Old, both = true, true, Uses{true, true}
	for source, want := range map[string]Uses{
		"event == 'Added'":     nothing,
		"object.metadata.name": nothing,
		"object.kind + object.apiVersion + object['metadata']['name']":               nothing,
		"object.?metadata.?labels.?data.orValue('')":                                 nothing,
		"object[?'metadata'].?name.orValue('')":                                      nothing,
		"has(object.metadata.labels)":                                                nothing,
		"has(object.metadata)":                                                       nothing,
		"object.metadata.labels.exists(l, l == 'data')":                              nothing,
		"object != null":                                                             nothing,
		"'object.data' == event":                                                     nothing,
		"[1, 2].exists(data, data == 1) && object.metadata.name == 'a'":              nothing,
		"oldObject == null":                                                          old,
		"oldObject.metadata.generation != object.metadata.generation":                old,
		"object.data.version":                                                        whole,
		"object.?data.?version.orValue('')":                                          whole,
		"object['da' + 'ta'].version":                                                whole,
		"object[?event].orValue('')":                                                 whole,
		"has(object.data)":                                                           whole,
		"object == object":                                                           whole,
		"'data' in object":                                                           whole,
		"[object].exists(o, o.data.version == '1')":                                  whole,
		"object.exists(key, key == 'data')":                                          whole,
		"(event == 'Added' ? object : object).metadata.name":                         whole,
		"{'data': 1}[object]":                                                        whole,
		"size(object)":                                                               whole,
		"{'o': object}.o.data.version":                                               whole,
		"[{'data': 1}].exists(object, object.data == 1)":                             whole,
		"object.metadata.name == oldObject.data.name":                                both,
		"object.data.version != oldObject.metadata.name":                             both,
		"object == oldObject":                                                        both,
		"object.metadata.labels.filter(l, oldObject.data[l] == 'x').size() > 0":      both,
		"oldObject == null || oldObject.spec.replicas != object.metadata.generation": both,
	} {
		condition, err := env.CompileParam(source)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		if diff := cmp.Diff(want, condition.Uses()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
	if diff := cmp.Diff(both, whole.And(old)); diff != "" {
		t.Errorf("both (-want +got):\n%s", diff)
	}
}
