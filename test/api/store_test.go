package api_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/logs/mask"
	"github.com/kayci/kayci/store"
	storeclient "github.com/kayci/kayci/store/client"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/store/serve"
	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/stored"
)

// behindService is a store that a real API server proxies to.
type behindService struct {
	client.Client

	kube      *kubernetes.Clientset
	namespace string
	service   types.NamespacedName
}

// says is a container that has printed one line.
type says string

func (s says) Read(_ context.Context, _ *runlogs.Container, _ runlogs.Options, each func(*runlogs.Line) error) (runlogs.End, error) {
	at := time.Unix(1_800_000_000, 0).UTC()
	err := each(&runlogs.Line{Time: at, Stamp: []byte(at.Format(time.RFC3339Nano)), Text: []byte(s)})
	return runlogs.End{State: runlogs.State{Started: at, Ended: at}, Complete: true}, err
}

// newBehindService serves one Run that was deleted.
func newBehindService(t *testing.T) *behindService {
	t.Helper()
	cfg := serverConfig(t)
	kube, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, cfg)
	b := &behindService{Client: c, kube: kube, namespace: newNamespace(t, c)}
	b.service = types.NamespacedName{Namespace: b.namespace, Name: "kayci-store"}
	in := &bucket.Memory{}
	run := b.run()
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: b.namespace, Name: "web-1-test-x", UID: "uid-pod", Labels: map[string]string{v1alpha1.RunLabel: "web-1", v1alpha1.JobLabel: "test"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "Job", Name: "web-1-test", Controller: new(true)}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Unix(1_800_000_000, 0)}},
		}}},
	}
	if err := records.Put(t.Context(), in, &records.Record{Run: run, Pods: []corev1.Pod{pod}}); err != nil {
		t.Fatal(err)
	}
	masker, _ := mask.New(nil)
	keeper := &logs.Keeper{Bucket: in, Source: says("hello"), Clock: clock.RealClock{}}
	if _, err := keeper.Keep(t.Context(), place.Log{Run: records.PlaceOf(run), Job: "test", Pod: "uid-pod", Container: "main"}, &runlogs.Container{}, masker, 0); err != nil {
		t.Fatal(err)
	}
	reviewer, err := serve.NewReviewer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	stored.Behind(t, c, b.service, serve.New(serve.Options{Bucket: in, Reviewer: reviewer, Clock: clock.RealClock{}, Log: logr.Discard(), Streams: 10}))
	return b
}

func (b *behindService) run() *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "web-1", UID: "uid-1"}, Spec: v1alpha1.RunSpec{Pipeline: "web"},
		Status: v1alpha1.RunStatus{Phase: v1alpha1.RunFailed, Number: 1, Jobs: []v1alpha1.JobStatus{{Name: "test", Phase: v1alpha1.JobFailed, Job: "web-1-test"}}},
	}
}

func (b *behindService) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		object.SetNamespace(b.namespace)
		if err := b.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

// account makes a service account with rights to get and list these resources.
func (b *behindService) account(t *testing.T, name string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	for i := range rules {
		rules[i].Verbs = []string{"get", "list"}
	}
	b.create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: b.namespace, Name: name}},
	})
}

// as returns the store as the account asks it, which has nothing but a token.
func (b *behindService) as(t *testing.T, account string) *storeclient.Store {
	t.Helper()
	store, err := storeclient.New(b.config(t, account), storeclient.At(b.service))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// config is how the account reaches the API server.
func (b *behindService) config(t *testing.T, account string) *rest.Config {
	t.Helper()
	made, err := b.kube.CoreV1().ServiceAccounts(b.namespace).CreateToken(t.Context(), account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := rest.AnonymousClientConfig(serverConfig(t))
	cfg.BearerToken = made.Status.Token
	return cfg
}

func proxy() rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"services/proxy"}, ResourceNames: []string{"kayci-store:http"}}
}

func getRuns() rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{v1alpha1.Group}, Resources: []string{"runs"}}
}

func getLogs() rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods", "pods/log"}}
}

// TestStoreThroughProxy: a real API server passes on the token of who asks, and what that
// one may says what he gets.
func TestStoreThroughProxy(t *testing.T) {
	t.Parallel()
	b := newBehindService(t)
	b.account(t, "reader", proxy(), getRuns(), getLogs())
	b.account(t, "runs", proxy(), getRuns())
	b.account(t, "stranger", proxy())
	b.account(t, "outside", getRuns(), getLogs())
	c := &runlogs.Container{Namespace: b.namespace, Run: "web-1", Job: "test", UID: "uid-pod", Name: "main"}
	read := func(store *storeclient.Store) (text string, err error) {
		_, err = store.Read(t.Context(), c, runlogs.Options{}, func(line *runlogs.Line) error {
			text += string(line.Text)
			return nil
		})
		return text, err
	}
	reader := b.as(t, "reader")
	eventually(t, "the reader's record", func(ctx context.Context) error {
		// The API server's own view of rights and of the Service is a moment old.
		record, err := reader.Run(ctx, b.namespace, "web-1", "")
		if err == nil && record == nil {
			err = errors.New("no record")
		}
		return err
	})
	record, err := reader.Run(t.Context(), b.namespace, "web-1", "")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "the record", b.run(), record.Run)
	if text, err := read(reader); err != nil || text != "hello" {
		t.Errorf("the log: %q, %v", text, err)
	}
	if record, err := b.as(t, "runs").Numbered(t.Context(), b.namespace, "web", 1); err != nil || record == nil {
		t.Errorf("by number: %v, %v", record, err)
	}
	if text, err := read(b.as(t, "runs")); !apierrors.IsForbidden(err) || text != "" || !strings.Contains(err.Error(), "may not get pods/log in namespace") {
		t.Errorf("who may not read logs: %q, %v", text, err)
	}
	if record, err := b.as(t, "stranger").Run(t.Context(), b.namespace, "web-1", ""); !apierrors.IsForbidden(err) || record != nil {
		t.Errorf("a stranger: %v, %v", record, err)
	}
	if record, err := b.as(t, "outside").Run(t.Context(), b.namespace, "web-1", ""); err != nil || record != nil {
		t.Errorf("who may not reach the store: %v, %v", record, err)
	}
}

