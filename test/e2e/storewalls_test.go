package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/artifacts"
	"github.com/kayci/kayci/store/caches"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/pods"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/test/cluster"
)

// guest is a Pipeline whose last job asks the store with its pod's own token, as nobody but
// KayCI's containers does: a line for each request, and what the store says.
func (s *space) guest(name string, requests ...request) *v1alpha1.Pipeline {
	text := fmt.Sprintf(`GET() {
  wget -S -q -O /dev/null --header "Authorization: Bearer $(cat /tokens/$2)" "http://%[1]s$1" 2>&1 | awk '/HTTP/ { print $2; exit }'
}
PUT() {
  # Who stops sending before there is an answer has broken off.
  { printf 'PUT %%s HTTP/1.1\r\nHost: store\r\nAuthorization: Bearer %%s\r\nContent-Length: 4\r\nContent-Sha256: %%s\r\nConnection: close\r\n\r\nmine' \
    "$1" "$(cat /tokens/$2)" "$(printf mine | sha256sum | cut -d' ' -f1)"; cat /tmp/answered; } |
    nc %[1]s 80 | { head -1 | cut -d' ' -f2; : > /tmp/answered; }
}
mkfifo /tmp/answered
`, cluster.Store+"."+s.Namespace)
	for _, r := range requests {
		text += fmt.Sprintf("echo \"%s %s: $(%s '%s' %s)\"\n", r.method, r.path, r.method, r.path, r.token)
	}
	job := script("ask", text, "build")
	pod := &job.Template.Spec.Template.Spec
	pod.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "tokens", MountPath: "/tokens"}}
	pod.Volumes = []corev1.Volume{{Name: "tokens", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: pods.Audience, Path: "own"}},
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: "another", Path: "another"}},
	}}}}}
	return s.pipeline(name, script("build", "true"), job)
}

// request is what a pod asks of the store.
type request struct{ method, path, token string }

// answered are the lines of a guest that is answered so.
func answered(code int, requests ...request) (all []string) {
	for _, r := range requests {
		all = append(all, fmt.Sprintf("%s %s: %d", r.method, r.path, code))
	}
	return all
}

// kept is what the store has of a Run, as one who sees into its folder may name it.
type keptRun struct {
	artifact, cache string
	objects         map[string]int64
}

