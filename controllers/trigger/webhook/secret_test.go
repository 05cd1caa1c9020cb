package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
)

// counted has the reads of Secrets counted by name.
func counted() (reads func() map[string]int, funcs interceptor.Funcs) {
	var mu sync.Mutex
	got := map[string]int{}
	funcs.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		if _, ok := obj.(*corev1.Secret); ok {
			mu.Lock()
			got[key.Name]++
			mu.Unlock()
		}
		return c.Get(ctx, key, obj, opts...)
	}
	reads = func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		last := got
		got = map[string]int{}
		return last
	}
	return reads, funcs
}

// TestStrangersReadNoSecrets counts what requests read that prove nothing.
func TestStrangersReadNoSecrets(t *testing.T) {
	reads, funcs := counted()
	f := newFixture(t, setup{funcs: funcs, objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderGeneric))})
	wrong := map[string]string{"Authorization": "Bearer x", "X-Hub-Signature-256": "sha256=00"}
	for _, path := range []string{"/hooks/ci/unknown", "/hooks/other", "/hooks/Ci", "/hooks/ci/Web_Push"} {
		f.send(request{path: path, header: wrong})
	}
	f.send(request{path: "/hooks/ci/web-push", header: map[string]string{"X-Hub-Signature-256": "sha256=00"}})
	if diff := cmp.Diff(map[string]int{}, reads()); diff != "" {
		t.Errorf("for no Trigger, or no proof of its provider, -want +got:\n%s", diff)
	}
	for range 5 {
		f.send(request{path: "/hooks/ci/web-push", header: wrong})
		f.send(request{path: "/hooks/ci", header: wrong})
	}
	if diff := cmp.Diff(map[string]int{"hook": 1}, reads()); diff != "" {
		t.Errorf("ten times, -want +got:\n%s", diff)
	}
}

// TestTokenIsReplaced takes both tokens of a Secret while it has two, and each no
// longer than it has.
func TestTokenIsReplaced(t *testing.T) {
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderGitHub))})
	at := func(name string, data map[string]string, want map[string]int) {
		changed := secret("hook", "")
		changed.Data = map[string][]byte{}
		for key, value := range data {
			changed.Data[key] = []byte(value)
		}
		if err := f.client.Update(t.Context(), changed); err != nil {
			t.Fatal(err)
		}
		f.clock.SetTime(f.clock.Now().Add(tokenLifetime))
		got := map[string]int{}
		for token := range want {
			req := githubPush(t, "/hooks/ci/web-push", name+"-"+token)
			got[token] = f.send(req.with(map[string]string{"X-Hub-Signature-256": "sha256=" + sign(token, req.body)})).Code
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, -want +got:\n%s", name, diff)
		}
	}
	const yes, no = http.StatusCreated, http.StatusUnauthorized
	at("before", map[string]string{"token": "first"}, map[string]int{"first": yes, "second": no, "": no})
	at("between", map[string]string{"token": "second", "token.old": "first\n"}, map[string]int{"first": yes, "second": yes, "": no})
	at("blank", map[string]string{"token": "second", "token.old": "\n"}, map[string]int{"first": no, "second": yes, "": no})
	at("after", map[string]string{"token": "second"}, map[string]int{"first": no, "second": yes, "": no})
	at("only old", map[string]string{"token.old": "first"}, map[string]int{"first": yes, "second": no, "": no})
}

// TestFloodOfReads asks for more Secrets than are read: what is known counts on for
// a while, and what isn't has to wait.
func TestFloodOfReads(t *testing.T) {
	reads, funcs := counted()
	f := newFixture(t, setup{funcs: funcs, objects: objects(secret("hook", canary))})
	ask := func(name string) error {
		_, err := f.secrets.tokens(t.Context(), client.ObjectKey{Namespace: "ci", Name: name})
		return err
	}
	refused := 0
	for i := range 2 * readBurst {
		if i == 0 {
			if err := ask("hook"); err != nil {
				t.Fatal(err)
			}
		} else if err := ask(fmt.Sprintf("s%d", i)); errors.Is(err, errTooManyReads) {
			refused++
		}
	}
	if read := len(reads()); read != readBurst || refused != readBurst {
		t.Errorf("%d Secrets were read and %d refused, want %d of each", read, refused, readBurst)
	}
	f.clock.SetTime(f.clock.Now().Add(tokenLifetime))
	if found, err := f.secrets.tokens(t.Context(), client.ObjectKey{Namespace: "ci", Name: "hook"}); err != nil || string(found.current) != canary || len(reads()) > 0 {
		t.Errorf("while there are too many, the token is %q, error %v", found.current, err)
	}
	if err := ask("new"); err != nil || reads()["new"] != 1 {
		t.Errorf("a Secret of which nothing is known: %v", err)
	}
	f.clock.SetTime(f.clock.Now().Add(staleLifetime))
	if err := ask("hook"); err != nil || reads()["hook"] != 1 {
		t.Errorf("after a minute: %v", err)
	}
}

