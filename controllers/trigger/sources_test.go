package trigger

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
)

// TestLoopIsNotReady: Runs that would start each other without end don't.
func TestLoopIsNotReady(t *testing.T) {
	trigger := func(name, pipeline, after string) *v1alpha1.Trigger {
		return &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name}, Spec: v1alpha1.TriggerSpec{Pipeline: pipeline, Run: &v1alpha1.RunEnd{Pipeline: after}}}
	}
	w := newWorld(t, interceptor.Funcs{}, webPipeline(), trigger("web-push", "web", "build"), trigger("back", "build", "web"))
	w.reconcile(t)
	got := w.status(t).Conditions[0]
	got.LastTransitionTime = metav1.Time{}
	want := metav1.Condition{
		Type: "Ready", Status: metav1.ConditionFalse, Reason: "PipelineLoop",
		Message: "Runs would start others without end, by way of the Pipelines build, web, build: take spec.run out of one of their Triggers",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestStatusOfOtherSources: what starts Runs without a request has no path and no
// Secret.
func TestStatusOfOtherSources(t *testing.T) {
	schedule := func(zone string, params map[string]string) *v1alpha1.Trigger {
		return webhookTrigger(func(s *v1alpha1.TriggerSpec) {
			s.Webhook, s.Schedule, s.Params = nil, &v1alpha1.Schedule{Cron: "0 3 * * *", TimeZone: zone}, params
		})
	}
	after := func(edits ...func(*v1alpha1.TriggerSpec)) *v1alpha1.Trigger {
		return webhookTrigger(append(edits, func(s *v1alpha1.TriggerSpec) {
			s.Webhook, s.Run, s.Params = nil, &v1alpha1.RunEnd{Pipeline: "build", Phases: []v1alpha1.RunPhase{"Succeeded", "Failed"}}, nil
		})...)
	}
	const address = "https://git.example.com/acme/web.git"
	poll := func(known *v1alpha1.PollStatus) *v1alpha1.Trigger {
		trigger := webhookTrigger(func(s *v1alpha1.TriggerSpec) {
			s.Webhook, s.Poll, s.Params = nil, &v1alpha1.Poll{URL: address}, map[string]string{"sha": "event.sha"}
		})
		trigger.Status.Poll = known
		return trigger
	}
	watch := func(name string, known *v1alpha1.ResourceStatus) *v1alpha1.Trigger {
		trigger := webhookTrigger(func(s *v1alpha1.TriggerSpec) {
			s.Webhook, s.Resource, s.Params = nil, &v1alpha1.Resource{APIVersion: "v1", Kind: "ConfigMap", Name: name}, map[string]string{"sha": "object.data.sha"}
		})
		trigger.Status.Resource = known
		return trigger
	}
	seen := func(name string) *v1alpha1.ResourceStatus {
		return &v1alpha1.ResourceStatus{APIVersion: "v1", Kind: "ConfigMap", Name: name, Version: "7"}
	}
	unwatched := watch("", seen(""))
	unwatched.Spec.Suspend = true
	resting := poll(&v1alpha1.PollStatus{URL: address})
	resting.Spec.Suspend = true
	sha := webPipeline(v1alpha1.Param{Name: "sha"})
	suspended := schedule("", nil)
	suspended.Spec.Suspend = true
	type ready struct {
		Status                  metav1.ConditionStatus
		Reason, Message, Source string
	}
	for name, tt := range map[string]struct {
		trigger *v1alpha1.Trigger
		other   client.Object
		want    ready
	}{
		"another pipeline's end": {
			after(), webPipeline(),
			ready{metav1.ConditionTrue, "Following", "Runs of web start when Runs of build have ended: Succeeded, Failed", "build: Succeeded, Failed"},
		},
		"its end, suspended": {
			after(func(s *v1alpha1.TriggerSpec) { s.Suspend = true }), webPipeline(),
			ready{metav1.ConditionFalse, "Suspended", "spec.suspend is true: no end of a Run of build starts one, nor will one that comes until then", "build: Succeeded, Failed"},
		},
		"its end gives too little": {
			after(), webPipeline(v1alpha1.Param{Name: "sha"}),
			ready{metav1.ConditionFalse, "InvalidParameters", "Pipeline web requires parameters that spec.params doesn't give: sha", "build: Succeeded, Failed"},
		},
		"a schedule": {
			schedule("Europe/Berlin", map[string]string{"day": "string(time.getDayOfYear())", "stage": "'test'"}),
			webPipeline(v1alpha1.Param{Name: "day"}, v1alpha1.Param{Name: "stage", Enum: []string{"test"}}),
			ready{metav1.ConditionTrue, "Scheduled", "Runs of web start by the schedule 0 3 * * * in Europe/Berlin", "0 3 * * * Europe/Berlin"},
		},
		"its pipeline is missing": {
			schedule("", nil), nil,
			ready{metav1.ConditionFalse, "PipelineNotFound", "Pipeline web does not exist in this namespace: create it, or correct spec.pipeline", "0 3 * * * UTC"},
		},
		"it gives too little": {
			schedule("", nil), webPipeline(v1alpha1.Param{Name: "day"}),
			ready{metav1.ConditionFalse, "InvalidParameters", "Pipeline web requires parameters that spec.params doesn't give: day", "0 3 * * * UTC"},
		},
		"it gives what isn't allowed": {
			schedule("", map[string]string{"stage": "'prod'"}), webPipeline(v1alpha1.Param{Name: "stage", Enum: []string{"test"}}),
			ready{metav1.ConditionFalse, "InvalidParameters", `params[stage]: Invalid value: must be one of "test"`, "0 3 * * * UTC"},
		},
		"it can't be evaluated": {
			schedule("", map[string]string{"day": "['a'][time.getDayOfYear() + 1]"}), webPipeline(v1alpha1.Param{Name: "day"}),
			ready{metav1.ConditionFalse, "InvalidParameters", "spec.params[day]: 1:6: index out of bounds: 1", "0 3 * * * UTC"},
		},
		"an event isn't there": {
			schedule("", map[string]string{"day": "event.sha"}), webPipeline(v1alpha1.Param{Name: "day"}),
			ready{metav1.ConditionFalse, "InvalidSpec", "spec.params[day]: Invalid value: 1:1: undeclared reference to 'event' (the variable is time; text stands in quotes)", "0 3 * * * UTC"},
		},
		"suspended": {
			suspended, webPipeline(),
			ready{metav1.ConditionFalse, "Suspended", "spec.suspend is true: no time of the schedule starts a Run, nor will one that passes until then", "0 3 * * * UTC"},
		},
		"a poll": {
			poll(&v1alpha1.PollStatus{URL: address}), sha,
			ready{metav1.ConditionTrue, "Polling", "Runs of web start when what is followed of " + address + " has moved", address},
		},
		"a poll of too much": {
			poll(&v1alpha1.PollStatus{URL: address, Heads: make([]v1alpha1.PollHead, 100), More: 7}), sha,
			ready{metav1.ConditionTrue, "Polling", "Runs of web start when what is followed of " + address +
				" has moved; 7 more branches and tags match and are not followed, since 100 is the limit: write narrower globs", address},
		},
		"a poll before its first look": {
			poll(nil), sha,
			ready{metav1.ConditionFalse, "Looking", "the first look at " + address + " has yet to end; it starts nothing", address},
		},
		"a poll of another URL": {
			poll(&v1alpha1.PollStatus{URL: "https://git.example.com/docs"}), sha,
			ready{metav1.ConditionFalse, "Looking", "the first look at " + address + " has yet to end; it starts nothing", address},
		},
		"a poll that fails": {
			poll(&v1alpha1.PollStatus{URL: address, Failure: &v1alpha1.PollFailure{Reason: "FetchFailed", Message: "no route"}}), sha,
			ready{metav1.ConditionFalse, "FetchFailed", "no route", address},
		},
		"a poll that is suspended": {
			resting, sha,
			ready{metav1.ConditionFalse, "Suspended", "spec.suspend is true: nobody looks at the repository, and what moves until then starts nothing", address},
		},
		"objects": {
			watch("", seen("")), sha,
			ready{metav1.ConditionTrue, "Watching", "Runs of web start when any ConfigMap changes: Added, Updated", "ConfigMap: Added, Updated"},
		},
		"an object": {
			watch("settings", seen("settings")), sha,
			ready{metav1.ConditionTrue, "Watching", "Runs of web start when ConfigMap settings changes: Added, Updated", "ConfigMap settings: Added, Updated"},
		},
		"objects before the first look": {
			watch("", nil), sha,
			ready{metav1.ConditionFalse, "Looking", "the first look at any ConfigMap has yet to end; it starts nothing", "ConfigMap: Added, Updated"},
		},
		"another object": {
			watch("settings", seen("")), sha,
			ready{metav1.ConditionFalse, "Looking", "the first look at ConfigMap settings has yet to end; it starts nothing", "ConfigMap settings: Added, Updated"},
		},
		"objects that can't be watched": {
			watch("", &v1alpha1.ResourceStatus{Version: "7", Failure: &v1alpha1.ResourceFailure{Reason: "WatchFailed", Message: "configmaps is forbidden"}}), sha,
			ready{metav1.ConditionFalse, "WatchFailed", "configmaps is forbidden", "ConfigMap: Added, Updated"},
		},
		"objects, suspended": {
			unwatched, sha,
			ready{metav1.ConditionFalse, "Suspended", "spec.suspend is true: nobody watches any ConfigMap, and what changes until then starts nothing", "ConfigMap: Added, Updated"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := []client.Object{tt.trigger}
			if tt.other != nil {
				objects = append(objects, tt.other)
			}
			w := newWorld(t, interceptor.Funcs{}, objects...)
			for range 2 {
				if next := w.reconcile(t).RequeueAfter; next != 0 {
					t.Errorf("looks again after %s", next)
				}
			}
			want := v1alpha1.TriggerStatus{ObservedGeneration: 3, Source: tt.want.Source, Conditions: []metav1.Condition{{
				Type: "Ready", Status: tt.want.Status, Reason: tt.want.Reason, Message: tt.want.Message, ObservedGeneration: 3,
			}}, Poll: tt.trigger.Status.Poll, Resource: tt.trigger.Status.Resource}
			if diff := cmp.Diff(want, w.status(t), cmpopts.IgnoreFields(metav1.Condition{}, "LastTransitionTime")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if w.writes != 1 {
				t.Errorf("two passes wrote %d times", w.writes)
			}
		})
	}
}
