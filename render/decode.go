package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	kjson "sigs.k8s.io/json"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

// decoder collects the objects of a commit, and every fault instead of the
// first one. What it is given is not trusted: it takes no more memory than the
// limits say, whatever that is.
type decoder struct {
	namespace string
	limits    Limits
	objects   []Object
	// tooMany: it has been said that there are more than the limit.
	tooMany bool
	// definedIn has the file of each Kind/name.
	definedIn map[string]string
	errs      Errors
	fitter    *fitter
	// room for values and bytes of decoded objects that is left, and the number of
	// objects so far.
	room, bytes, count int
	// held are entries that aren't evaluated again, with what they take in all. The
	// limits have room for them, so that what has changed is to blame if there isn't
	// enough.
	held    map[string]*entry
	heldAll spent
	// current is the entry that is being evaluated, and fresh those that were.
	current entry
	fresh   map[string]*entry
	// paths that may still be remembered.
	paths int
}

func newDecoder(namespace string, limits Limits) *decoder {
	return &decoder{
		namespace: namespace, limits: limits, definedIn: map[string]string{},
		fitter: newFitter(), room: limits.Values, bytes: limits.Decoded, fresh: map[string]*entry{},
		paths: maxLooked,
	}
}

// hold takes entries for evaluated.
func (d *decoder) hold(held map[string]*entry) {
	d.held = held
	for _, e := range held {
		d.heldAll.add(e.spent)
		d.paths -= len(e.looked)
	}
	d.room -= d.heldAll.room
	d.bytes -= d.heldAll.bytes
	d.count += d.heldAll.objects
}

// recall takes the objects of an entry that is held, of which only their names may
// be at fault.
func (d *decoder) recall(file string, known *entry) {
	for _, o := range known.objects {
		if other, ok := d.definedIn[o.id]; ok && !d.full() {
			d.fail(Error{File: file, Line: o.line, Object: o.id, Message: alreadyDefined(other)})
		}
		d.definedIn[o.id] = file
	}
}

func alreadyDefined(file string) string { return "is already defined in " + file }

// begin is called before the answers for an entry, and end after them.
func (d *decoder) begin() {
	d.current = entry{spent: spent{room: d.room, bytes: d.bytes, objects: d.count}}
}

func (d *decoder) end(a answer, output int64) {
	d.current.looked = a.Looked
	before := d.current.spent
	d.current.spent = spent{
		values: min(max(a.Values, 0), d.limits.Values), room: before.room - d.room, bytes: before.bytes - d.bytes,
		objects: d.count - before.objects, output: output,
	}
	if len(a.Looked) <= d.paths && slices.Contains(a.Looked, a.File) {
		d.paths -= len(a.Looked)
		remembered := d.current
		d.fresh[a.File] = &remembered
	}
}

func (d *decoder) fail(err Error) { d.errs = d.errs.with(d.limits.Errors, err) }

func (d *decoder) failAll(file, object string, faults []fault) {
	for _, f := range faults {
		f.Object = object
		d.fail(f.of(file))
	}
}

// full reports whether there is no room for another error, and so no use in
// looking for one.
func (d *decoder) full() bool { return len(d.errs) > d.limits.Errors }

