package plan_test

import (
	"slices"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

func events(t *testing.T) []row {
	t.Helper()
	return slices.Concat(jobEvents(t), podEvents(), haltEvents(), finallyEvents())
}

// jobEvents are of a job that has no Job, or none but that.
func jobEvents(t *testing.T) []row {
	t.Helper()
	text := map[string]plan.Refusal{"a": {Reason: "ItsReason", Message: "the text"}}
	complete := verdict(batchv1.JobComplete, "", "", 80)
	parallel := func(j *batchv1.Job) { j.Spec.Completions, j.Spec.Parallelism = new(int32(2)), new(int32(2)) }
	return []row{
		{"no Job", all(), byPhase{
			is("Running", "", "").afterCreating().andLooks(30 * time.Second), stays,
			stays, stays, stays, stays,
		}},
		{"no Job any more", missing, byPhase{
			ends(100, "Failed", "JobDeleted", jobGone), ends(100, "Failed", "JobDeleted", jobGone),
			stays, stays, stays, stays,
		}},
		{"refused", notCreated(text, nil), byPhase{
			ends(100, "Failed", "ItsReason", "the text"), stays,
			stays, stays, stays, stays,
		}},
		{"deferred", notCreated(nil, text), byPhase{
			waits("Waiting", "ItsReason", "the text").andLooks(15 * time.Second), stays,
			stays, stays, stays, stays,
		}},
		{"what it needs waits", aNeed(v1alpha1.JobWaiting), byPhase{
			is("Waiting", "AwaitingNeeds", "needs b").andLooks(15 * time.Second),
			stays.andLooks(15 * time.Second),
			stays.andLooks(15 * time.Second), stays.andLooks(15 * time.Second), stays.andLooks(15 * time.Second), stays.andLooks(15 * time.Second),
		}},
		{"what it needs runs", aNeed(v1alpha1.JobRunning), byPhase{
			is("Waiting", "AwaitingNeeds", "needs b"), stays,
			stays, stays, stays, stays,
		}},
		{"what it needs has succeeded", aNeed(v1alpha1.JobSucceeded), byPhase{
			is("Running", "", "").afterCreating().andLooks(30 * time.Second), stays,
			stays, stays, stays, stays,
		}},
		{"what it needs has failed", aNeed(v1alpha1.JobFailed), byPhase{
			ends(100, "Skipped", "NeedsFailed", "needs b, which failed"), stays,
			stays, stays, stays, stays,
		}},
		{"what it needs has failed, which is allowed", aFailedNeed, byPhase{
			is("Running", "", "").afterCreating().andLooks(30 * time.Second), stays,
			stays, stays, stays, stays,
		}},
		{"what it needs was skipped", aNeed(v1alpha1.JobSkipped), byPhase{
			ends(100, "Skipped", "NeedsSkipped", "needs b, which was skipped"), stays,
			stays, stays, stays, stays,
		}},
		{"what it needs was cancelled", aNeed(v1alpha1.JobCancelled), byPhase{
			ends(100, "Skipped", "NeedsFailed", "needs b, which was cancelled"), stays,
			stays, stays, stays, stays,
		}},
		{"as many jobs run as may", fullRun, byPhase{
			is("Waiting", "AwaitingTurn", "as many jobs run as the Pipeline's maxParallel allows: 1"), stays,
			stays, stays, stays, stays,
		}},
		{"its condition is false", aCondition(t, "1 > 2"), byPhase{
			ends(100, "Skipped", "ConditionFalse", "its condition is false: 1 > 2"), stays,
			stays, stays, stays, stays,
		}},
		{"its condition has no value", aCondition(t, "params.none == ''"), byPhase{
			ends(100, "Failed", "InvalidCondition", "its condition is invalid: 1:1: the Pipeline declares no parameter \"none\" (there are none)"),
			stays,
			stays, stays, stays, stays,
		}},
		{"a service is starting", aStartingService, byPhase{
			is("Waiting", "AwaitingServices", "the Run's services are not ready yet").andLooks(beforeExpiry),
			stays.andLooks(beforeExpiry),
			stays.andLooks(beforeExpiry), stays.andLooks(beforeExpiry), stays.andLooks(beforeExpiry), stays.andLooks(beforeExpiry),
		}},
		{"just made", func(f *plan.Facts) { withJob(f, "a") }, byPhase{
			is("Running", "", "").andLooks(20 * time.Second), stays.andLooks(20 * time.Second),
			stays, stays, stays, stays.andEnds(),
		}},
		{"no pod for long", aJob(), byPhase{
			waits("Running", "AwaitingPod", "its Job has no pod, and its events don't say why").andLooks(30 * time.Second),
			waits("Running", "AwaitingPod", "its Job has no pod, and its events don't say why").andLooks(30 * time.Second),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"no pod for a known reason", all(aJob(), explained), byPhase{
			waits("Running", "FailedCreate", "no room").andLooks(time.Hour),
			waits("Running", "FailedCreate", "no room").andLooks(time.Hour),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"suspended", aJob(suspend), byPhase{
			waits("Running", "Suspended", isSuspended), waits("Running", "Suspended", isSuspended),
			stays.andRemoves(), stays.andRemoves(), stays.andRemoves(), stays.andRemoves(),
		}},
		{"Job complete just now, no pod", aJob(verdict(batchv1.JobComplete, "", "", 95)), byPhase{
			is("Running", "", "").andLooks(10 * time.Second), stays.andLooks(10 * time.Second),
			stays, stays, stays, stays,
		}},
		{"Job complete, no pod", aJob(complete), byPhase{
			ends(80, "Failed", "PodDeleted", isLost), ends(80, "Failed", "PodDeleted", isLost),
			stays, stays, stays, stays,
		}},
		{"Job of two complete", aJob(parallel, complete), byPhase{
			ends(80, "Succeeded", "", ""), ends(80, "Succeeded", "", ""),
			stays, stays, stays, stays,
		}},
		{"Job failed, no pod", aJob(backoffLimit(80)), byPhase{
			ends(80, "Failed", "PodDeleted", wasDeleted),
			ends(80, "Failed", "PodDeleted", wasDeleted),
			stays, stays, stays, stays,
		}},
	}
}