// TestStrangersAreAllToldTheSame while Secrets can't be read: that a path can't be
// judged doesn't tell that there is something at it.
func TestStrangersAreAllToldTheSame(t *testing.T) {
	away := false
	other := trigger("other", v1alpha1.ProviderGeneric)
	other.Spec.Webhook.SecretRef.Name = "other"
	f := newFixture(t, setup{
		objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderGeneric), other),
		funcs: interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if _, ok := obj.(*corev1.Secret); ok && away {
				return apierrors.NewTimeoutError("etcd is away", 1)
			}
			return c.Get(ctx, key, obj, opts...)
		}},
	})
	paths := []string{"/hooks/ci/other", "/hooks/ci/web-push", "/hooks/ci/unknown", "/hooks/unknown", "/hooks/ci"}
	expect := func(when string, want int) {
		got := map[string]int{}
		for _, path := range paths {
			got[path] = f.send(request{path: path, header: map[string]string{"Authorization": "Bearer x"}}).Code
		}
		for path, code := range got {
			if code != want {
				t.Errorf("%s, %s is answered with %d, want %d", when, path, code, want)
			}
		}
		if w := f.send(bearer("/hooks/ci/web-push", when, "{}")); w.Code != http.StatusCreated {
			t.Errorf("%s, an authentic request is answered with %d %s", when, w.Code, w.Body)
		}
	}
	f.send(request{path: "/hooks/ci/web-push", header: map[string]string{"Authorization": "Bearer x"}})
	away = true
	expect("without API server", http.StatusServiceUnavailable)
	away = false
	expect("with it again", http.StatusUnauthorized)
	f.secrets.reads.AllowN(f.clock.Now(), int(f.secrets.reads.TokensAt(f.clock.Now())))
	expect("with too many reads", http.StatusServiceUnavailable)
}

func TestSecretCacheIsBounded(t *testing.T) {
	f := newFixture(t, setup{})
	for i := range maxTokens + 10 {
		f.secrets.keep(client.ObjectKey{Namespace: "ci", Name: fmt.Sprintf("s%d", i)}, cachedTokens{at: f.clock.Now()}, nil)
	}
	if got := len(f.secrets.read); got != maxTokens {
		t.Errorf("%d tokens are kept", got)
	}
	f.clock.SetTime(f.clock.Now().Add(tokenLifetime))
	if _, err := f.secrets.tokens(t.Context(), client.ObjectKey{Namespace: "ci", Name: "hook"}); err != nil {
		t.Fatal(err)
	}
	if got := len(f.secrets.read); got != 1 {
		t.Errorf("%d tokens are kept after all others expired", got)
	}
}

// TestHashingIsBounded has a namespace of many Secrets: a body that would have to be
// hashed for too long is only taken at its Trigger's own address.
func TestHashingIsBounded(t *testing.T) {
	const size, many = 2 << 20, maxHashed/(2<<20) + 1
	all := objects(pipeline())
	for i := range many {
		name := fmt.Sprintf("t%d", i)
		one := trigger(name, v1alpha1.ProviderGitHub)
		one.Spec.Webhook.SecretRef.Name = name
		all = append(all, one, secret(name, fmt.Sprintf("%s-%d", canary, i)))
	}
	f := newFixture(t, setup{objects: all})
	sent := func(path string, size int) int {
		body := strings.TrimSuffix(strings.TrimSpace(payload(t, "github-push")), "}")
		body += `, "text": "` + strings.Repeat("a", 1<<19) + `"` + strings.Repeat(" ", size) + "}"
		req := signedGitHub(path, path, "push", body)
		return f.send(req.with(map[string]string{"X-Hub-Signature-256": "sha256=" + sign(canary+"-0", body)})).Code
	}
	got := []int{sent("/hooks/ci", size/4), sent("/hooks/ci", size), sent("/hooks/ci/t0", size), sent("/hooks/ci/t1", size)}
	if diff := cmp.Diff([]int{201, 401, 201, 401}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// Of one token there is one proof, however many Secrets have it.
	known := map[string]tokens{"a": {current: []byte("x"), old: []byte("y")}, "b": {current: []byte("y")}, "c": {}}
	if diff := cmp.Diff(map[string]proof{"x": {}, "y": {}}, provable(known), cmp.AllowUnexported(proof{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestConcealment: the answer to a stranger waits until its time is a multiple of
// what finding out takes, whatever was found.
func TestConcealment(t *testing.T) {
	for elapsed, want := range map[time.Duration]time.Duration{
		0: concealment, 3 * time.Millisecond: concealment - 3*time.Millisecond, concealment: concealment,
		concealment + time.Millisecond: concealment - time.Millisecond,
	} {
		if got := remainder(elapsed, concealment); got != want {
			t.Errorf("after %s it waits %s, want %s", elapsed, got, want)
		}
	}
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderGeneric))})
	for _, path := range []string{"/hooks/ci/web-push", "/hooks/ci/unknown", "/hooks/none", "/hooks/ci"} {
		for _, header := range []http.Header{{}, {"Authorization": {"Bearer x"}}} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, http.NoBody)
			r.Header = header
			namespace, name, _ := strings.Cut(strings.TrimPrefix(path, "/hooks/"), "/")
			r.SetPathValue("namespace", namespace)
			r.SetPathValue("trigger", name)
			if refused := f.handle(httptest.NewRecorder(), r); refused == nil || refused.began.IsZero() {
				t.Errorf("%s with %v is answered at once: %+v", path, header, refused)
			}
		}
	}
}

func TestTrailingSlash(t *testing.T) {
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderGeneric))})
	for i, path := range []string{"/hooks/ci/web-push/", "/hooks/ci/"} {
		if w := f.send(bearer(path, fmt.Sprintf("d%d", i), "{}")); w.Code != http.StatusCreated {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
