package pods_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/pods"
	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/jobpod"
)

// ask returns the status code and the words of an answer.
func ask(ctx context.Context, h http.Handler, method, path, token string) (int, string) {
	r := httptest.NewRequestWithContext(ctx, method, "/v1/pod/"+path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var status metav1.Status
	if w.Code/100 != 2 && json.Unmarshal(w.Body.Bytes(), &status) == nil {
		return w.Code, status.Message
	}
	return w.Code, w.Body.String()
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	const untaken = "the API server doesn't take the token: it has expired, its pod is gone, or it isn't meant for the audience kayci-store"
	for _, tt := range []struct {
		name   string
		change func(p *jobpod.Pod)
		code   int
		want   string
	}{
		{name: "the pod of a job", change: func(*jobpod.Pod) {}, code: 200},
		{name: "expired", change: func(p *jobpod.Pod) { p.Review.Authenticated = false }, code: 401, want: untaken},
		{name: "of another audience", change: func(p *jobpod.Pod) { p.Review.Audiences = []string{"vault"} }, code: 401, want: untaken},
		{name: "of no audience, from who knows none", change: func(p *jobpod.Pod) { p.Review.Audiences = nil }, code: 401, want: untaken},
		{name: "a person's", change: func(p *jobpod.Pod) { p.Review.User.Username = "ann" }, code: 403, want: `only pods of jobs may ask, and "ann" is the account of none`},
		{
			name: "a node's", change: func(p *jobpod.Pod) { p.Review.User.Username = "system:node:a:b" }, code: 403,
			want: `only pods of jobs may ask, and "system:node:a:b" is the account of none`,
		},
		{
			name: "bound to no pod", change: func(p *jobpod.Pod) { p.Review.User.Extra = nil }, code: 403,
			want: "the token is bound to no pod: use one that is projected into the pod",
		},
		{
			name: "bound to a pod without a UID",
			change: func(p *jobpod.Pod) {
				delete(p.Review.User.Extra, "authentication.kubernetes.io/pod-uid")
			},
			code: 403, want: "the token is bound to no pod: use one that is projected into the pod",
		},
		{name: "pod gone", change: func(p *jobpod.Pod) { p.Pod.Name = "other" }, code: 403, want: "the pod build-x of this token is gone"},
		{
			name: "pod of another UID", change: func(p *jobpod.Pod) { p.Pod.UID = "new" }, code: 403,
			want: "the pod build-x of this token is gone, and another has its name",
		},
		{
			name: "of another namespace", change: func(p *jobpod.Pod) { p.Review.User.Username = "system:serviceaccount:other:builder" }, code: 403,
			want: "the pod build-x of this token is gone",
		},
		{
			name: "of another account", change: func(p *jobpod.Pod) { p.Review.User.Username = "system:serviceaccount:builds:default" }, code: 403,
			want: "the token is of another service account than pod build-x has",
		},
		{name: "pod succeeded", change: func(p *jobpod.Pod) { p.Pod.Status.Phase = corev1.PodSucceeded }, code: 403, want: "pod build-x has ended"},
		{name: "pod failed", change: func(p *jobpod.Pod) { p.Pod.Status.Phase = corev1.PodFailed }, code: 403, want: "pod build-x has ended"},
		{
			name: "no owner", change: func(p *jobpod.Pod) { p.Pod.OwnerReferences = nil }, code: 403,
			want: "pod build-x belongs to no Job: only pods of a Run's jobs may ask",
		},
		{
			name: "owner that isn't its controller", change: func(p *jobpod.Pod) { p.Pod.OwnerReferences[0].Controller = nil }, code: 403,
			want: "pod build-x belongs to no Job: only pods of a Run's jobs may ask",
		},
		{
			name: "owner of another group", change: func(p *jobpod.Pod) { p.Pod.OwnerReferences[0].APIVersion = "batch.example.com/v1" }, code: 403,
			want: "pod build-x belongs to no Job: only pods of a Run's jobs may ask",
		},
		{
			name: "Job of another UID", change: func(p *jobpod.Pod) { p.Job.UID = "new" }, code: 403,
			want: "the Job one-build of this token is gone, and another has its name",
		},
		{
			name: "Job of nobody", change: func(p *jobpod.Pod) { p.Job.OwnerReferences = nil }, code: 403,
			want: "Job one-build belongs to no Run: only pods of a Run's jobs may ask",
		},
		{
			name: "Job of a CronJob",
			change: func(p *jobpod.Pod) {
				p.Job.OwnerReferences[0].APIVersion, p.Job.OwnerReferences[0].Kind = "batch/v1", "CronJob"
			},
			code: 403, want: "Job one-build belongs to no Run: only pods of a Run's jobs may ask",
		},
		{
			name: "Job of another group's Run", change: func(p *jobpod.Pod) { p.Job.OwnerReferences[0].APIVersion = "example.com/v1" }, code: 403,
			want: "Job one-build belongs to no Run: only pods of a Run's jobs may ask",
		},
		{
			name: "Run of another UID", change: func(p *jobpod.Pod) { p.Job.OwnerReferences[0].UID = "old" }, code: 403,
			want: "the Run one of this token is gone, and another has its name",
		},
		{name: "Run gone", change: func(p *jobpod.Pod) { p.Job.OwnerReferences[0].Name = "gone" }, code: 403, want: "the Run gone of this token is gone"},
		{
			name: "label of another job", change: func(p *jobpod.Pod) { p.Pod.Labels[v1alpha1.JobLabel] = "release" }, code: 403,
			want: "pod build-x is of no job, by its own label and its Job's",
		},
		{
			name: "of a service", change: func(p *jobpod.Pod) { p.Pod.Labels, p.Job.Labels = nil, nil }, code: 403,
			want: "pod build-x is of no job, by its own label and its Job's",
		},
		{
			name:   "label that leads elsewhere",
			change: func(p *jobpod.Pod) { p.Pod.Labels[v1alpha1.JobLabel], p.Job.Labels[v1alpha1.JobLabel] = "..", ".." },
			code:   403, want: "the label kayci.dev/job of pod build-x names no job",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := jobpod.New(jobpod.Run("one", nil), "build", "build-x")
			tt.change(p)
			cluster, err := jobpod.NewCluster(p)
			if err != nil {
				t.Fatal(err)
			}
			code, said := ask(t.Context(), cluster.Handler(&bucket.Memory{}, testclock.NewFakePassiveClock(jobpod.Began())), http.MethodGet, "limits", p.Token)
			if tt.code == http.StatusOK {
				said = ""
			}
			type answer struct {
				code int
				said string
			}
			if diff := cmp.Diff(answer{tt.code, tt.want}, answer{code, said}, cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(said, p.Token) {
				t.Error("the answer has the token in it")
			}
		})
	}
}

func TestNoToken(t *testing.T) {
	t.Parallel()
	cluster, err := jobpod.NewCluster()
	if err != nil {
		t.Fatal(err)
	}
	h := cluster.Handler(&bucket.Memory{}, testclock.NewFakePassiveClock(jobpod.Began()))
	for _, token := range []string{"", strings.Repeat("a", 65<<10)} {
		code, said := ask(t.Context(), h, http.MethodGet, "limits", token)
		want := "the request has no token: send the pod's own, of the audience kayci-store, in the header Authorization"
		if code != http.StatusUnauthorized || said != want {
			t.Errorf("%d %s", code, said)
		}
	}
	if n := len(cluster.Client.Actions()); n != 0 {
		t.Errorf("the API server was asked %d times", n)
	}
}

func TestNamespacesThatArentServed(t *testing.T) {
	t.Parallel()
	p := jobpod.New(jobpod.Run("one", nil), "build", "build-x")
	cluster, err := jobpod.NewCluster(p)
	if err != nil {
		t.Fatal(err)
	}
	options := cluster.Options(&bucket.Memory{}, testclock.NewFakePassiveClock(jobpod.Began()))
	options.Namespaces = []string{"other"}
	code, said := ask(t.Context(), pods.New(options), http.MethodGet, "limits", p.Token)
	if code != http.StatusForbidden || said != "the store doesn't serve namespace builds" {
		t.Errorf("%d %s", code, said)
	}
}

// What is known of a token is asked for again when it is old.
func TestIdentityIsKeptForSeconds(t *testing.T) {
	t.Parallel()
	p := jobpod.New(jobpod.Run("one", nil), "build", "build-x")
	cluster, err := jobpod.NewCluster(p)
	if err != nil {
		t.Fatal(err)
	}
	now := testclock.NewFakePassiveClock(jobpod.Began())
	h := cluster.Handler(&bucket.Memory{}, now)
	var codes, reviews []int
	look := func() {
		code, _ := ask(t.Context(), h, http.MethodGet, "limits", p.Token)
		codes, reviews = append(codes, code), append(reviews, len(cluster.Client.Actions()))
	}
	look()
	if err := cluster.Objects.Delete(t.Context(), p.Pod); err != nil {
		t.Fatal(err)
	}
	now.SetTime(jobpod.Began().Add(9 * time.Second))
	look()
	now.SetTime(jobpod.Began().Add(11 * time.Second))
	look()
	if diff := cmp.Diff([][]int{{200, 200, 403}, {1, 1, 2}}, [][]int{codes, reviews}); diff != "" {
		t.Errorf("codes and reviews (-want +got):\n%s", diff)
	}
}
