package logs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/report/state"
	"github.com/kayci/kayci/test/copies"
)

func owned(name, owner string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: "ci", Name: name, UID: "uid-of-x", Labels: map[string]string{v1alpha1.RunLabel: "web-1", v1alpha1.JobLabel: "test"},
		OwnerReferences: []metav1.OwnerReference{{Name: owner, UID: "uid-of-x", Controller: new(true)}},
	}
}

func ended(container string, code int32, second int) corev1.ContainerStatus {
	at := metav1.Unix(int64(1000+second), 0)
	return corev1.ContainerStatus{Name: container, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, FinishedAt: at}}}
}

func failedPod(edits ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: owned("web-1-test-x", "web-1-test"),
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "main"}, {Name: "proxy"}},
			Volumes:    []corev1.Volume{{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "login"}}}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{ended("main", 137, 9), ended("proxy", 1, 2)}},
	}
	for _, edit := range edits {
		edit(pod)
	}
	return pod
}

func login(values ...string) *corev1.Secret {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "login"}, Data: map[string][]byte{}}
	for i, value := range values {
		secret.Data[fmt.Sprint(i)] = []byte(value)
	}
	return secret
}

// TestEnd: what leaves the cluster of a log is its end without what is secret, and
// nothing where that can't be told.
func TestEnd(t *testing.T) {
	t.Parallel()
	job := &batchv1.Job{ObjectMeta: owned("web-1-test", "web-1")}
	const asked = "/api/v1/namespaces/ci/pods/web-1-test-x/log?container=proxy&limitBytes=2097152&tailLines=200&timestamps=true"
	const stamp = "2026-09-01T12:00:00.5Z "
	proxy := func(lines ...string) state.Log { return state.Log{Job: "test", Container: "proxy", Lines: lines} }
	missing := func(container, why string) state.Log {
		return state.Log{Job: "test", Container: container, Missing: why}
	}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "login", errors.New("no"))
	for name, tt := range map[string]struct {
		status  v1alpha1.JobStatus
		objects []client.Object
		secrets error
		code    int
		log     string
		want    state.Log
		asked   string
	}{
		"masked":            {objects: []client.Object{job, failedPod(), login("hunter22")}, log: stamp + "\x1b[31mPASS hunter22\x1b[0m\n" + stamp + "\n" + stamp + "  at y  \n", want: proxy("PASS ***", "", "  at y"), asked: asked},
		"without a newline": {objects: []client.Object{job, failedPod(), login()}, log: stamp + "a\n" + stamp + "b", want: proxy("a", "b"), asked: asked},
		"nothing":           {objects: []client.Object{job, failedPod(), login()}, log: "\n \n", want: missing("proxy", "it is empty"), asked: asked},
		"no Secret":         {objects: []client.Object{job, failedPod()}, log: "a", want: missing("proxy", "KayCI can't read the Secret login that the pod names, and so can't mask its values")},
		"a forbidden one":   {objects: []client.Object{job, failedPod(), login()}, secrets: forbidden, log: "a", want: missing("proxy", "KayCI can't read the Secret login that the pod names, and so can't mask its values")},
		"an unreadable one": {objects: []client.Object{job, failedPod(), login()}, secrets: errors.New("10.0.0.1 is away"), log: "a", want: missing("proxy", "the API server doesn't give it")},
		"too much to mask":  {objects: []client.Object{job, failedPod(), login(strings.Repeat("x", 1<<20), "x")}, log: "a", want: missing("proxy", "the Secrets that the pod names are larger together than what KayCI masks")},
		"no log":            {objects: []client.Object{job, failedPod(), login()}, code: 500, log: "Get https://10.0.0.1:10250/: refused", want: missing("proxy", "the API server doesn't give it (InternalError)"), asked: asked},
		"the node has none": {objects: []client.Object{job, failedPod(), login()}, log: "unable to retrieve container logs for containerd://1", want: missing("proxy", "the API server doesn't give it"), asked: asked},
		"no right":          {objects: []client.Object{job, failedPod(), login()}, code: 403, want: missing("proxy", "the API server doesn't give it (Forbidden)"), asked: asked},
		"no pod":            {objects: []client.Object{job}, want: missing("", "the pod is gone, and its log with it")},
		"no Job":            {objects: []client.Object{failedPod()}, want: missing("", "the pod is gone, and its log with it")},
		"another's Job":     {objects: []client.Object{&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1-test"}}, failedPod()}, want: missing("", "the pod is gone, and its log with it")},
		"another's pod":     {objects: []client.Object{job, failedPod(func(p *corev1.Pod) { p.OwnerReferences = nil })}, want: missing("", "the pod is gone, and its log with it")},
		"no Job ever":       {status: v1alpha1.JobStatus{Name: "test"}, want: missing("", "the job never started")},
		"nothing has run":   {objects: []client.Object{job, failedPod(func(p *corev1.Pod) { p.Status.ContainerStatuses = nil })}, want: missing("", "no container of the pod has run")},
		"a pod that passed": {objects: []client.Object{job, failedPod(func(p *corev1.Pod) {
			p.Status.Phase, p.Status.ContainerStatuses = corev1.PodSucceeded, []corev1.ContainerStatus{ended("main", 0, 1)}
		}), login()}, log: stamp + "a", want: state.Log{Job: "test", Container: "main", Lines: []string{"a"}}, asked: strings.Replace(asked, "proxy", "main", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.URL.RequestURI()
				if tt.code != 0 {
					w.WriteHeader(tt.code)
				}
				fmt.Fprint(w, tt.log)
			}))
			t.Cleanup(server.Close)
			reader := reader(t, server.URL, tt.secrets, tt.objects...)
			if tt.status.Name == "" {
				tt.status = v1alpha1.JobStatus{Name: "test", Job: "web-1-test"}
			}
			run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1", UID: "uid-of-x"}}
			if diff := cmp.Diff(tt.want, reader.End(t.Context(), run, &tt.status)); diff != "" || got != tt.asked {
				t.Errorf("asked for %q, (-want +got):\n%s", got, diff)
			}
		})
	}
}

