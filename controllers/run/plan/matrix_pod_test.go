package plan_test

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// podEvents are of a pod, left alone or not.
func podEvents() []row {
	failed := podPhase(corev1.PodFailed)
	succeeded := podPhase(corev1.PodSucceeded)
	complete := verdict(batchv1.JobComplete, "", "", 80)
	parallel := func(j *batchv1.Job) { j.Spec.Completions, j.Spec.Parallelism = new(int32(2)), new(int32(2)) }
	return []row{
		{"on no node", all(aJob(), aPod(unstarted)), byPhase{
			is("Running", "", "").andLooks(beforeExpiry), stays.andLooks(beforeExpiry),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"unschedulable", all(aJob(), aPod(unstarted, unschedulable)), byPhase{
			waits("Running", "Unschedulable", "no room").andLooks(beforeExpiry),
			waits("Running", "Unschedulable", "no room").andLooks(beforeExpiry),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"unschedulable for too long", all(impatientRun, aJob(), aPod(unstarted, unschedulable)), byPhase{
			ends(100, "Failed", "Unschedulable", "no room (pending for 1m)").laterEnds(),
			ends(100, "Failed", "Unschedulable", "no room (pending for 1m)").laterEnds(),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"image can't be pulled", all(aJob(), aPod(waiting("ErrImagePull", "not found"))), byPhase{
			waits("Running", "ImagePullBackOff", cantPull).andLooks(beforeExpiry),
			waits("Running", "ImagePullBackOff", cantPull).andLooks(beforeExpiry),
			stays.andRemoves(), stays.andStops(), stays.andStops(), stays.andStops(),
		}},
		{"image can't be pulled for too long", all(impatientRun, aJob(), aPod(waiting("ErrImagePull", "not found"))), byPhase{
			ends(100, "Failed", "ImagePullBackOff", "container main: can't pull image registry.example.com/app:1: not found (pending for 1m)").laterStops(),
			ends(100, "Failed", "ImagePullBackOff", "container main: can't pull image registry.example.com/app:1: not found (pending for 1m)").laterStops(),
			stays.andRemoves(), stays.andStops(), stays.andStops(), stays.andStops(),
		}},
		{"runs", all(aJob(), aPod()), byPhase{
			is("Running", "", ""), stays,
			stays.andRemoves(), stays.andStops(), stays.andStops(), stays.andStops(),
		}},
		{"runs, Job suspended", all(aJob(suspend), aPod()), byPhase{
			waits("Running", "Suspended", isSuspended), waits("Running", "Suspended", isSuspended),
			stays.andRemoves(), stays, stays, stays,
		}},
		{"exited with 0", all(aJob(), aPod(exit(0, "Completed", 70))), byPhase{
			ends(70, "Succeeded", "", ""), ends(70, "Succeeded", "", ""),
			stays, stays, stays, stays.andStops(),
		}},
		{"succeeded", all(aJob(), aPod(exit(0, "Completed", 70), succeeded)), byPhase{
			ends(70, "Succeeded", "", ""), ends(70, "Succeeded", "", ""),
			stays, stays, stays, stays.andEnds(),
		}},
		{"succeeded, Job complete", all(aJob(complete), aPod(exit(0, "Completed", 70), succeeded)), byPhase{
			ends(70, "Succeeded", "", ""), ends(70, "Succeeded", "", ""),
			stays, stays, stays, stays,
		}},
		{"one of two succeeded", all(aJob(parallel), aPod(exit(0, "Completed", 70), succeeded)), byPhase{
			waits("Running", "AwaitingPod", "pod pod has ended, and the Job controller has neither ended its Job nor made another pod").andLooks(30 * time.Second),
			waits("Running", "AwaitingPod", "pod pod has ended, and the Job controller has neither ended its Job nor made another pod").andLooks(30 * time.Second),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"exited with 1", all(aJob(), aPod(exit(1, "Error", 75))), byPhase{
			is("Running", "", "").andLooks(35 * time.Second), stays.andLooks(35 * time.Second),
			stays.andRemoves(), stays.andStops(), stays.andStops(), stays.andStops(),
		}},
		{"failed", all(aJob(), aPod(exit(1, "Error", 75), failed)), byPhase{
			is("Running", "", "").andLooks(15 * time.Second), stays.andLooks(15 * time.Second),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"failed, Job failed", all(aJob(backoffLimit(80)), aPod(exit(1, "Error", 75), failed)), byPhase{
			ends(80, "Failed", "Error", exitedWith1), ends(80, "Failed", "Error", exitedWith1),
			stays, stays, stays, stays,
		}},
		{"out of memory, Job failed", all(aJob(backoffLimit(80)), aPod(exit(137, "OOMKilled", 75), failed)), byPhase{
			ends(80, "Failed", "OOMKilled", noMemory), ends(80, "Failed", "OOMKilled", noMemory),
			stays, stays, stays, stays,
		}},
		{"timed out, Job failed", all(aJob(backoffLimit(80)), aPod(deadline(60), exit(143, "Error", 75), failed, podReason("DeadlineExceeded", ""))), byPhase{
			ends(80, "Failed", "TimedOut", "stopped after its timeout of 1m"),
			ends(80, "Failed", "TimedOut", "stopped after its timeout of 1m"),
			stays, stays, stays, stays,
		}},
		{"runs, Job failed just now", all(aJob(backoffLimit(95)), aPod()), byPhase{
			is("Running", "", "").andLooks(10 * time.Second), stays.andLooks(10 * time.Second),
			stays, stays, stays, stays,
		}},
		{"runs, Job failed", all(aJob(backoffLimit(80)), aPod()), byPhase{
			ends(80, "Failed", "PodDeleted", wasDeleted),
			ends(80, "Failed", "PodDeleted", wasDeleted),
			stays, stays, stays, stays,
		}},
		{"left bad outputs", all(aJob(), aPod(exit(0, "Completed", 70), left("main", "{"))), byPhase{
			ends(5, "Failed", "InvalidOutputs", badOutputs),
			ends(5, "Failed", "InvalidOutputs", badOutputs),
			stays, stays, stays, stays.andStops(),
		}},
		{"couldn't keep an artifact", all(aJob(), aPod(exit(0, "Completed", 70), succeeded, kept(1, `{"error": "keeping artifact dist failed: the store is full"}`))), byPhase{
			ends(70, "Failed", "ArtifactsFailed", notKept), ends(70, "Failed", "ArtifactsFailed", notKept),
			stays, stays, stays, stays.andEnds(),
		}},
		{"left text", all(aJob(), aPod(exit(0, "Completed", 70), left("main", "done"))), byPhase{
			ends(5, "Succeeded", "", ""), ends(5, "Succeeded", "", ""),
			stays, stays, stays, stays.andStops(),
		}},
		{"left half of its outputs, Job failed", all(aJob(backoffLimit(80)), aPod(ended("main", "{", 1), failed)), byPhase{
			ends(80, "Failed", "Error", exitedWith1), ends(80, "Failed", "Error", exitedWith1),
			stays, stays, stays, stays,
		}},
		{"disrupted", all(aJob(), aPod(disrupted(60), deleted(60))), byPhase{
			waits("Running", "Disrupted", isReplaced+"no more is known").lastDisrupted(60).andLooks(20 * time.Second),
			waits("Running", "Disrupted", isReplaced+"no more is known").lastDisrupted(60).andLooks(20 * time.Second),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"disrupted, exited with 0", all(aJob(), aPod(disrupted(60), deleted(60), exit(0, "Completed", 70))), byPhase{
			ends(70, "Failed", "Disrupted", wasDisrupted).lastDisrupted(60),
			ends(70, "Failed", "Disrupted", wasDisrupted).lastDisrupted(60),
			stays, stays, stays, stays.andEnds(),
		}},
		{"disrupted, failed", all(aJob(), aPod(disrupted(60), deleted(60), exit(143, "Error", 75), failed)), byPhase{
			waits("Running", "Disrupted", isReplaced+"no more is known").lastDisrupted(60).andLooks(30 * time.Second),
			waits("Running", "Disrupted", isReplaced+"no more is known").lastDisrupted(60).andLooks(30 * time.Second),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"exited with 0, disrupted", all(aJob(), aPod(exit(0, "Completed", 70), disrupted(75), deleted(75))), byPhase{
			ends(70, "Succeeded", "", ""), ends(70, "Succeeded", "", ""),
			stays, stays, stays, stays.andEnds(),
		}},
		{"evicted", all(aJob(), aPod(disrupted(60), failed, podReason("Evicted", "low on memory"))), byPhase{
			waits("Running", "Disrupted", isReplaced+"low on memory").lastDisrupted(60).andLooks(30 * time.Second),
			waits("Running", "Disrupted", isReplaced+"low on memory").lastDisrupted(60).andLooks(30 * time.Second),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"evicted, being replaced", all(aJob(), aPod(disrupted(60), failed, podReason("Evicted", "low on memory")), aPod(unstarted)), byPhase{
			is("Running", "", "").inAttempt(2).lastDisrupted(60).andLooks(beforeExpiry),
			is("Running", "", "").inAttempt(2).lastDisrupted(60).andLooks(beforeExpiry),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"deleted", all(aJob(), aPod(deleted(60))), byPhase{
			is("Running", "", "").andLooks(20 * time.Second), stays.andLooks(20 * time.Second),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"deleted, exited with 0", all(aJob(), aPod(deleted(60), exit(0, "Completed", 70))), byPhase{
			ends(70, "Failed", "PodDeleted", wasDeleted),
			ends(70, "Failed", "PodDeleted", wasDeleted),
			stays, stays, stays, stays.andEnds(),
		}},
		{"deleted, failed, Job failed", all(aJob(backoffLimit(80)), aPod(deleted(60), exit(143, "Error", 75), failed)), byPhase{
			ends(80, "Failed", "PodDeleted", wasDeleted),
			ends(80, "Failed", "PodDeleted", wasDeleted),
			stays, stays, stays, stays,
		}},
		{"refused by the kubelet", all(aJob(), aPod(refusedBy("OutOfcpu"))), byPhase{
			waits("Running", "Disrupted", "pod pod is replaced: OutOfcpu: Pod was rejected: no room").lastDisrupted(1).andLooks(40 * time.Second),
			waits("Running", "Disrupted", "pod pod is replaced: OutOfcpu: Pod was rejected: no room").lastDisrupted(1).andLooks(40 * time.Second),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"refused by the kubelet, being replaced", all(aJob(), aPod(refusedBy("NodeShutdown")), aPod(unstarted)), byPhase{
			is("Running", "", "").inAttempt(2).lastDisrupted(1).andLooks(beforeExpiry),
			is("Running", "", "").inAttempt(2).lastDisrupted(1).andLooks(beforeExpiry),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"refused by the kubelet once, failed, Job failed", all(aJob(backoffLimit(80)), aPod(exit(1, "Error", 75), failed), aPod(refusedBy("UnexpectedAdmissionError"))), byPhase{
			ends(80, "Failed", "Error", exitedWith1).inAttempt(2).lastDisrupted(1),
			ends(80, "Failed", "Error", exitedWith1).inAttempt(2).lastDisrupted(1),
			stays, stays, stays, stays,
		}},
		{"refused by the kubelet, which the Job counts", all(aJob(backoffLimit(80)), aPod(refusedBy("OutOfpods"))), byPhase{
			ends(80, "Failed", "OutOfpods", "Pod was rejected: no room").lastDisrupted(1),
			ends(80, "Failed", "OutOfpods", "Pod was rejected: no room").lastDisrupted(1),
			stays, stays, stays, stays,
		}},
		{"let go by the Job", all(aJob(), aPod(deleted(60), letGo, exit(0, "Completed", 70))), byPhase{
			is("Running", "", "").andLooks(20 * time.Second), stays.andLooks(20 * time.Second),
			stays, stays, stays, stays.andEnds(),
		}},
		{"let go by the Job, which is suspended", all(aJob(suspend), aPod(deleted(60), letGo, exit(0, "Completed", 70))), byPhase{
			waits("Running", "Suspended", isSuspended), waits("Running", "Suspended", isSuspended),
			stays, stays, stays, stays.andRemoves(),
		}},
		{"let go by the Job, being replaced", all(aJob(), aPod(deleted(60), letGo, exit(0, "Completed", 70)), aPod(unstarted)), byPhase{
			is("Running", "", ""), stays,
			stays, stays, stays, stays.andEnds(),
		}},
		{"deleted, exited with 0, counted", all(aJob(complete), aPod(deleted(60), letGo, exit(0, "Completed", 70))), byPhase{
			ends(70, "Failed", "PodDeleted", wasDeleted),
			ends(70, "Failed", "PodDeleted", wasDeleted),
			stays, stays, stays, stays,
		}},
		{"of another Job", all(aJob(), aPod(exit(0, "Completed", 70), func(p *corev1.Pod) { p.OwnerReferences[0].UID = "another" })), byPhase{
			waits("Running", "AwaitingPod", "its Job has no pod, and its events don't say why").andLooks(30 * time.Second),
			waits("Running", "AwaitingPod", "its Job has no pod, and its events don't say why").andLooks(30 * time.Second),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
	}
}

// haltEvents are of a Run that is to end.
func haltEvents() []row {
	failed := podPhase(corev1.PodFailed)
	stopped := aPod(deadline(1), exit(143, "Error", 90), failed, podReason("DeadlineExceeded", ""))
	return []row{
		{"cancelled, no Job", cancelledRun, byPhase{
			ends(100, "Cancelled", "Cancelled", notStarted), stays,
			stays, stays, stays, stays,
		}},
		{"cancelled, no Job any more", all(cancelledRun, missing), byPhase{
			ends(100, "Failed", "JobDeleted", jobGone), ends(100, "Failed", "JobDeleted", jobGone),
			stays, stays, stays, stays,
		}},
		{"cancelled, just made", all(cancelledRun, func(f *plan.Facts) { withJob(f, "a") }), byPhase{
			ends(100, "Cancelled", "Cancelled", notStarted).andEnds(),
			ends(100, "Cancelled", "Cancelled", notStarted).andEnds(),
			stays, stays, stays, stays.andEnds(),
		}},
		{"cancelled, on no node", all(cancelledRun, aJob(), aPod(unstarted)), byPhase{
			ends(100, "Cancelled", "Cancelled", notStarted).andEnds(),
			ends(100, "Cancelled", "Cancelled", notStarted).andEnds(),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"cancelled, runs", all(cancelledRun, aJob(), aPod()), byPhase{
			is("Running", "", "").andStops().isStopped(), stays.andStops().isStopped(),
			stays.andRemoves(), stays.andStops(), stays.andStops(), stays.andStops(),
		}},
		{"cancelled, being stopped", all(cancelledRun, aJob(), aPod(deadline(1))), byPhase{
			is("Running", "", "").isStopped(), stays.isStopped(),
			stays.andRemoves(), stays.isAwaited(), stays.isAwaited(), stays.isAwaited(),
		}},
		{"cancelled, stopped", all(cancelledRun, aJob(), stopped), byPhase{
			ends(100, "Cancelled", "Cancelled", wasCancelled).andEnds(),
			ends(100, "Cancelled", "Cancelled", wasCancelled).andEnds(),
			stays.andRemoves(), stays.andEnds(), stays.andEnds(), stays.andEnds(),
		}},
		{"cancelled, stopped, told to end", all(cancelledRun, aJob(toEnd), stopped), byPhase{
			ends(100, "Cancelled", "Cancelled", wasCancelled),
			ends(100, "Cancelled", "Cancelled", wasCancelled),
			stays.andRemoves(), stays, stays, stays,
		}},
		{"cancelled, stopped, suspended", all(cancelledRun, aJob(suspend), stopped), byPhase{
			ends(100, "Cancelled", "Cancelled", wasSuspended).laterRemoves(),
			ends(100, "Cancelled", "Cancelled", wasSuspended).laterRemoves(),
			stays.andRemoves(), stays.andRemoves(), stays.andRemoves(), stays.andRemoves(),
		}},
		{"cancelled, stopped, Job failed", all(cancelledRun, aJob(backoffLimit(95)), stopped), byPhase{
			ends(95, "Cancelled", "Cancelled", wasCancelled),
			ends(95, "Cancelled", "Cancelled", wasCancelled),
			stays, stays, stays, stays,
		}},
		{"cancelled, exited with 0", all(cancelledRun, aJob(), aPod(exit(0, "Completed", 70))), byPhase{
			ends(70, "Succeeded", "", ""), ends(70, "Succeeded", "", ""),
			stays, stays, stays, stays.andStops(),
		}},
		{"cancelled, failed, Job failed", all(cancelledRun, aJob(backoffLimit(80)), aPod(exit(1, "Error", 75), failed)), byPhase{
			ends(80, "Failed", "Error", exitedWith1), ends(80, "Failed", "Error", exitedWith1),
			stays, stays, stays, stays,
		}},
		{"cancelled, deleted, suspended", all(cancelledRun, aJob(suspend), aPod(deleted(60), letGo, exit(0, "Completed", 70))), byPhase{
			ends(100, "Cancelled", "Cancelled", wasSuspended).laterRemoves(),
			ends(100, "Cancelled", "Cancelled", wasSuspended).laterRemoves(),
			stays, stays, stays, stays.andRemoves(),
		}},
		{"timed out, no Job", timedOutRun, byPhase{
			ends(100, "Cancelled", "TimedOut", "timed out before it started: the Run took longer than its timeout of 1m30s"),
			stays,
			stays, stays, stays, stays,
		}},
		{"timed out, runs", all(timedOutRun, aJob(), aPod()), byPhase{
			is("Running", "", "").andStops().isStopped(), stays.andStops().isStopped(),
			stays.andRemoves(), stays.andStops(), stays.andStops(), stays.andStops(),
		}},
		{"failing fast, no Job", failingRun, byPhase{
			ends(100, "Cancelled", "JobFailed", "stopped before it started: job b failed: Error: "+exitedWith1), stays,
			stays, stays, stays, stays,
		}},
		{"failing fast, runs", all(failingRun, aJob(), aPod()), byPhase{
			is("Running", "", "").andStops().isStopped(), stays.andStops().isStopped(),
			stays.andRemoves(), stays.andStops(), stays.andStops(), stays.andStops(),
		}},
		{"failing fast, stopped, suspended", all(failingRun, aJob(suspend), stopped), byPhase{
			ends(100, "Cancelled", "JobFailed", "stopped while its Job was suspended: job b failed: Error: "+exitedWith1).laterRemoves(),
			ends(100, "Cancelled", "JobFailed", "stopped while its Job was suspended: job b failed: Error: "+exitedWith1).laterRemoves(),
			stays.andRemoves(), stays.andRemoves(), stays.andRemoves(), stays.andRemoves(),
		}},
		{"timed out, stopped, suspended", all(timedOutRun, aJob(suspend), stopped), byPhase{
			ends(100, "Cancelled", "TimedOut", "timed out while its Job was suspended: the Run took longer than its timeout of 1m30s").laterRemoves(),
			ends(100, "Cancelled", "TimedOut", "timed out while its Job was suspended: the Run took longer than its timeout of 1m30s").laterRemoves(),
			stays.andRemoves(), stays.andRemoves(), stays.andRemoves(), stays.andRemoves(),
		}},
	}
}

// finallyEvents are of a job that starts when the others have ended.
func finallyEvents() []row {
	stopped := aPod(deadline(1), podPhase(corev1.PodFailed), podReason("DeadlineExceeded", ""), exit(143, "Error", 90))
	const late = "timed out while it ran: the finally jobs took longer than the finallyTimeout of 1m"
	return []row{
		{"another job runs", finallyJob(v1alpha1.JobRunning), byPhase{
			is("Waiting", "AwaitingNeeds", "comes after all other jobs"), stays,
			stays, stays, stays, stays,
		}},
		{"the other job has failed", finallyJob(v1alpha1.JobFailed), byPhase{
			is("Running", "", "").afterCreating().andLooks(30 * time.Second), stays.andLooks(10 * time.Minute),
			stays, stays, stays, stays,
		}},
		{"the other job was cancelled", finallySince(90), byPhase{
			is("Running", "", "").afterCreating().andLooks(30 * time.Second), stays.andLooks(50 * time.Second),
			stays, stays, stays, stays,
		}},
		{"the other job was cancelled, runs", all(finallySince(90), aJob(), aPod()), byPhase{
			is("Running", "", "").andLooks(50 * time.Second), stays.andLooks(50 * time.Second),
			stays.andRemoves(), stays.andStops(), stays.andStops(), stays.andStops(),
		}},
		{"late, no Job", finallySince(40), byPhase{
			ends(100, "Failed", "TimedOut", "timed out before it started: the finally jobs took longer than the finallyTimeout of 1m"), stays,
			stays, stays, stays, stays,
		}},
		{"late, runs", all(finallySince(40), aJob(), aPod()), byPhase{
			is("Running", "", "").andStops().isStopped(), stays.andStops().isStopped(),
			stays.andRemoves(), stays.andStops(), stays.andStops(), stays.andStops(),
		}},
		{"late, stopped, Job failed", all(finallySince(40), aJob(backoffLimit(95)), stopped), byPhase{
			ends(95, "Failed", "TimedOut", late), ends(95, "Failed", "TimedOut", late),
			stays, stays, stays, stays,
		}},
	}
}
