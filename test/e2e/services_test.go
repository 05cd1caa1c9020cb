package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// web is a service that serves a page with what it is told to say.
func web(text string) v1alpha1.Service {
	served := script("web", `mkdir /www; echo "`+text+`" > /www/index.html; echo serving; trap 'echo stopping; exit 0' TERM; httpd -f -p 8080 -h /www & wait`)
	served.Template.Spec.Template.Spec.Containers[0].ReadinessProbe = &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}, PeriodSeconds: 1,
	}
	return v1alpha1.Service{Name: "web", Ports: []v1alpha1.ServicePort{{Name: "http", Port: 8080}}, Template: served.Template}
}

func services(run *v1alpha1.Run) []string {
	var words []string
	for _, s := range run.Status.Services {
		words = append(words, strings.TrimSuffix(s.Name+"="+string(s.Phase)+"/"+s.Reason, "/"))
	}
	return words
}

// servicePod returns the one pod of a service.
func (s *space) servicePod(t *testing.T, run, service string) corev1.Pod {
	t.Helper()
	for _, pod := range s.pods(t, run) {
		if pod.Labels[v1alpha1.ServiceLabel] == service {
			return pod
		}
	}
	t.Fatalf("service %s of Run %s has no pod", service, run)
	return corev1.Pod{}
}

func (s *space) awaitNoService(t *testing.T, run string) {
	t.Helper()
	s.awaitGone(t, "the Services of Run "+run, &corev1.ServiceList{}, client.MatchingLabels{v1alpha1.RunLabel: run})
}

func TestTwoJobsUseAService(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	const read = `wget -q -O - "http://$KAYCI_SERVICE_WEB/"; wget -q -O - "http://$KAYCI_SERVICE_WEB_HTTP/"`
	p := s.pipeline("served", script("one", read), script("two", read), script("after", read, "one", "two"))
	p.Spec.Services = []v1alpha1.Service{web("hello")}
	s.create(t, p)
	s.start(t, "s", "served")
	run := s.awaitEnd(t, "s", v1alpha1.RunSucceeded)

	if diff := cmp.Diff([]string{"web=Stopped"}, services(run)); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	for _, job := range []string{"one", "two", "after"} {
		if got := s.log(t, "s", job, "main"); got != "hello\nhello\n" {
			t.Errorf("job %s has read %q", job, got)
		}
	}
	s.awaitNoService(t, "s")
	s.await(t, "the service's pod to stop and stay", func(context.Context) (bool, string, error) {
		pod := s.servicePod(t, "s", "web")
		return pod.Status.Phase == corev1.PodFailed && pod.DeletionTimestamp == nil, string(pod.Status.Phase), nil
	})
	// To Kubernetes, too, nothing of this has failed.
	complete := map[string]batchv1.JobConditionType{
		"one": batchv1.JobComplete, "two": batchv1.JobComplete, "after": batchv1.JobComplete, "web": batchv1.JobComplete,
	}
	if diff := cmp.Diff(complete, s.awaitVerdicts(t, "s")); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
	if got := s.podLog(t, s.servicePod(t, "s", "web").Name, "main"); got != "serving\nstopping\n" {
		t.Errorf("the service's log is %q", got)
	}
}

// A service that ends while a job runs takes the Run with it, whatever ended it.
func TestServiceThatEndsFailsTheRun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script string
		evict  bool
		want   string
	}{
		"program": {script: "exit 3", want: "service web failed: Error: container main exited with code 3"},
		"success": {script: "exit 0", want: "service web failed: Completed: container main exited with code 0"},
		"evicted": {evict: true, want: "service web failed: Disrupted: the pod was told to end: EvictionByEvictionAPI"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpace(t)
			p := s.pipeline("dying", script("patient", s.patient()), script("later", "true", "patient"))
			p.Spec.Services = []v1alpha1.Service{web("hello")}
			if !tc.evict {
				main := &p.Spec.Services[0].Template.Spec.Template.Spec.Containers[0]
				main.Command[2] = "httpd -p 8080; " + s.through("dies") + "; " + tc.script
			}
			s.create(t, p)
			s.start(t, "d", "dying")
			s.awaitArrival(t, "runs")
			s.openGate("runs")
			s.awaitLog(t, "d", "patient", "waiting")
			if tc.evict {
				eviction := &policyv1.Eviction{ObjectMeta: s.meta(s.servicePod(t, "d", "web").Name)}
				if err := s.Clientset.PolicyV1().Evictions(s.namespace).Evict(s.ctx, eviction); err != nil {
					t.Fatal(err)
				}
			} else {
				s.openGate("dies")
			}
			run := s.awaitEnd(t, "d", v1alpha1.RunFailed)
			condition := run.Status.Conditions[0]
			if condition.Reason != v1alpha1.ReasonServiceFailed || !strings.Contains(condition.Message, tc.want) {
				t.Errorf("the Run has failed with %s: %s, want %s", condition.Reason, condition.Message, tc.want)
			}
			if diff := cmp.Diff([]string{"patient=Cancelled/ServiceFailed", "later=Cancelled/ServiceFailed"}, phases(run)); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			s.expectStopped(t, "d")
			s.awaitNoService(t, "d")
		})
	}
}

// Pod Security refuses a Job's pods, not the Job: only its events tell.
func TestServiceThatPodSecurityRefuses(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.restrict(t)
	p := s.pipeline("refused", script("uses", "true"))
	p.Spec.PendingTimeout = &metav1.Duration{Duration: 40 * time.Second}
	p.Spec.Services = []v1alpha1.Service{web("hello")}
	s.create(t, p)
	s.start(t, "r", "refused")
	run := s.awaitEnd(t, "r", v1alpha1.RunFailed)
	if diff := cmp.Diff([]string{"web=Failed/FailedCreate"}, services(run)); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	if message := run.Status.Services[0].Message; !strings.Contains(message, "violates PodSecurity") {
		t.Errorf("the service has failed with %q", message)
	}
	if got := run.Status.Conditions[0].Reason; got != v1alpha1.ReasonServiceFailed {
		t.Errorf("the Run has failed with %s, want %s", got, v1alpha1.ReasonServiceFailed)
	}
	s.awaitNoService(t, "r")
}

// restrict has the namespace refuse pods that could do what ours don't say that
// they don't.
func (s *space) restrict(t *testing.T) {
	t.Helper()
	namespace := &corev1.Namespace{}
	if err := s.Client.Get(s.ctx, client.ObjectKey{Name: s.namespace}, namespace); err != nil {
		t.Fatal(err)
	}
	before := namespace.DeepCopy()
	metav1.SetMetaDataLabel(&namespace.ObjectMeta, "pod-security.kubernetes.io/enforce", "restricted")
	if err := s.Client.Patch(s.ctx, namespace, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}