// keptOf looks at what the store has of the Run `theirs`.
func (s *space) keptOf(t *testing.T, in *backend) keptRun {
	t.Helper()
	var run v1alpha1.Run
	s.get(t, "theirs", &run)
	at := records.PlaceOf(&run)
	found, err := artifacts.Find(s.ctx, in, at, "build", "dist")
	if err != nil {
		t.Fatal(err)
	}
	head, err := found.Head(s.ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	scope := caches.ScopesOf(&run, nil)
	cache, err := caches.Find(s.ctx, in, scope, "modules", nil)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := parcel.ReadHead(s.ctx, in, cache.Manifest())
	if err != nil {
		t.Fatal(err)
	}
	k := keptRun{
		artifact: strings.Join([]string{run.Name, string(run.UID), string(found.Pod), head.Upload}, "."),
		cache:    strings.Join([]string{scope.Own.Repository, scope.Own.Name, cache.Key, string(saved.Pod), saved.Upload}, "."),
		objects:  map[string]int64{},
	}
	for _, folder := range []string{at.Folder(), scope.Own.Folder() + "entries/"} {
		objects, err := in.List(s.ctx, folder, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range objects {
			k.objects[objects[i].Name] = objects[i].Size
		}
	}
	return k
}

// TestNoPodReachesAnotherRun: a pod neither reads nor changes what another Run has left,
// in its own namespace or from another, with whatever token it has.
func TestNoPodReachesAnotherRun(t *testing.T) {
	t.Parallel()
	s, stranger := newSpace(t), newSpace(t)
	in := folderBackend(t)
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{"theirs.jsonnet": `local ci = import 'kayci.libsonnet';
ci.pipeline('theirs', jobs=[ci.job('build', [
  ci.cache('modules', 'pkg/**'),
  ci.script('docker.io/library/busybox:1.37', 'mkdir dist pkg; echo theirs | tee dist/a pkg/a'),
  ci.artifacts('dist', 'dist/**'),
])])
`})
	s.create(t, s.configRepo("theirs", repository.URL))
	s.syncTo(t, "theirs", commit)
	s.start(t, "theirs", "theirs")
	s.awaitEnd(t, "theirs", v1alpha1.RunSucceeded)
	s.awaitStored(t, "theirs")
	before := s.keptOf(t, in)

	theirs := strings.Split(before.artifact, ".")
	own := []request{
		{"GET", "/v1/pod/limits", "own"},
		// These have the names of the other Run's, and become the guest's own.
		{"PUT", "/v1/pod/artifacts/dist/parts/" + theirs[3] + "/0", "own"},
		{"PUT", "/v1/pod/caches/parts/" + theirs[3] + "/0?key=modules", "own"},
	}
	missing := []request{
		{"GET", "/v1/pod/artifacts/build/dist", "own"},
		{"GET", "/v1/pod/caches?key=modules", "own"},
		{"GET", "/v1/pod/artifacts/theirs/dist", "own"},
		{"GET", "/v1/pod/runs/theirs/artifacts/build/dist", "own"},
		{"PUT", "/v1/pod/runs/theirs/artifacts/dist/parts/" + theirs[3] + "/0", "own"},
	}
	forbidden := []request{
		{"GET", "/v1/pod/caches/parts/0?id=" + before.cache, "own"},
		{"GET", "/v1/pod/artifacts/build/dist/parts/0?id=" + before.artifact, "own"},
	}
	refused := []request{
		{"GET", "/v1/pod/limits", "another"},
		{"GET", "/v1/namespaces/" + s.namespace + "/runs/theirs", "own"},
		{"GET", "/v1/namespaces/" + s.namespace + "/runs/theirs/artifacts/build/dist", "own"},
	}
	all := slices.Concat(own, missing, forbidden, refused)
	want := slices.Concat(answered(200, own...), answered(404, missing...), answered(403, forbidden...), answered(401, refused...))
	for _, from := range []*space{s, stranger} {
		from.create(t, from.guest("guest", all...))
		from.start(t, "guest", "guest")
	}
	for _, from := range []*space{s, stranger} {
		from.awaitEnd(t, "guest", v1alpha1.RunSucceeded)
		if diff := cmp.Diff(want, lines(from.log(t, "guest", "ask", "main"))); diff != "" {
			t.Errorf("of namespace %s (-want +got):\n%s", from.namespace, diff)
		}
	}
	s.expectUntouched(t, in, before)
	s.expectRefused(t)
}

// expectUntouched checks that what the Run has left is what it was.
func (s *space) expectUntouched(t *testing.T, in *backend, before keptRun) {
	t.Helper()
	if diff := cmp.Diff(before, s.keptOf(t, in), cmp.AllowUnexported(keptRun{})); diff != "" {
		t.Errorf("what the other Run has left (-before +after):\n%s", diff)
	}
	got := finish(t, program.kayci(t, s, "artifacts", "theirs", "build/dist", "--path", "dist/a"))
	if got.out != "theirs\n" {
		t.Errorf("its artifact is %q, %q", got.out, got.err)
	}
}

// expectRefused asks the store with tokens of pods that are no job's, or not any more.
func (s *space) expectRefused(t *testing.T) {
	t.Helper()
	url, stop, err := s.StoreURL(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	ended := s.pod(t, "theirs", "build")
	stray := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "stray"},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(0)),
			Containers:                    []corev1.Container{{Name: "main", Image: busybox, Command: []string{"sleep", "3600"}}},
		},
	}
	s.create(t, stray)
	tokens := map[string]string{"of a pod that has ended": s.tokenOf(t, &ended, pods.Audience), "of nobody's pod": s.tokenOf(t, stray, pods.Audience)}
	for whose, token := range tokens {
		if code := s.asks(t, url+"/v1/pod/limits", token); code != http.StatusForbidden {
			t.Errorf("a token %s is answered with %d", whose, code)
		}
	}
	if err := s.Client.Delete(s.ctx, stray, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	s.await(t, "the token of a pod that was deleted to be refused", func(context.Context) (bool, string, error) {
		code := s.asks(t, url+"/v1/pod/limits", tokens["of nobody's pod"])
		return code == http.StatusUnauthorized, fmt.Sprint(code), nil
	})
}

// tokenOf makes a token that is bound to the pod.
func (s *space) tokenOf(t *testing.T, pod *corev1.Pod, audience string) string {
	t.Helper()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences: []string{audience}, BoundObjectRef: &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
	}}
	account := &corev1.ServiceAccount{ObjectMeta: s.meta("default")}
	if err := s.Client.SubResource("token").Create(s.ctx, account, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

func (s *space) asks(t *testing.T, url, token string) (code int) {
	t.Helper()
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