// TestPeopleReadDeletedRuns: who shows the API server a certificate is lent a token, and
// reads what was deleted; who acts for another asks no store.
func TestPeopleReadDeletedRuns(t *testing.T) {
	t.Parallel()
	b := newBehindService(t)
	b.account(t, "kayci-store", getRuns(), getLogs())
	config := kubeconfigOf(t, serverConfig(t), b.namespace)
	store := "--store=" + b.service.String()
	wantEqual(t, "the log", ending{Out: "hello\n"}, personCommand(t, config, "logs", "web/1", "--no-prefix", store))
	if got := personCommand(t, config, "runs", store); !strings.Contains(got.Out, "web/1") || got.Err != "" {
		t.Errorf("the list: %+v", got)
	}
	if got := personCommand(t, config, "logs", "web-1", "--as=somebody", "--as-group=system:masters", store); got.Code == 0 || strings.Contains(got.Out, "hello") {
		t.Errorf("for another: %+v", got)
	}
	if got := personCommand(t, config, "logs", "web-1", "--store="); got.Code == 0 {
		t.Errorf("without a store: %+v", got)
	}
}

// TestPeopleReadForOthers: who has a token and may act for another reads with --as what that
// one may, and who may not reads nothing.
func TestPeopleReadForOthers(t *testing.T) {
	t.Parallel()
	b := newBehindService(t)
	b.account(t, "reader", proxy(), getRuns(), getLogs())
	b.account(t, "runs", proxy(), getRuns())
	b.account(t, "actor", proxy())
	name := metav1.ObjectMeta{Name: "actor-" + b.namespace}
	for _, object := range []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: name, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"serviceaccounts"}, Verbs: []string{"impersonate"}}}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name.Name},
			Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: b.namespace, Name: "actor"}},
		},
	} {
		if err := b.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	as := func(account, other string) ending {
		args := []string{"logs", "web-1", "--no-prefix", "--store=" + b.service.String()}
		if other != "" {
			args = append(args, "--as=system:serviceaccount:"+b.namespace+":"+other)
		}
		return personCommand(t, kubeconfigOf(t, b.config(t, account), b.namespace), args...)
	}
	eventually(t, "the reader's log", func(context.Context) error {
		// The API server's own view of rights is a moment old.
		if got := as("actor", "reader"); got.Out != "hello\n" || got.Code != 0 {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
	for _, who := range [][2]string{{"actor", ""}, {"actor", "runs"}, {"reader", "runs"}, {"runs", "reader"}} {
		if got := as(who[0], who[1]); got.Code == 0 || strings.Contains(got.Out, "hello") {
			t.Errorf("%v: %+v", who, got)
		}
	}
}

// TestStoreRecordsDeletedRuns: a Run that is deleted before the store has recorded it is
// recorded as the API server's last word of it was.
func TestStoreRecordsDeletedRuns(t *testing.T) {
	t.Parallel()
	c := newClient(t, serverConfig(t))
	namespace := newNamespace(t, c)
	in := &bucket.Memory{}
	mgr, err := store.NewManager(t.Context(), serverConfig(t), in, store.Options{
		WatchNamespaces: []string{namespace}, Address: "127.0.0.1:0", MetricsAddress: "0", ProbeAddress: "0", Streams: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	runManager(t, mgr)
	created := func(name string, status v1alpha1.RunStatus) *v1alpha1.Run {
		run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.RunSpec{Pipeline: "web"}}
		if err := c.Create(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		run.Status = status
		if err := c.Status().Update(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		return run
	}
	run := created("web-1", v1alpha1.RunStatus{Phase: v1alpha1.RunRunning, Number: 1, Jobs: []v1alpha1.JobStatus{{Name: "test", Phase: v1alpha1.JobRunning}}})
	// Once this one is recorded, the store has seen the other, too.
	ended := created("web-2", v1alpha1.RunStatus{Phase: v1alpha1.RunFailed, Number: 2, CompletionTime: new(metav1.Now())})
	eventually(t, "the condition of one that has ended", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(ended), ended); err != nil {
			return err
		}
		if !meta.IsStatusConditionTrue(ended.Status.Conditions, v1alpha1.StoredCondition) {
			return errors.New("it isn't stored")
		}
		return nil
	})
	if err := c.Delete(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record", func(ctx context.Context) error {
		record, err := records.Get(ctx, in, records.PlaceOf(run))
		if err == nil {
			wantEqual(t, "the phase", v1alpha1.RunCancelled, record.Run.Status.Phase)
		}
		return err
	})
}
