package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/store/serve"
	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/stored"
	"github.com/kayci/kayci/web"
)

// storeName is the name of the Service, and storePort what of it the API server proxies to.
const storeName, storePort = "kayci-store", "kayci-store:http"

// store is one behind the API server, whom all may reach who are signed in. It keeps what
// a job of web-failed has left, and web-gone, which was deleted.
func (w *world) store(t *testing.T) func(*web.Options) {
	t.Helper()
	in := &bucket.Memory{}
	dist := place.Artifact{Run: records.PlaceOf(w.failed), Job: "test", Pod: "pod-1", Name: "dist"}
	stored.Artifact(t, in, dist, now().Add(-time.Hour), map[string]string{"report.txt": "all is well\n"})
	gone := w.failed.DeepCopy()
	gone.Name, gone.UID, gone.Status.Number = "web-gone", "uid-gone", 9
	if err := records.Put(t.Context(), in, &records.Record{Run: gone}); err != nil {
		t.Fatal(err)
	}
	reviewer, err := serve.NewReviewer(server)
	if err != nil {
		t.Fatal(err)
	}
	service := types.NamespacedName{Namespace: w.namespace, Name: storeName}
	stored.Behind(t, w.client, service, serve.New(serve.Options{
		Bucket: in, Reviewer: reviewer, Clock: clock.RealClock{}, Log: logr.Discard(), Streams: 10, Archives: stored.Limits(),
	}))
	w.mayReach(t, "get", rbacv1.Subject{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: "system:authenticated"})
	w.awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: "anybody", Groups: []string{"system:authenticated"}, ResourceAttributes: &authorizationv1.ResourceAttributes{
		Namespace: w.namespace, Verb: "get", Resource: "services", Subresource: "proxy", Name: storePort,
	}})
	return func(o *web.Options) { o.Store = service }
}

// reach is the right to reach the store, as the chart gives it.
func reach(verb string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"services/proxy"}, ResourceNames: []string{storePort}, Verbs: []string{verb}}
}

// reachForOthers is the verb by which the page does so in the name of others.
const reachForOthers = "impersonate-on:user-info:get"

// mayReach lets the subject reach the store.
func (w *world) mayReach(t *testing.T, verb string, subject rbacv1.Subject) {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: w.namespace, GenerateName: "store-"}
	role := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{reach(verb)}}
	w.create(t, role)
	w.create(t, &rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name}, Subjects: []rbacv1.Subject{subject},
	})
}

// TestActingReadsTheStore: a page that acts for its viewers shows them what is kept of a
// Run that was deleted, and what its jobs have left.
func TestActingReadsTheStore(t *testing.T) {
	t.Parallel()
	w, _ := person(t, aViewer)
	for path, want := range map[string]string{
		"/runs/web-gone": "This Run was deleted",
		"/runs/web-failed/jobs/test/artifacts/dist?path=report.txt": "all is well\n",
		"/runs/web-failed/jobs/test":                                "report.txt",
	} {
		if got := w.get(t, "", "/ns/"+w.namespace+path); !strings.Contains(got.body, want) {
			t.Errorf("%s: %d, without %q:\n%s", path, got.status, want, got.body)
		}
	}
}
