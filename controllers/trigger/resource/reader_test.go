package resource

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

func second(n int) time.Time { return time.Date(2026, 3, 2, 3, 4, n, 0, time.UTC) }

// slim is an object as it was at a resource version.
func slim(name string, version int) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ci", Name: name, UID: types.UID("uid-" + name), ResourceVersion: strconv.Itoa(version), CreationTimestamp: metav1.Time{Time: second(0)},
	}}
}

func labelled(name string, version int, label, value string) *metav1.PartialObjectMetadata {
	object := slim(name, version)
	object.Labels = map[string]string{label: value}
	return object
}

func createdAt(object *metav1.PartialObjectMetadata, n int) *metav1.PartialObjectMetadata {
	object.CreationTimestamp.Time = second(n)
	return object
}

// told are changes in short.
func told(changes []change) []string {
	var texts []string
	for _, c := range changes {
		text := fmt.Sprintf("%s %s@%s", c.event, c.object.GetName(), c.object.GetResourceVersion())
		if c.old != nil {
			text += " after " + c.old.GetResourceVersion()
		}
		texts = append(texts, text)
	}
	return texts
}

func TestReader(t *testing.T) {
	t.Parallel()
	const added, updated, deleted = v1alpha1.ResourceAdded, v1alpha1.ResourceUpdated, v1alpha1.ResourceDeleted
	all := v1alpha1.ResourceEvents()
	hear := func(event v1alpha1.ResourceEvent, object, old metav1.Object) func(*reader) {
		return func(r *reader) { r.hear(event, object, old, second(9)) }
	}
	seed := func(version int, objects ...metav1.Object) func(*reader) {
		return func(r *reader) { r.seed(objects, strconv.Itoa(version), second(9)) }
	}
	settle := func(r *reader) { r.settle(r.pending()[0], second(9)) }
	type seen struct {
		Waits []string
		Mark  string
		Wrote bool
	}
	for name, tt := range map[string]struct {
		mark  string
		wish  wish
		steps []func(*reader)
		want  seen
	}{
		"the first look finds nothing": {
			"",
			wish{events: all},
			[]func(*reader){hear(added, slim("a", 3), nil), seed(5, slim("a", 3), slim("b", 5))},
			seen{nil, "5", true},
		},
		"what has changed since the mark waits, in that order": {
			"5",
			wish{events: all},
			[]func(*reader){seed(30, slim("a", 20), slim("b", 9), slim("c", 5), slim("d", 100))},
			seen{[]string{"Updated b@9", "Updated a@20", "Updated d@100"}, "5", false},
		},
		"what was created since then was added": {
			"5",
			wish{events: []v1alpha1.ResourceEvent{added}},
			[]func(*reader){seed(30, slim("a", 20), createdAt(slim("b", 9), 2), createdAt(slim("c", 8), 1))},
			seen{[]string{"Added b@9"}, "5", false},
		},
		"what is seen to waits no more": {
			"5",
			wish{events: all},
			[]func(*reader){seed(30, slim("a", 20), slim("b", 9)), settle},
			seen{[]string{"Updated a@20"}, "9", false},
		},
		"of several changes the last state counts, after the first": {
			"5",
			wish{events: all, uses: expr.Uses{Old: true}},
			[]func(*reader){hear(updated, slim("a", 7), slim("a", 4)), hear(updated, slim("a", 8), slim("a", 7)), hear(updated, slim("a", 9), slim("a", 8))},
			seen{[]string{"Updated a@9 after 4"}, "5", false},
		},
		"a new object stays one": {
			"5",
			wish{events: all, uses: expr.Uses{Old: true}},
			[]func(*reader){hear(added, createdAt(slim("a", 7), 2), nil), hear(updated, slim("a", 8), slim("a", 7))},
			seen{[]string{"Added a@8"}, "5", false},
		},
		"unless nobody asks for new ones": {
			"5",
			wish{events: []v1alpha1.ResourceEvent{updated}, uses: expr.Uses{Old: true}},
			[]func(*reader){seed(5), hear(added, slim("a", 7), nil), hear(updated, slim("a", 8), slim("a", 7))},
			seen{[]string{"Updated a@8 after 7"}, "7", false},
		},
		"what is not asked for moves the mark": {
			"5",
			wish{events: []v1alpha1.ResourceEvent{deleted}},
			[]func(*reader){seed(5), hear(added, slim("a", 7), nil), hear(updated, slim("a", 8), slim("a", 7))},
			seen{nil, "8", false},
		},
		"but not past what the first list of a watch has yet to tell": {
			"5",
			wish{events: []v1alpha1.ResourceEvent{added}},
			[]func(*reader){hear(updated, slim("b", 30), slim("b", 4)), seed(30, createdAt(slim("a", 20), 2), slim("b", 30))},
			seen{[]string{"Added a@20"}, "5", false},
		},
		"but not past what waits": {
			"5",
			wish{events: []v1alpha1.ResourceEvent{added}},
			[]func(*reader){seed(5), hear(added, createdAt(slim("a", 7), 2), nil), hear(updated, slim("b", 8), slim("b", 7))},
			seen{[]string{"Added a@7"}, "6", false},
		},
		"an object that isn't kept is unknown": {
			"5",
			wish{events: all},
			[]func(*reader){hear(updated, slim("a", 7), slim("a", 4))},
			seen{[]string{"Updated a@7"}, "5", false},
		},
		"a deletion takes the place of what waits": {
			"5",
			wish{events: all, uses: expr.Uses{Old: true}},
			[]func(*reader){hear(updated, slim("a", 7), slim("a", 4)), hear(deleted, slim("a", 9), nil), hear(added, createdAt(slim("b", 8), 2), nil)},
			seen{[]string{"Added b@8", "Deleted a@9"}, "5", false},
		},
		"nobody asks for deletions": {
			"5",
			wish{events: []v1alpha1.ResourceEvent{added, updated}},
			[]func(*reader){hear(updated, slim("a", 7), slim("a", 4)), hear(deleted, slim("a", 9), nil)},
			seen{nil, "5", false},
		},
		"what changes while it is seen to waits again": {
			"5",
			wish{events: all, uses: expr.Uses{Old: true}},
			[]func(*reader){hear(updated, slim("a", 7), slim("a", 4)), func(r *reader) {
				done := r.pending()[0]
				r.hear(updated, slim("a", 8), slim("a", 7), second(9))
				r.settle(done, second(9))
			}},
			seen{[]string{"Updated a@8 after 7"}, "7", false},
		},
		"what waits longest is the first, however often it changes": {
			"5",
			wish{events: all},
			[]func(*reader){hear(updated, slim("a", 7), nil), hear(updated, slim("b", 8), nil), hear(updated, slim("a", 9), nil), hear(updated, slim("c", 10), nil), settle},
			seen{[]string{"Updated b@8", "Updated c@10"}, "7", false},
		},
		"the mark moves past what was seen to before its turn": {
			"5",
			wish{events: all},
			[]func(*reader){hear(updated, slim("a", 7), nil), hear(updated, slim("b", 8), nil), hear(updated, slim("a", 9), nil), settle, settle},
			seen{nil, "9", false},
		},
		"a list tells of a later change first": {
			"5",
			wish{events: all},
			[]func(*reader){hear(updated, slim("a", 9), slim("a", 4)), settle, hear(updated, slim("b", 8), slim("b", 3))},
			seen{[]string{"Updated b@8"}, "7", true},
		},
		"another name": {
			"5",
			wish{events: all, name: "a"},
			[]func(*reader){seed(30, slim("b", 7)), hear(updated, slim("b", 9), slim("b", 8)), hear(updated, slim("a", 10), slim("a", 8)), hear(deleted, slim("b", 11), nil)},
			seen{[]string{"Updated a@10"}, "5", false},
		},
		"labels count as they are now": {
			"5",
			wish{events: all, selector: labels.SelectorFromSet(labels.Set{"team": "web"})},
			[]func(*reader){hear(updated, labelled("a", 7, "team", "web"), slim("a", 4)), hear(updated, labelled("b", 8, "team", "web"), slim("b", 4)), hear(updated, slim("b", 9), nil), hear(added, slim("c", 10), nil)},
			seen{[]string{"Updated a@7"}, "5", false},
		},
		"what is a Run's never counts": {
			"5",
			wish{events: all},
			[]func(*reader){
				hear(added, labelled("a", 7, v1alpha1.RunLabel, "web-1"), nil), seed(30, labelled("b", 7, v1alpha1.PipelineLabel, "web")),
				func(r *reader) {
					owned := slim("c", 9)
					owned.OwnerReferences = []metav1.OwnerReference{{APIVersion: "kayci.dev/v1alpha1", Kind: "Run"}}
					r.hear(added, owned, nil, second(9))
				},
			},
			seen{nil, "5", false},
		},
		"another watch shows the objects anew": {
			"5",
			wish{events: all, uses: expr.Uses{Old: true}},
			[]func(*reader){hear(added, createdAt(slim("a", 7), 2), nil), hear(updated, slim("b", 8), slim("b", 4)), seed(30, slim("a", 7), slim("b", 9), slim("c", 10))},
			seen{[]string{"Added a@7", "Updated b@9 after 4", "Updated c@10"}, "5", false},
		},
		"the Trigger is changed": {
			"5",
			wish{events: all},
			[]func(*reader){hear(added, slim("a", 7), nil), hear(updated, slim("b", 8), slim("b", 4)), hear(deleted, slim("c", 9), nil), func(r *reader) {
				other := r.wish
				other.generation, other.events = 2, []v1alpha1.ResourceEvent{updated}
				r.rewish(other)
			}},
			seen{[]string{"Updated b@8"}, "5", true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.wish.selector == nil {
				tt.wish.selector = labels.Everything()
			}
			r := newReader(request{wish: tt.wish, mark: mark{tt.mark, second(1)}})
			for _, step := range tt.steps {
				step(r)
			}
			if diff := cmp.Diff(tt.want, seen{told(r.pending()), r.mark.version, r.unsaved}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestReaderIsBounded: however much happens, few objects are kept beside those that
// there are.
func TestReaderIsBounded(t *testing.T) {
	t.Parallel()
	r := newReader(request{wish: wish{events: v1alpha1.ResourceEvents(), selector: labels.Everything(), uses: expr.Uses{Old: true}}, mark: mark{version: "5"}})
	for i := range 3 * maxOld {
		r.hear(v1alpha1.ResourceUpdated, slim(fmt.Sprint("object-", i), 1000+i), slim(fmt.Sprint("object-", i), 10+i), second(1))
		r.hear(v1alpha1.ResourceDeleted, slim(fmt.Sprint("gone-", i), 2000+i), nil, second(1))
	}
	olds := 0
	for _, c := range r.changes {
		if c.old != nil {
			olds++
		}
	}
	got := []int{olds, r.olds, len(r.changes), len(r.gone), r.lost}
	if diff := cmp.Diff([]int{maxOld, maxOld, 3 * maxOld, maxGone, 3*maxOld - maxGone}, got); diff != "" {
		t.Errorf("old objects twice, changes, deletions and lost ones (-want +got):\n%s", diff)
	}
	for range 3*maxOld + maxGone {
		r.settle(r.pending()[0], second(1))
	}
	if r.olds != 0 || len(r.changes)+len(r.gone) != 0 {
		t.Errorf("%d old objects are kept, and %d changes", r.olds, len(r.changes)+len(r.gone))
	}
}

func TestWish(t *testing.T) {
	t.Parallel()
	trigger := func(condition string, params map[string]string) *v1alpha1.Trigger {
		return &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{UID: "uid", Generation: 3}, Spec: v1alpha1.TriggerSpec{
			Resource: &v1alpha1.Resource{APIVersion: "apps/v1", Kind: "Deployment", If: condition}, Params: params,
		}}
	}
	for name, tt := range map[string]struct {
		condition string
		params    map[string]string
		want      expr.Uses
	}{
		"nothing":          {},
		"metadata":         {"event == 'Added'", map[string]string{"name": "object.metadata.name"}, expr.Uses{}},
		"an old condition": {"object.metadata.generation != oldObject.metadata.generation", nil, expr.Uses{Old: true}},
		"a whole param":    {"", map[string]string{"a": "object.metadata.name", "b": "object.spec.replicas"}, expr.Uses{Whole: true}},
		"both":             {"oldObject != null", map[string]string{"b": "object.spec.replicas"}, expr.Uses{Whole: true, Old: true}},
	} {
		got, err := newWish(trigger(tt.condition, tt.params))
		if err != nil {
			t.Fatal(err)
		}
		want := wish{trigger: "uid", generation: 3, kind: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, events: []v1alpha1.ResourceEvent{"Added", "Updated"}, uses: tt.want}
		got.selector = nil
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(wish{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := newWish(trigger("nobody", nil)); err == nil {
		t.Error("an expression that can't be compiled is no error")
	}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	at := &metav1.Time{Time: second(1)}
	known := func(change func(*v1alpha1.ResourceStatus)) *v1alpha1.ResourceStatus {
		status := &v1alpha1.ResourceStatus{APIVersion: "v1", Kind: "ConfigMap", Name: "a", Selector: "team=web", Version: "7", Time: at, Started: at}
		change(status)
		return status
	}
	fresh := v1alpha1.ResourceStatus{APIVersion: "v1", Kind: "ConfigMap", Name: "a", Selector: "team=web"}
	again := fresh
	again.Started = at
	going := again
	going.Version, going.Time = "7", at
	for name, tt := range map[string]struct {
		known *v1alpha1.ResourceStatus
		want  v1alpha1.ResourceStatus
	}{
		"a new Trigger":    {nil, fresh},
		"goes on":          {known(func(*v1alpha1.ResourceStatus) {}), going},
		"after a failure":  {known(func(s *v1alpha1.ResourceStatus) { s.Failure = &v1alpha1.ResourceFailure{Reason: "WatchFailed"} }), going},
		"is resumed":       {known(func(s *v1alpha1.ResourceStatus) { s.Suspended = true }), again},
		"another version":  {known(func(s *v1alpha1.ResourceStatus) { s.APIVersion = "v2" }), again},
		"another kind":     {known(func(s *v1alpha1.ResourceStatus) { s.Kind = "Pod" }), again},
		"another name":     {known(func(s *v1alpha1.ResourceStatus) { s.Name = "" }), again},
		"another selector": {known(func(s *v1alpha1.ResourceStatus) { s.Selector = "" }), again},
	} {
		trigger := &v1alpha1.Trigger{Spec: v1alpha1.TriggerSpec{Resource: &v1alpha1.Resource{APIVersion: "v1", Kind: "ConfigMap", Name: "a"}}, Status: v1alpha1.TriggerStatus{Resource: tt.known}}
		if diff := cmp.Diff(tt.want, begin(trigger, labels.SelectorFromSet(labels.Set{"team": "web"}))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pace pace
		want time.Duration
	}{
		"nothing yet":           {pace{}, 0},
		"a Run has started":     {pace{started: second(5), turn: second(5), looked: second(5)}, 6 * time.Second},
		"a Run couldn't start":  {pace{started: second(1), turn: second(8), looked: second(8)}, 9 * time.Second},
		"long ago":              {pace{turn: second(5).Add(-time.Hour), looked: second(5)}, 0},
		"just evaluated":        {pace{looked: second(9)}, gap},
		"a moment ago":          {pace{looked: second(8).Add(time.Millisecond)}, time.Millisecond},
		"a clock that was set":  {pace{turn: second(50), looked: second(50)}, 0},
		"the next is almost up": {pace{turn: second(0), looked: second(8).Add(time.Second / 2)}, time.Second},
	} {
		if got := tt.pace.pause(10*time.Second, second(9)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
