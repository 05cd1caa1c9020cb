package report_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/report/logs"
)

// password is a Secret's value that jobs print.
const password = "canarybird-password"

// logServer is the API server, as far as logs go.
type logServer struct {
	pods *corev1client.CoreV1Client

	mu    sync.Mutex
	asked []string
	code  int
	text  string
}

func newLogServer(t *testing.T) *logServer {
	t.Helper()
	s := &logServer{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	pods, err := corev1client.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	s.pods = pods
	return s
}

func (s *logServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.RequestURI())
	if s.code != 0 {
		w.WriteHeader(s.code)
	}
	fmt.Fprint(w, s.text)
}

// prints has every container have printed so much.
func (s *logServer) prints(code int, lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code, s.text = code, strings.Join(lines, "\n")+"\n"
}

func (w *world) reader() *logs.Reader {
	return &logs.Reader{Client: w.client, APIReader: w.client, Pods: w.logs.pods}
}

// failing is a Run one of whose jobs has failed, in a pod that names a Secret.
func failing(r *v1alpha1.Run) {
	failed(r)
	r.UID = types.UID("uid-of-" + r.Name)
	r.Status.StartTime = new(metav1.NewTime(noon))
	r.Status.Jobs = []v1alpha1.JobStatus{
		{Name: "lint", Phase: v1alpha1.JobSucceeded, Job: r.Name + "-lint"},
		{Name: "test", Phase: v1alpha1.JobFailed, Reason: "Error", Message: "container main exited with code 1", Job: r.Name + "-test"},
	}
}

// partsOf are the failed job's Job and pod, and the Secret that it names.
func partsOf(run string) []client.Object {
	owned := func(name, kind, owner, uid string) metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: types.UID("uid-of-" + name),
			Labels:          map[string]string{v1alpha1.RunLabel: run, v1alpha1.JobLabel: "test"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "x/v1", Kind: kind, Name: owner, UID: types.UID(uid), Controller: new(true)}},
		}
	}
	ended := func(name string, code int32) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error", FinishedAt: metav1.NewTime(noon)}}}
	}
	return []client.Object{
		&batchv1.Job{ObjectMeta: owned(run+"-test", "Run", run, "uid-of-"+run)},
		&corev1.Pod{
			ObjectMeta: owned(run+"-test-x", "Job", run+"-test", "uid-of-"+run+"-test"),
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "helper"}, {Name: "main", EnvFrom: []corev1.EnvFromSource{
				{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "login"}}},
			}}}},
			Status: corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{ended("helper", 0), ended("main", 1)}},
		},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "login"}, Data: map[string][]byte{"password": []byte(password + "\n")}},
	}
}

// edit changes the Trigger's report.
func (w *world) edit(change func(*v1alpha1.Report)) {
	w.t.Helper()
	var trigger v1alpha1.Trigger
	if err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: "ci", Name: "web-push"}, &trigger); err != nil {
		w.t.Fatal(err)
	}
	change(trigger.Spec.Report)
	trigger.Generation++
	if err := w.client.Update(w.t.Context(), &trigger); err != nil {
		w.t.Fatal(err)
	}
}

// TestLogInStatus: nothing of a log is in a status unless the Trigger says so, and then
// no value of a Secret.
func TestLogInStatus(t *testing.T) {
	t.Parallel()
	const asked = "/api/v1/namespaces/ci/pods/a-test-x/log?container=main&limitBytes=2097152&tailLines=200&timestamps=true"
	for name, tt := range map[string]struct {
		report v1alpha1.Report
		with   []client.Object
		code   int
		want   string
		asked  []string
	}{
		"unasked":       {v1alpha1.Report{}, partsOf("a"), 0, "", nil},
		"asked":         {v1alpha1.Report{Logs: new(true)}, partsOf("a"), 0, ": FAIL: no login with *** at db", []string{asked}},
		"not readable":  {v1alpha1.Report{Logs: new(true)}, partsOf("a"), 403, ": no log: the API server doesn't give it (Forbidden)", []string{asked}},
		"no pod":        {v1alpha1.Report{Logs: new(true)}, partsOf("a")[:1], 0, ": no log: the pod is gone, and its log with it", nil},
		"no Secret":     {v1alpha1.Report{Logs: new(true)}, partsOf("a")[:2], 0, ": no log: KayCI can't read the Secret login that the pod names, and so can't mask its values", nil},
		"another's Job": {v1alpha1.Report{Logs: new(true)}, partsOf("b"), 0, ": no log: the pod is gone, and its log with it", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, append(tt.with, run("a", 0, failing))...)
			w.logs.prints(tt.code, "hello", "FAIL: no login with "+password+" at db", "-----", "")
			w.edit(func(r *v1alpha1.Report) { r.Logs = tt.report.Logs })
			w.expect("its end", 0, 1, "failure: job test failed"+tt.want)
			if diff := strings.Join(w.logs.asked, " "); diff != strings.Join(tt.asked, " ") {
				t.Errorf("asked for %s", diff)
			}
			w.expect("again", 0, 1)
		})
	}
}
