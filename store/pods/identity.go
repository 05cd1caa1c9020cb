package pods

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
)

// Audience is what the token of a pod has to be meant for.
const Audience = "kayci-store"

const (
	// What was found out about a token is kept for so long, and of no more of them.
	kept = 10 * time.Second
	most = 4096
	// maxToken bounds a token, in bytes.
	maxToken = 64 << 10
	// asked is how many tokens are asked about at once.
	asked = 16
)

// Where the API server says which pod a token is bound to.
const (
	extraPod = "authentication.kubernetes.io/pod-name"
	extraUID = "authentication.kubernetes.io/pod-uid"
)

// Identity is who asks: the pod of a job of a Run. All that it can name is of this Run.
type Identity struct {
	// Run as it was a moment ago.
	Run   *v1alpha1.Run
	Place place.Run
	// Job of the Run.
	Job string
	Pod string
	// PodUID and PodCreated tell the pod from the others that the job has had.
	PodUID     types.UID
	PodCreated time.Time
}

// identities finds out who pods are.
type identities struct {
	client kubernetes.Interface
	// reader reads from the API server, and from no cache.
	reader client.Reader
	// namespaces are those that the store serves. Empty: all.
	namespaces []string
	known      *cache.LRUExpireCache
	asking     chan struct{}
}

func newIdentities(o *Options) *identities {
	return &identities{
		client: o.Client, reader: o.Reader, namespaces: o.Namespaces,
		known: cache.NewLRUExpireCacheWithClock(most, o.Clock), asking: make(chan struct{}, asked),
	}
}

// of returns who sends the request.
func (i *identities) of(r *http.Request) (*Identity, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" || len(token) > maxToken {
		return nil, refuse(http.StatusUnauthorized, "the request has no token: send the pod's own, of the audience %s, in the header Authorization", Audience)
	}
	sum := sha256.Sum256([]byte(token))
	if found, known := i.known.Get(sum); known {
		if who, is := found.(*Identity); is {
			return who, nil
		}
	}
	ctx := r.Context()
	select {
	case i.asking <- struct{}{}:
		defer func() { <-i.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	user, err := i.review(ctx, token)
	if err != nil {
		return nil, err
	}
	who, err := i.find(ctx, user)
	if err != nil {
		return nil, err
	}
	i.known.Add(sum, who, kept)
	return who, nil
}

// review has the API server say whose token it is.
func (i *identities) review(ctx context.Context, token string) (*authenticationv1.UserInfo, error) {
	review, err := i.client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{Audience}},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("ask whose token it is: %w", err)
	}
	if s := review.Status; !s.Authenticated || s.User.Username == "" || !slices.Contains(s.Audiences, Audience) {
		return nil, refuse(http.StatusUnauthorized, "the API server doesn't take the token: it has expired, its pod is gone, or it isn't meant for the audience %s", Audience)
	}
	return &review.Status.User, nil
}

// subject is the pod that a token is bound to.
type subject struct {
	namespace, account, pod string
	uid                     types.UID
}

func (i *identities) subject(user *authenticationv1.UserInfo) (subject, error) {
	parts := strings.Split(user.Username, ":")
	if len(parts) != 4 || parts[0] != "system" || parts[1] != "serviceaccount" || parts[2] == "" || parts[3] == "" {
		return subject{}, refuse(http.StatusForbidden, "only pods of jobs may ask, and %.100q is the account of none", user.Username)
	}
	pod, uid := user.Extra[extraPod], user.Extra[extraUID]
	if len(pod) != 1 || len(uid) != 1 || pod[0] == "" || uid[0] == "" {
		return subject{}, refuse(http.StatusForbidden, "the token is bound to no pod: use one that is projected into the pod")
	}
	if len(i.namespaces) > 0 && !slices.Contains(i.namespaces, parts[2]) {
		return subject{}, refuse(http.StatusForbidden, "the store doesn't serve namespace %s", parts[2])
	}
	return subject{namespace: parts[2], account: parts[3], pod: pod[0], uid: types.UID(uid[0])}, nil
}

// find follows from a pod to the Run that it belongs to.
func (i *identities) find(ctx context.Context, user *authenticationv1.UserInfo) (*Identity, error) {
	s, err := i.subject(user)
	if err != nil {
		return nil, err
	}
	pod := &corev1.Pod{}
	if err := i.get(ctx, "pod", client.ObjectKey{Namespace: s.namespace, Name: s.pod}, s.uid, pod); err != nil {
		return nil, err
	}
	switch {
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		return nil, refuse(http.StatusForbidden, "pod %s has ended", pod.Name)
	case pod.Spec.ServiceAccountName != s.account:
		return nil, refuse(http.StatusForbidden, "the token is of another service account than pod %s has", pod.Name)
	}
	owner, is := ownerOf(pod, batchv1.SchemeGroupVersion.Group, "Job")
	if !is {
		return nil, refuse(http.StatusForbidden, "pod %s belongs to no Job: only pods of a Run's jobs may ask", pod.Name)
	}
	job := &batchv1.Job{}
	if err := i.get(ctx, "Job", client.ObjectKey{Namespace: s.namespace, Name: owner.Name}, owner.UID, job); err != nil {
		return nil, err
	}
	if owner, is = ownerOf(job, v1alpha1.Group, "Run"); !is {
		return nil, refuse(http.StatusForbidden, "Job %s belongs to no Run: only pods of a Run's jobs may ask", job.Name)
	}
	name := job.Labels[v1alpha1.JobLabel]
	if name == "" || pod.Labels[v1alpha1.JobLabel] != name {
		return nil, refuse(http.StatusForbidden, "pod %s is of no job, by its own label and its Job's", pod.Name)
	}
	if !isName(name) {
		return nil, refuse(http.StatusForbidden, "the label %s of pod %s names no job", v1alpha1.JobLabel, pod.Name)
	}
	run := &v1alpha1.Run{}
	if err := i.get(ctx, "Run", client.ObjectKey{Namespace: s.namespace, Name: owner.Name}, owner.UID, run); err != nil {
		return nil, err
	}
	return &Identity{
		Run: run, Place: records.PlaceOf(run), Job: name,
		Pod: pod.Name, PodUID: pod.UID, PodCreated: pod.CreationTimestamp.Time,
	}, nil
}

// get reads an object, which has to be the one that was meant and no other of its name.
func (i *identities) get(ctx context.Context, kind string, key client.ObjectKey, uid types.UID, into client.Object) error {
	err := i.reader.Get(ctx, key, into)
	switch {
	case apierrors.IsNotFound(err):
		return refuse(http.StatusForbidden, "the %s %s of this token is gone", kind, key.Name)
	case err != nil:
		return fmt.Errorf("read %s %s: %w", kind, key, err)
	case into.GetUID() != uid:
		return refuse(http.StatusForbidden, "the %s %s of this token is gone, and another has its name", kind, key.Name)
	}
	return nil
}

// ownerOf returns the object's controller, if it is of the group and kind.
func ownerOf(object metav1.Object, group, kind string) (metav1.OwnerReference, bool) {
	owner := metav1.GetControllerOf(object)
	if owner == nil || owner.Kind != kind || !strings.HasPrefix(owner.APIVersion, group+"/") {
		return metav1.OwnerReference{}, false
	}
	return *owner, true
}