func reader(t *testing.T, host string, secrets error, objects ...client.Object) *Reader {
	t.Helper()
	pods, err := corev1client.NewForConfig(&rest.Config{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	objectsOf := fake.NewClientBuilder().WithObjects(copies.Of(objects...)...).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if _, is := obj.(*corev1.Secret); is && secrets != nil {
				return secrets
			}
			return c.Get(ctx, key, obj, opts...)
		},
	}).Build()
	return &Reader{Client: objectsOf, APIReader: objectsOf, Pods: pods}
}

// TestLast: the last lines are shown, without what may be a part of one.
func TestLast(t *testing.T) {
	t.Parallel()
	lines := func(from, to int) (text []string) {
		for i := from; i < to; i++ {
			text = append(text, fmt.Sprint(i))
		}
		return text
	}
	long := strings.Repeat("x", 110*entry)
	wide := slices.Repeat([]string{strings.Repeat("x", entry-1)}, 99)
	for name, tt := range map[string]struct {
		raw  string
		want []string
	}{
		"few":                  {"a\nb\n", []string{"a", "b"}},
		"as many as are shown": {strings.Join(lines(0, 100), "\n") + "\n", lines(0, 100)},
		"the first is a part":  {strings.Join(lines(0, 101), "\n") + "\n", lines(1, 101)},
		"it may be of a long":  {"secret\n" + strings.Join(lines(0, 97), "\n") + "\n" + long, append(lines(0, 97), long)},
		"it may be of many":    {"secret\n" + strings.Join(wide, "\n") + "\n", wide},
		"the last was cut":     {"a\nb\n" + strings.Repeat("y", maxBytes-4), []string{"b"}},
		"nothing but what was": {strings.Repeat("y", maxBytes), []string{}},
	} {
		got, _ := last([]byte(tt.raw))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%.2000s", name, diff)
		}
	}
}
