package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// The Job of a service whose node doesn't answer starts no other pod when somebody
// else ends the one that it has.
func TestRetireOnASilentNode(t *testing.T) {
	t.Parallel()
	db := []string{"db"}
	for _, tt := range []struct {
		name string
		job  jobOption
		want actions
	}{
		{name: "of one pod", want: actions{EndJobs: db, DeleteServices: db}},
		{name: "elastic", job: spared, want: actions{CompleteJobs: db, DeleteServices: db}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := serving(tt.job, []podOption{isReady, deadline(1)})
			recordService(f, v1alpha1.ServiceStopped, "", "")
			record(f, "a", v1alpha1.JobSucceeded)
			f.Run.Status.Phase, f.Run.Status.CompletionTime = v1alpha1.RunSucceeded, ts(100)
			early := plan.Decide(f)
			if diff := cmp.Diff(actions{}, actionsOf(early)); diff != "" || early.RequeueAfter != defaultGraceAndMore {
				t.Errorf("looks again after %s; actions (-want +got):\n%s", early.RequeueAfter, diff)
			}
			f.Now = f.Now.Add(early.RequeueAfter)
			late := plan.Decide(f)
			if diff := cmp.Diff(tt.want, actionsOf(late)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			perform(f, &late)
			f.ServicesGone = map[string]bool{"db": true}
			if again := plan.Decide(f); again.Acts() {
				t.Errorf("having done what was asked for, it asks for %+v", actionsOf(again))
			}
		})
	}
}
