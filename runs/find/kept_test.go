package find_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/store/records"
)

// kept keeps Runs of the Pipeline web, newest first.
type kept struct {
	runs []v1alpha1.Run
	err  error
}

func (k kept) find(is func(*v1alpha1.Run) bool) (*records.Record, error) {
	for i := range k.runs {
		if run := k.runs[i].DeepCopy(); is(run) {
			return &records.Record{Run: run, Spec: &v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "of-" + run.Name}}}}, k.err
		}
	}
	return nil, k.err
}

func (k kept) Run(_ context.Context, namespace, name string, uid types.UID) (*records.Record, error) {
	return k.find(func(run *v1alpha1.Run) bool {
		return run.Namespace == namespace && run.Name == name && (uid == "" || uid == run.UID)
	})
}

func (k kept) Numbered(_ context.Context, namespace, pipeline string, number int64) (*records.Record, error) {
	return k.find(func(run *v1alpha1.Run) bool {
		return run.Namespace == namespace && run.Spec.Pipeline == pipeline && run.Status.Number == number
	})
}

func (k kept) Runs(_ context.Context, q records.Query) ([]v1alpha1.Run, error) {
	var found []v1alpha1.Run
	for i := range k.runs {
		if (q.Pipeline == "" || q.Pipeline == k.runs[i].Spec.Pipeline) && len(found) < q.Limit {
			found = append(found, k.runs[i])
		}
	}
	return found, k.err
}

func keptRun(name, pipeline string, number int64, created int) v1alpha1.Run {
	return v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: types.UID("uid-" + name), ResourceVersion: "7", CreationTimestamp: metav1.Unix(int64(created), 0)},
		Spec:       v1alpha1.RunSpec{Pipeline: pipeline, Revision: "gone"},
		Status:     v1alpha1.RunStatus{Number: number, Phase: v1alpha1.RunFailed},
	}
}

// withKept finds one Run that is there, and three that were deleted.
func withKept(t *testing.T) find.Finder {
	t.Helper()
	there := keptRun("web-c", "web", 3, 30)
	there.ResourceVersion, there.Labels = "", map[string]string{v1alpha1.PipelineLabel: "web"}
	f := finder(t, interceptor.Funcs{}, &there)
	f.Kept = kept{runs: []v1alpha1.Run{there, keptRun("web-b", "web", 2, 20), keptRun("web-a", "web", 1, 10), keptRun("old-z", "old", 9, 5)}}
	return f
}

// TestKeptList: Runs that were deleted are listed behind those that are there.
func TestKeptList(t *testing.T) {
	t.Parallel()
	f := withKept(t)
	listing, err := f.Runs(t.Context(), find.Query{Limit: 3})
	var names []string
	for i := range listing.Runs {
		names = append(names, listing.Runs[i].Name)
	}
	if got := strings.Join(names, " "); got != "web-c web-b web-a" || err != nil || listing.Unknown != nil {
		t.Errorf("a list: %s, %v, %v", got, err, listing.Unknown)
	}
}

// TestKept: Runs that were deleted are found as others are.
func TestKept(t *testing.T) {
	t.Parallel()
	f := withKept(t)
	for ref, want := range map[string]string{
		"web-c": "web-c", "web": "web-c", "web/3": "web-c", "web-a": "web-a", "web/2": "web-b", "old": "old-z", "old/": "old-z", "old/9": "old-z",
		"old/8": "", "web-z": "",
	} {
		run, err := f.Run(t.Context(), ref)
		var none *find.NotFoundError
		switch {
		case want == "" && !errors.As(err, &none):
			t.Errorf("%s: %v, %v", ref, run, err)
		case want != "" && (err != nil || run.Name != want || find.Deleted(run) != (want != "web-c")):
			t.Errorf("%s: %+v, %v; want %s", ref, run, err, want)
		}
	}
}

// TestListKept: a list has what was deleted behind what is there, and says why if it can't.
func TestListKept(t *testing.T) {
	t.Parallel()
	there := keptRun("web-c", "web", 3, 30)
	there.ResourceVersion, there.Labels = "", map[string]string{v1alpha1.PipelineLabel: "web"}
	f := finder(t, interceptor.Funcs{}, &there)
	f.Kept = kept{runs: []v1alpha1.Run{there, keptRun("web-b", "web", 2, 20), keptRun("web-a", "web", 1, 10), keptRun("old-z", "old", 9, 5)}}
	run, _ := f.Run(t.Context(), "web-a")
	if spec, err := f.Spec(t.Context(), run); err != nil || spec.Jobs[0].Name != "of-web-a" {
		t.Errorf("what it executed: %+v, %v", spec, err)
	}
	f.Kept = kept{err: errors.New("away")}
	if listing, err := f.Runs(t.Context(), find.Query{Limit: 3}); err != nil || len(listing.Runs) != 1 || listing.Unknown == nil {
		t.Errorf("a list without the store: %+v, %v", listing, err)
	}
	if _, err := f.Run(t.Context(), "web-a"); err == nil || !strings.Contains(err.Error(), "away") {
		t.Errorf("why it isn't found isn't said: %v", err)
	}
}

// TestKeptFiltered: what is meant is looked for behind the newest, too.
func TestKeptFiltered(t *testing.T) {
	t.Parallel()
	f := finder(t, interceptor.Funcs{})
	var all kept
	for number := int64(40); number > 0; number-- {
		all.runs = append(all.runs, keptRun(fmt.Sprintf("web-%d", number), "web", number, int(number)))
	}
	f.Kept = all
	listing, err := f.Runs(t.Context(), find.Query{Limit: 2, Keep: func(run *v1alpha1.Run) bool { return run.Status.Number%15 == 0 }})
	if err != nil || len(listing.Runs) != 2 || listing.Runs[0].Name != "web-30" || listing.Runs[1].Name != "web-15" {
		t.Errorf("%+v, %v", listing, err)
	}
}