// take takes an answer of the child. An error is the context's: validating a
// commit takes time, too.
func (d *decoder) take(ctx context.Context, a answer) error {
	switch {
	case d.full():
		return nil
	case a.Fault != nil:
		d.fail(a.Fault.of(a.File))
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.value(a)
}

// value takes what the child has found to be an object. It would have refused
// what can't be read within the limits, so that is a fault of its own.
func (d *decoder) value(a answer) error {
	if len(a.Value) > d.limits.Size {
		return errors.New("an answer can't be read: its value is too large")
	}
	g := &grower{room: d.room, limit: d.limits.Values}
	n, err := g.growJSON(a.Value)
	if err != nil {
		return fmt.Errorf("an answer can't be read: %w", unlined(err))
	}
	if len(g.faults) > 0 {
		return errors.New("an answer can't be read: a field stands there twice")
	}
	d.room = g.room
	n.setLines(a.Lines)
	s := splitter{
		object: func(place string, n *node) { d.object(a.File, place, n) },
		fault:  func(f fault) { d.fail(f.of(a.File)) },
	}
	s.walk(a.Place, n)
	return nil
}

// object decodes one object strictly, then validates it.
func (d *decoder) object(file, place string, n *node) {
	id := identity(place, n)
	into, message := resourceOf(n)
	if into == nil {
		d.fail(Error{File: file, Line: n.line, Object: id, Message: message})
		return
	}
	faults := checkMetadata(n, d.namespace)
	if other, ok := d.definedIn[id]; ok && id != place {
		faults = append(faults, fault{Line: n.line, Message: alreadyDefined(other)})
	}
	d.definedIn[id] = file
	if status := n.get("status"); status != nil {
		faults = append(faults, fault{Line: status.line, Field: "status", Message: "is the controller's to write: remove it"})
		n = n.without("status")
	}
	faults = append(faults, d.decode(n, into)...)
	d.failAll(file, id, faults)
	if d.count == d.limits.Objects {
		if !d.tooMany {
			d.fail(Error{File: file, Line: n.line, Object: id, Message: fmt.Sprintf("the commit renders more than %d objects", d.limits.Objects)})
		}
		d.tooMany = true
		return
	}
	into.SetNamespace(d.namespace)
	d.objects = append(d.objects, Object{Object: into, File: file})
	d.current.objects = append(d.current.objects, definition{id: id, line: n.line})
	d.count++
}

// perObject is how many objects may be as large as one may be.
const perObject = 4

// decode fills an object in if it has the fields of its kind, not too much of
// them, and is valid.
func (d *decoder) decode(n *node, into Resource) []fault {
	d.fitter.faults, d.fitter.bytes = nil, 0
	d.fitter.fit(n, reflect.TypeOf(into).Elem())
	if len(d.fitter.faults) > 0 {
		return d.fitter.faults
	}
	if d.fitter.bytes > min(d.limits.Decoded/perObject, d.bytes) {
		return []fault{{Line: n.line, Message: fmt.Sprintf(
			"takes too much memory: an object may take %d MiB and all of a commit %d MiB", d.limits.Decoded/perObject>>20, d.limits.Decoded>>20)}}
	}
	d.bytes -= d.fitter.bytes
	if faults := strictDecode(n.encode(), into); len(faults) > 0 {
		return faults
	}
	return validate(n, into)
}

// strictDecode finds nothing that fit has not, but for a fault of fit's own.
func strictDecode(encoded json.RawMessage, into Resource) []fault {
	strict, err := kjson.UnmarshalStrict(encoded, into)
	if err != nil {
		strict = append(strict, err)
	}
	var faults []fault
	for _, err := range strict {
		faults = append(faults, fault{Message: err.Error()})
	}
	return faults
}

// resourceOf returns a blank object of the kind that n says it is of, or why
// there can't be one.
func resourceOf(n *node) (blank Resource, message string) {
	apiVersion, kind := n.get("apiVersion").str(), n.get("kind").str()
	want := v1alpha1.GroupVersion().String()
	switch {
	case apiVersion == want && kind == v1alpha1.PipelineKind:
		return &v1alpha1.Pipeline{}, ""
	case apiVersion == want && kind == v1alpha1.TriggerKind:
		return &v1alpha1.Trigger{}, ""
	default:
		return nil, fmt.Sprintf(
			"apiVersion %q, kind %q is not allowed: a config repository holds Pipelines and Triggers of %s", apiVersion, kind, want)
	}
}

// checkMetadata refuses what the API server sets, and another namespace.
func checkMetadata(n *node, namespace string) []fault {
	metadata := n.get("metadata")
	if metadata == nil || metadata.kind != objectKind {
		return nil
	}
	var faults []fault
	for _, key := range slices.Sorted(slices.Values(metadata.keys)) {
		value := metadata.get(key)
		f := fault{Line: value.line, Field: "metadata." + key}
		switch key {
		case "name", "labels", "annotations":
			continue
		case "namespace":
			if value.str() == namespace {
				continue
			}
			f.Message = fmt.Sprintf("%s is another namespace: objects belong to %s, the config repository's own", value.text, namespace)
		default:
			f.Message = "is not allowed: metadata takes name, labels and annotations"
		}
		faults = append(faults, f)
	}
	return faults
}

func validate(n *node, object Resource) []fault {
	var list field.ErrorList
	switch o := object.(type) {
	case *v1alpha1.Pipeline:
		list = validation.Pipeline(o)
	case *v1alpha1.Trigger:
		list = validation.Trigger(o)
	}
	faults := make([]fault, len(list))
	for i, err := range list {
		faults[i] = fault{Line: n.lineOf(err.Field), Field: err.Field, Message: err.ErrorBody()}
	}
	return faults
}
