package shelf_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	source "k8s.io/client-go/tools/cache/testing"

	"github.com/kayci/kayci/controllers/shelf"
)

const byTeam = "team"

func teamOf(obj any) ([]string, error) {
	job, is := obj.(*batchv1.Job)
	if !is {
		return nil, errors.New("no Job")
	}
	return []string{job.Labels[byTeam]}, nil
}

// jobNamed is a Job that has ended, or that runs.
func jobNamed(name string, ended bool) *batchv1.Job {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: "u-1", Labels: map[string]string{byTeam: "blue"}}}
	if ended {
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: "True"}}
	}
	return job
}

// kept is what the informer's transform makes of it, but for the version, which the
// server gives.
func kept(name string, ended bool) *batchv1.Job {
	job := jobNamed(name, ended)
	job.Annotations = map[string]string{"seen": "once"}
	return job
}

func withoutVersion(obj any) any {
	job, is := obj.(*batchv1.Job)
	if !is {
		return obj
	}
	job = job.DeepCopy()
	job.ResourceVersion = ""
	return job
}

// news is what a handler was told.
type news struct {
	What          string
	Before, After any
}

// started returns an informer that has seen the server's Jobs, and what it tells.
func started(t *testing.T, server *source.FakeControllerSource) (toolscache.SharedIndexInformer, <-chan news) {
	t.Helper()
	informer := shelf.NewInformer(server, &batchv1.Job{}, 0, toolscache.Indexers{toolscache.NamespaceIndex: toolscache.MetaNamespaceIndexFunc})
	told := make(chan news, 100)
	err := errors.Join(
		informer.SetTransform(func(obj any) (any, error) {
			if job, is := obj.(*batchv1.Job); is {
				job.Annotations = map[string]string{"seen": "once"}
			}
			return obj, nil
		}),
		informer.AddIndexers(toolscache.Indexers{byTeam: teamOf}),
	)
	if err != nil {
		t.Fatal(err)
	}
	handled, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { told <- news{"added", nil, withoutVersion(obj)} },
		UpdateFunc: func(before, after any) {
			told <- news{"updated", withoutVersion(before), withoutVersion(after)}
		},
		DeleteFunc: func(obj any) { told <- news{"deleted", withoutVersion(obj), nil} },
	})
	if err != nil {
		t.Fatal(err)
	}
	go informer.RunWithContext(t.Context())
	if !toolscache.WaitForCacheSync(t.Context().Done(), handled.HasSynced) {
		t.Fatal("the informer has not begun")
	}
	return informer, told
}

// Whoever asks sees Jobs as they are.
func TestIndexer(t *testing.T) {
	t.Parallel()
	server := source.NewFakeControllerSource()
	server.Add(jobNamed("ended", true))
	server.Add(jobNamed("running", false))
	informer, _ := started(t, server)
	both := []any{kept("ended", true), kept("running", false)}
	listed := func(objs []any, err error) []any {
		if err != nil {
			t.Error(err)
		}
		for i := range objs {
			objs[i] = withoutVersion(objs[i])
		}
		slices.SortFunc(objs, func(a, b any) int { return strings.Compare(nameOf(a), nameOf(b)) })
		return objs
	}
	one := func(obj any, exists bool, err error) []any {
		if !exists || err != nil {
			t.Errorf("found: %t, %v", exists, err)
		}
		return []any{withoutVersion(obj)}
	}
	in := informer.GetIndexer()
	for name, tt := range map[string]struct{ got, want []any }{
		"List":       {listed(in.List(), nil), both},
		"ByIndex":    {listed(in.ByIndex(byTeam, "blue")), both},
		"Index":      {listed(in.Index(byTeam, jobNamed("ended", true))), both},
		"namespace":  {listed(in.ByIndex(toolscache.NamespaceIndex, "ci")), both},
		"GetByKey":   {one(in.GetByKey("ci/ended")), both[:1]},
		"Get":        {one(in.Get(jobNamed("ended", true))), both[:1]},
		"GetStore":   {one(informer.GetStore().GetByKey("ci/ended")), both[:1]},
		"of another": {listed(in.ByIndex(byTeam, "red")), nil},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" && len(tt.want)+len(tt.got) > 0 {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, exists, err := in.GetByKey("ci/none"); exists || err != nil {
		t.Errorf("a Job that there is none of: %t, %v", exists, err)
	}
}

func nameOf(obj any) string {
	if job, is := obj.(*batchv1.Job); is {
		return job.Name
	}
	return ""
}

// Whoever listens is told of Jobs as they are.
func TestHandler(t *testing.T) {
	t.Parallel()
	server := source.NewFakeControllerSource()
	server.Add(jobNamed("a", true))
	_, told := started(t, server)
	server.Add(jobNamed("b", false))
	server.Modify(jobNamed("b", true))
	server.Delete(jobNamed("b", true))
	var got []news
	for range 4 {
		got = append(got, <-told)
	}
	want := []news{
		{"added", nil, kept("a", true)},
		{"added", nil, kept("b", false)},
		{"updated", kept("b", false), kept("b", true)},
		{"deleted", kept("b", true), nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// A deletion that the watch has missed is told as such.
func TestMissedDeletion(t *testing.T) {
	t.Parallel()
	server := source.NewFakeControllerSource()
	server.Add(jobNamed("a", true))
	_, told := started(t, server)
	<-told
	server.DeleteDropWatch(jobNamed("a", true))
	server.ResetWatch()
	got := <-told
	lost, is := got.Before.(toolscache.DeletedFinalStateUnknown)
	if !is || got.What != "deleted" {
		t.Fatalf("%s: a %T", got.What, got.Before)
	}
	if diff := cmp.Diff(any(kept("a", true)), withoutVersion(lost.Obj)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
