// Package jobpod has a cluster with pods of jobs, as far as the store asks for them.
package jobpod

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/testing"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crfake "sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers"
	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/artifacts"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/caches"
	"github.com/kayci/kayci/store/pods"
)

// Began is when everything was created.
func Began() time.Time { return time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC) }

// Pod is a pod of a job, with what it belongs to.
type Pod struct {
	Run *v1alpha1.Run
	Job *batchv1.Job
	Pod *corev1.Pod
	// Token is what the pod has, and Review what the API server says of it.
	Token  string
	Review authenticationv1.TokenReviewStatus
}

// New returns the pod of a job of a Run, in the namespace builds.
func New(run *v1alpha1.Run, job, pod string) *Pod {
	p := &Pod{Run: run, Token: "token-of-" + pod}
	p.Job = &batchv1.Job{ObjectMeta: metav1.ObjectMeta{
		Namespace: run.Namespace, Name: run.Name + "-" + job, UID: types.UID("uid-of-" + run.Name + "-" + job),
		Labels:          map[string]string{v1alpha1.JobLabel: job},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: v1alpha1.GroupVersion().String(), Kind: "Run", Name: run.Name, UID: run.UID, Controller: new(true)}},
	}}
	p.Pod = &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: run.Namespace, Name: pod, UID: types.UID("uid-of-" + pod), CreationTimestamp: metav1.NewTime(Began()),
			Labels:          map[string]string{v1alpha1.JobLabel: job},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: p.Job.Name, UID: p.Job.UID, Controller: new(true)}},
		},
		Spec:   corev1.PodSpec{ServiceAccountName: "builder"},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
	p.Review = authenticationv1.TokenReviewStatus{
		Authenticated: true, Audiences: []string{pods.Audience},
		User: authenticationv1.UserInfo{
			Username: "system:serviceaccount:" + run.Namespace + ":builder",
			Extra: map[string]authenticationv1.ExtraValue{
				"authentication.kubernetes.io/pod-name": {pod},
				"authentication.kubernetes.io/pod-uid":  {string(p.Pod.UID)},
			},
		},
	}
	return p
}

// Run returns a Run of the Pipeline web that has come from somewhere.
func Run(name string, origin *v1alpha1.Origin, jobs ...v1alpha1.JobStatus) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "builds", Name: name, UID: types.UID("uid-of-" + name), CreationTimestamp: metav1.NewTime(Began())},
		Spec:       v1alpha1.RunSpec{Pipeline: "web", Origin: origin},
		Status:     v1alpha1.RunStatus{Phase: v1alpha1.RunRunning, Jobs: jobs},
	}
}

// Cluster has pods and what they belong to.
type Cluster struct {
	// Client reviews tokens, and Objects has the rest.
	Client  *fake.Clientset
	Objects client.Client
}

// NewCluster returns a cluster with the pods.
func NewCluster(all ...*Pod) (*Cluster, error) {
	scheme, err := controllers.NewScheme()
	if err != nil {
		return nil, err
	}
	builder := crfake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.Run{})
	reviews, there := map[string]authenticationv1.TokenReviewStatus{}, map[client.ObjectKey]map[string]bool{}
	for _, p := range all {
		reviews[p.Token] = p.Review
		for kind, object := range map[string]client.Object{"Run": p.Run, "Job": p.Job, "Pod": p.Pod} {
			key := client.ObjectKeyFromObject(object)
			if there[key] == nil {
				there[key] = map[string]bool{}
			}
			if !there[key][kind] {
				there[key][kind] = true
				builder.WithObjects(object)
			}
		}
	}
	c := &Cluster{Client: fake.NewClientset(), Objects: builder.Build()}
	c.Client.PrependReactor("create", "tokenreviews", func(action testing.Action) (bool, runtime.Object, error) {
		create, is := action.(testing.CreateAction)
		if !is {
			return false, nil, nil
		}
		review, is := create.GetObject().(*authenticationv1.TokenReview)
		if !is || len(review.Spec.Audiences) != 1 || review.Spec.Audiences[0] != pods.Audience {
			return true, nil, errors.New("the review is for other audiences")
		}
		review.Status = reviews[review.Spec.Token]
		return true, review, nil
	})
	return c, nil
}

// Limits of archives that tests keep.
func Limits() archive.Limits {
	return archive.Limits{Files: 1000, Bytes: 64 << 20, ManifestBytes: 1 << 20}
}

// Options of the store's handler for the cluster's pods.
func (c *Cluster) Options(in bucket.Bucket, now clock.PassiveClock) pods.Options {
	return pods.Options{
		Bucket: in, Client: c.Client, Reader: c.Objects, DefaultBranches: []string{"main"}, Clock: now, Log: logr.Discard(),
		Artifacts: artifacts.Limits{Archive: Limits(), Run: 256 << 20, Pod: 4},
		Caches:    caches.Limits{Archive: Limits(), Namespace: 64 << 20},
	}
}

// Handler of the store for the cluster's pods.
func (c *Cluster) Handler(in bucket.Bucket, now clock.PassiveClock) http.Handler {
	return pods.New(c.Options(in, now))
}
