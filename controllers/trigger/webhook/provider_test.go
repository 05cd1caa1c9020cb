package webhook

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
)

// with is the request with headers replaced; an empty value removes one.
func (r request) with(headers map[string]string) request {
	r.header = maps.Clone(r.header)
	for name, value := range headers {
		r.header[name] = value
		if value == "" {
			delete(r.header, name)
		}
	}
	return r
}

// providerCase is a request as its provider sends it, and the headers that spoil
// its proof.
type providerCase struct {
	provider v1alpha1.Provider
	token    string
	request  request
	spoiled  []map[string]string
	branch   string
	// delivery is what it is called if not "d1", and again the headers that are others
	// when it is sent again.
	delivery string
	again    map[string]string
}

func providerCases(t testing.TB) map[string]providerCase {
	t.Helper()
	github, gitlab, gitea := payload(t, "github-push"), payload(t, "gitlab-push"), payload(t, "gitea-push")
	bitbucket, dataCenter := payload(t, "bitbucket-push"), payload(t, "datacenter-push")
	form := url.Values{"payload": {github}}.Encode()
	standard := func(key string) string {
		return "v1,bm90IHRoaXM= v1," + base64.StdEncoding.EncodeToString(mac([]byte(key), []byte("d1.1777886091."), []byte(gitlab)))
	}
	return map[string]providerCase{
		"github": {
			provider: v1alpha1.ProviderGitHub, token: canary + "\n", branch: "main",
			request: request{body: github, header: map[string]string{
				"X-GitHub-Event": "push", "X-GitHub-Delivery": "d1",
				"Content-Type": "application/json", "X-Hub-Signature-256": "sha256=" + sign(canary, github),
			}},
			spoiled: []map[string]string{
				{"X-Hub-Signature-256": ""},
				{"X-Hub-Signature-256": "sha256=" + sign("wrong", github)},
				{"X-Hub-Signature-256": sign(canary, github)},
				{"X-Hub-Signature-256": "sha256=" + sign(canary, github+" ")},
				{"X-Hub-Signature-256": "sha256="},
				{"X-Hub-Signature-256": "sha256=zz"},
				{"X-Hub-Signature-256": "sha256=" + sign(canary, github)[:62]},
				{"X-Hub-Signature-256": "sha256=" + sign(canary, github)[:63]},
				{"X-Hub-Signature-256": "sha256=" + sign(canary, github) + "00"},
				{"X-Hub-Signature-256": "sha512=" + sign512(canary, github)},
				{"X-Hub-Signature-256": "sha256=" + sign512(canary, github)},
				{"X-Hub-Signature-256": "sha1=" + sign(canary, github)},
				{"X-Hub-Signature-256": "", "X-Hub-Signature": "sha1=" + sign(canary, github)},
				{"X-Hub-Signature-256": "", "X-Gitea-Signature": sign(canary, github)},
				{"X-Hub-Signature-256": "", "Authorization": "Bearer " + canary},
			},
		},
		"github form": {
			provider: v1alpha1.ProviderGitHub, token: canary, branch: "main",
			request: request{body: form, header: map[string]string{
				"X-GitHub-Event": "push", "X-GitHub-Delivery": "d1",
				"Content-Type": "application/x-www-form-urlencoded", "X-Hub-Signature-256": "sha256=" + sign(canary, form),
			}},
			spoiled: []map[string]string{{"X-Hub-Signature-256": "sha256=" + sign(canary, github)}},
		},
		"gitlab token": {
			provider: v1alpha1.ProviderGitLab, token: canary, branch: "release/1.4",
			request: request{body: gitlab, header: map[string]string{
				"X-Gitlab-Event": "Push Hook", "Idempotency-Key": "d1",
				"X-Gitlab-Event-UUID": "another", "X-Gitlab-Token": canary,
			}},
			spoiled: []map[string]string{
				{"X-Gitlab-Token": ""},
				{"X-Gitlab-Token": "wrong"},
				{"X-Gitlab-Token": canary + "x"},
				{"X-Gitlab-Token": canary[1:]},
				{"X-Gitlab-Token": "", "Webhook-Signature": "v1,"},
				{"X-Gitlab-Token": "", "Webhook-Signature": "v1"},
			},
		},
		"gitlab signature": {
			provider: v1alpha1.ProviderGitLab, token: "whsec_" + base64.StdEncoding.EncodeToString([]byte(canary)), branch: "release/1.4",
			request: request{body: gitlab, header: map[string]string{
				"X-Gitlab-Event": "Push Hook", "Webhook-Id": "d1",
				"Webhook-Timestamp": "1777886091", "Webhook-Signature": standard(canary),
			}},
			spoiled: []map[string]string{
				{"Webhook-Signature": ""},
				{"Webhook-Signature": standard("wrong")},
				{"Webhook-Signature": standard(canary)[:len(standard(canary))-4]},
				{"Webhook-Signature": strings.ReplaceAll(standard(canary), "v1,", "v2,")},
				{"Webhook-Signature": strings.ReplaceAll(standard(canary), "v1,", "v1a,")},
				{"Webhook-Signature": "v1," + base64.StdEncoding.EncodeToString([]byte(sign(canary, gitlab)))},
				{"Webhook-Id": "d2"},
				{"Webhook-Timestamp": "1777886092"},
				{"Webhook-Signature": "", "X-Gitlab-Token": canary},
			},
		},
		"gitea": {
			provider: v1alpha1.ProviderGitea, token: canary, branch: "main",
			delivery: "sha256-" + hexSum([]byte(gitea)), again: map[string]string{"X-Gitea-Delivery": "d2"},
			request: request{body: gitea, header: map[string]string{
				"X-Gitea-Event": "push", "X-Gitea-Delivery": "d1",
				"X-GitHub-Event": "push", "X-GitHub-Delivery": "another", "X-Gitea-Signature": sign(canary, gitea),
			}},
			spoiled: []map[string]string{
				{"X-Gitea-Signature": ""},
				{"X-Gitea-Signature": sign("wrong", gitea)},
				{"X-Gitea-Signature": sign(canary, gitea)[:32]},
				{"X-Gitea-Signature": sign(canary, gitea)[:63]},
				{"X-Gitea-Signature": "sha256=" + sign(canary, gitea)},
				{"X-Gitea-Signature": sign512(canary, gitea)},
				{"X-Gitea-Signature": "", "X-Hub-Signature-256": "sha256=" + sign(canary, gitea)},
			},
		},
		"bitbucket": {
			provider: v1alpha1.ProviderBitbucket, token: canary, branch: "main",
			request: request{body: bitbucket, header: map[string]string{
				"X-Event-Key": "repo:push", "X-Request-UUID": "d1", "X-Hook-UUID": "another", "X-Hub-Signature": "sha256=" + sign(canary, bitbucket),
			}},
			spoiled: spoiledBitbucket(bitbucket),
		},
		"bitbucket data center": {
			provider: v1alpha1.ProviderBitbucketServer, token: canary,
			request: request{body: dataCenter, header: map[string]string{
				"X-Event-Key": "repo:refs_changed", "X-Request-Id": "d1", "X-Hub-Signature": "sha256=" + sign(canary, dataCenter),
			}},
			spoiled: spoiledBitbucket(dataCenter),
		},
		"generic": {
			provider: v1alpha1.ProviderGeneric, token: canary,
			request: request{body: "{}", header: map[string]string{"Authorization": "bearer " + canary, "Idempotency-Key": "d1"}},
			spoiled: []map[string]string{
				{"Authorization": ""},
				{"Authorization": "Bearer wrong"},
				{"Authorization": "Bearer"},
				{"Authorization": "Bearer "},
				{"Authorization": canary},
				{"Authorization": "Basic " + canary},
				{"Authorization": "Bearer " + base64.StdEncoding.EncodeToString([]byte("kayci:"+canary))},
				{"Authorization": "", "X-Gitlab-Token": canary},
			},
		},
		"generic, with a password": {
			provider: v1alpha1.ProviderGeneric, token: canary + "\n",
			request: request{body: "{}", header: map[string]string{"Authorization": basic("kayci:" + canary), "Idempotency-Key": "d1"}},
			spoiled: []map[string]string{
				{"Authorization": basic("kayci:wrong")},
				{"Authorization": basic("kayci:" + canary + "x")},
				{"Authorization": basic("kayci:" + canary[1:])},
				{"Authorization": basic(canary + ":")},
				{"Authorization": basic(canary + ":wrong")},
				{"Authorization": basic(canary)},
				{"Authorization": basic("kayci:x:" + canary)},
				{"Authorization": "Basic kayci:" + canary},
				{"Authorization": "Basic"},
				{"Authorization": "Basic "},
				{"Authorization": "Bearer" + basic("kayci:" + canary)[len("Basic"):]},
			},
		},
	}
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// sign512 signs by an algorithm that no provider has.
func sign512(token, body string) string {
	h := hmac.New(sha512.New, []byte(token))
	h.Write([]byte(body))
	return hex.EncodeToString(h.Sum(nil))
}

func spoiledBitbucket(body string) []map[string]string {
	return []map[string]string{
		{"X-Hub-Signature": ""},
		{"X-Hub-Signature": "sha256=" + sign("wrong", body)},
		{"X-Hub-Signature": "sha256=" + sign(canary, body)[:62]},
		{"X-Hub-Signature": sign(canary, body)},
		{"X-Hub-Signature": "sha1=" + sign(canary, body)},
		{"X-Hub-Signature": "SHA256=" + sign(canary, body)},
		{"X-Hub-Signature": "sha256="},
		{"X-Hub-Signature": "sha256=" + sign512(canary, body)},
		{"X-Hub-Signature": "sha512=" + sign512(canary, body)},
		{"X-Hub-Signature": "", "X-Hub-Signature-256": "sha256=" + sign(canary, body)},
	}
}

// TestProviders spoils each provider's proof in every way, and then sends the
// request as it is, twice.
func TestProviders(t *testing.T) {
	for name, tt := range providerCases(t) {
		t.Run(name, func(t *testing.T) {
			expressions := map[string]string{"sha": "event.sha", "branch": "event.branch"}
			f := newFixture(t, setup{objects: objects(
				trigger("web-push", tt.provider, withParams(expressions)), secret("hook", tt.token),
				pipeline(v1alpha1.Param{Name: "sha"}, v1alpha1.Param{Name: "branch"}, v1alpha1.Param{Name: "deploy", Default: new("no")}),
			)})
			tt.request.path = "/hooks/ci/web-push"
			expectSpoiled(t, f, tt)
			expectOneRun(t, f, tt)
		})
	}
}

func expectSpoiled(t *testing.T, f *fixture, tt providerCase) {
	t.Helper()
	for _, headers := range tt.spoiled {
		if w := f.send(tt.request.with(headers)); w.Code != http.StatusUnauthorized {
			t.Errorf("with %v the answer is %d %s", headers, w.Code, w.Body)
		}
	}
	if runs := f.runs(t); len(runs) != 0 {
		t.Fatalf("a spoiled request started %+v", runs)
	}
}

func expectOneRun(t *testing.T, f *fixture, tt providerCase) {
	t.Helper()
	delivery := "d1"
	if tt.delivery != "" {
		delivery = tt.delivery
	}
	run := start.RunName("web-push", delivery)
	reasons := cmpopts.IgnoreFields(result{}, "Reason", "transient")
	want := answered{Status: http.StatusCreated, Delivery: delivery, Results: []result{{Trigger: "web-push", Outcome: created, Run: run}}}
	if diff := cmp.Diff(want, read(t, f.send(tt.request)), reasons); diff != "" {
		t.Errorf("the first answer, -want +got:\n%s", diff)
	}
	want.Status, want.Results[0].Outcome = http.StatusOK, exists
	if diff := cmp.Diff(want, read(t, f.send(tt.request.with(tt.again))), reasons); diff != "" {
		t.Errorf("the second answer, -want +got:\n%s", diff)
	}
	params := map[string]string{"sha": head, "branch": tt.branch}
	if tt.provider == v1alpha1.ProviderGeneric {
		params["sha"] = ""
	}
	runs := f.runs(t)
	if len(runs) != 1 {
		t.Fatalf("there are %d Runs", len(runs))
	}
	if diff := cmp.Diff(params, runs[0].Spec.Params); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A signing token that holds no key, or none that can be read, must not leave a
// key that everybody has.
func TestNoKeyIsNoSignature(t *testing.T) {
	body := []byte("{}")
	for _, token := range []string{"whsec_", "whsec_!", "whsec_YQ"} {
		for _, key := range []string{"", "!", "a", token, "YQ"} {
			signed := base64.StdEncoding.EncodeToString(mac([]byte(key), []byte("d1.1."), body))
			for _, signature := range []string{"v1," + signed, "v1,", "v1", ","} {
				h := header(map[string]string{signatureHeader: signature, signedIDHeader: "d1", signedAtHeader: "1"})
				if proves(v1alpha1.ProviderGitLab, h, newProof([]byte(token), h, body)) {
					t.Errorf("token %q takes the signature %q of key %q", token, signature, key)
				}
			}
		}
	}
}

// What is hashed follows from the request alone, and not from the Triggers there are.
func TestProofIsWhatIsClaimed(t *testing.T) {
	body, token := []byte("{}"), []byte("t")
	standard := mac(token, []byte("d1.1."), body)
	for name, tt := range map[string]struct {
		header map[string]string
		want   proof
		hashed int64
	}{
		"nothing":       {nil, proof{token: token}, 0},
		"a token":       {map[string]string{"X-Gitlab-Token": "t", "Authorization": "Bearer t"}, proof{token: token}, 0},
		"GitHub's":      {map[string]string{"X-Hub-Signature-256": "x"}, proof{token: token, mac: mac(token, body)}, 2},
		"Gitea's":       {map[string]string{"X-Gitea-Signature": "x"}, proof{token: token, mac: mac(token, body)}, 2},
		"Bitbucket's":   {map[string]string{"X-Hub-Signature": "sha256=x"}, proof{token: token, mac: mac(token, body)}, 2},
		"an old GitHub": {map[string]string{"X-Hub-Signature": "sha1=x"}, proof{token: token}, 0},
		"a standard":    {map[string]string{signatureHeader: "v1,x", signedIDHeader: "d1", signedAtHeader: "1"}, proof{token: token, standard: standard}, 2},
		"all there are": {map[string]string{signatureHeader: "v1,x", signedIDHeader: "d1", signedAtHeader: "1", "X-Gitea-Signature": "x"}, proof{token, mac(token, body), standard}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			h := header(tt.header)
			if diff := cmp.Diff(tt.want, newProof(token, h, body), cmp.AllowUnexported(proof{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got := hashed(received{h, body}); got != tt.hashed {
				t.Errorf("%d bytes are hashed, want %d", got, tt.hashed)
			}
		})
	}
}

func TestDeliveryIDs(t *testing.T) {
	long := make([]byte, maxDelivery+1)
	for i := range long {
		long[i] = 'a'
	}
	body := []byte("{}")
	bodySum := "sha256-44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
	tests := map[string]struct {
		provider provider
		header   map[string]string
		want     string
	}{
		"github":           {github{}, map[string]string{"X-GitHub-Delivery": "a-b"}, "a-b"},
		"github without":   {github{}, nil, bodySum},
		"gitea":            {gitea{}, map[string]string{"X-Gitea-Delivery": "a-b"}, bodySum},
		"gitlab uuid":      {gitlab{}, map[string]string{"X-Gitlab-Event-UUID": "u"}, "u"},
		"gitlab idem":      {gitlab{}, map[string]string{"X-Gitlab-Event-UUID": "u", "Idempotency-Key": "k"}, "k"},
		"gitlab signed":    {gitlab{}, map[string]string{"Idempotency-Key": "k", "Webhook-Id": "s"}, "s"},
		"generic":          {generic{}, map[string]string{"Idempotency-Key": "k"}, "k"},
		"bitbucket":        {bitbucketCloud(), map[string]string{"X-Request-UUID": "u", "X-Request-Id": "i"}, "u"},
		"data center":      {bitbucketDataCenter(), map[string]string{"X-Request-UUID": "u", "X-Request-Id": "@i*7*0"}, "@i*7*0"},
		"an id too long":   {github{}, map[string]string{"X-GitHub-Delivery": string(long)}, "sha256-" + hexSum(long)},
		"an id with space": {github{}, map[string]string{"X-GitHub-Delivery": "a b"}, "sha256-" + hexSum([]byte("a b"))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.provider.delivery(header(tt.header), body); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	if a, b := (generic{}).delivery(header(nil), body), (generic{}).delivery(header(nil), body); a == b {
		t.Errorf("two requests without a key are both the delivery %s", a)
	}
}
