package viewer_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	testclock "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/web/seal"
	"github.com/kayci/kayci/web/viewer"
)

func sessions(t *testing.T, now *testclock.FakeClock) *viewer.Sessions {
	t.Helper()
	box, err := seal.New([]byte(strings.Repeat("k", seal.MinKey)))
	if err != nil {
		t.Fatal(err)
	}
	return &viewer.Sessions{Clock: now, Box: func() (*seal.Box, error) { return box, nil }}
}

// signedIn returns a request with the cookies that signing in has set.
func signedIn(t *testing.T, s *viewer.Sessions, v *viewer.Viewer) *http.Request {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.SignIn(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/login", nil), v); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	for _, cookie := range w.Result().Cookies() {
		if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || !strings.HasPrefix(cookie.Name, "__Host-") {
			t.Errorf("the cookie %s is not kept from others: %v", cookie.Name, cookie)
		}
		if len(cookie.String()) > 4096 {
			t.Errorf("the cookie %s has %d bytes: browsers drop it", cookie.Name, len(cookie.String()))
		}
		r.AddCookie(cookie)
	}
	return r
}

func TestSessions(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	jwt := "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, begin.Add(time.Hour).Unix())) + ".sig"
	for name, tt := range map[string]struct {
		token string
		ends  time.Duration
	}{
		"any token":          {"canary", viewer.MaxSession},
		"one with an end":    {jwt, time.Hour},
		"one of many groups": {strings.Repeat("canary-token", 1500), viewer.MaxSession},
		"the largest":        {strings.Repeat("x", viewer.MaxToken), viewer.MaxSession},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := testclock.NewFakeClock(begin)
			s := sessions(t, now)
			r := signedIn(t, s, &viewer.Viewer{Name: "anna", Token: tt.token})
			if strings.Contains(r.Header.Get("Cookie"), "canary") {
				t.Error("the cookie shows the token")
			}
			now.SetTime(begin.Add(tt.ends - time.Second))
			got, err := s.Of(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&viewer.Viewer{Name: "anna", Token: tt.token, Expires: begin.Add(tt.ends).Local()}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			now.SetTime(begin.Add(tt.ends))
			if _, err := s.Of(r); !errors.Is(err, viewer.ErrExpired) {
				t.Errorf("after its end: %v", err)
			}
			if v, err := (viewer.First{viewer.Header{}, s, viewer.Local{}}).Of(r); !errors.Is(err, viewer.ErrExpired) {
				t.Errorf("after its end the viewer is taken for %v, %v", v, err)
			}
		})
	}
}

// TestSessionsRefuse: cookies that are not the page's, or not all of them, are nobody's.
func TestSessionsRefuse(t *testing.T) {
	t.Parallel()
	s := sessions(t, testclock.NewFakeClock(time.Now()))
	whole := signedIn(t, s, &viewer.Viewer{Token: strings.Repeat("x", 9000)})
	for name, tt := range map[string]struct {
		cookies []*http.Cookie
		want    error
	}{
		"none":        {nil, viewer.ErrSignIn},
		"made up":     {[]*http.Cookie{{Name: "__Host-kayci-session-0", Value: "1.abc"}}, viewer.ErrExpired},
		"no count":    {[]*http.Cookie{{Name: "__Host-kayci-session-0", Value: "abc"}}, viewer.ErrSignIn},
		"huge count":  {[]*http.Cookie{{Name: "__Host-kayci-session-0", Value: "99999999.abc"}}, viewer.ErrSignIn},
		"one missing": {whole.Cookies()[:1], viewer.ErrSignIn},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		for _, cookie := range tt.cookies {
			r.AddCookie(cookie)
		}
		if v, err := s.Of(r); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, %v, want %v", name, v, err, tt.want)
		}
	}
	// A shorter value leaves nothing of a longer one behind.
	w := httptest.NewRecorder()
	if err := s.SignIn(w, whole, &viewer.Viewer{Token: "short"}); err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, cookie := range w.Result().Cookies() {
		kept[cookie.Name] = cookie.MaxAge >= 0
	}
	for n := 1; n < len(whole.Cookies()); n++ {
		if name := fmt.Sprintf("__Host-kayci-session-%d", n); kept[name] {
			t.Errorf("the cookie %s stays", name)
		}
	}
	if !kept["__Host-kayci-session-0"] {
		t.Error("the new session was cleared")
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("account\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		mode   viewer.Mode
		header string
		want   *viewer.Viewer
		err    error
	}{
		"header":            {viewer.Header{}, "Bearer abc", &viewer.Viewer{Token: "abc"}, nil},
		"header, lower":     {viewer.Header{}, "bearer abc", &viewer.Viewer{Token: "abc"}, nil},
		"no header":         {viewer.Header{}, "", nil, viewer.ErrSignIn},
		"basic":             {viewer.Header{}, "Basic abc", nil, viewer.ErrSignIn},
		"blank token":       {viewer.Header{}, "Bearer ", nil, viewer.ErrSignIn},
		"two tokens":        {viewer.Header{}, "Bearer a b", nil, viewer.ErrSignIn},
		"anonymous":         {viewer.Anonymous{File: file}, "", &viewer.Viewer{Token: "account", Anonymous: true}, nil},
		"first of two":      {viewer.First{viewer.Header{}, viewer.Anonymous{File: file}}, "Bearer abc", &viewer.Viewer{Token: "abc"}, nil},
		"second of two":     {viewer.First{viewer.Header{}, viewer.Anonymous{File: file}}, "", &viewer.Viewer{Token: "account", Anonymous: true}, nil},
		"no mode":           {viewer.First{}, "Bearer abc", nil, viewer.ErrSignIn},
		"no anonymous file": {viewer.Anonymous{File: file + "x"}, "", nil, os.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			if tt.header != "" {
				r.Header.Set("Authorization", tt.header)
			}
			got, err := tt.mode.Of(r)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEnds: nothing is followed for longer than a session lasts, but by who has none.
func TestEnds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hour := now.Add(time.Hour)
	jwt := "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, hour.Unix())) + ".sig"
	for name, tt := range map[string]struct {
		viewer viewer.Viewer
		want   time.Time
	}{
		"a token that doesn't say": {viewer.Viewer{Token: "opaque"}, now.Add(viewer.MaxSession)},
		"a token that does":        {viewer.Viewer{Token: jwt}, hour},
		"a session":                {viewer.Viewer{Token: "opaque", Expires: hour}, hour},
		"a session that outlasts":  {viewer.Viewer{Token: jwt, Expires: now.Add(2 * time.Hour)}, hour},
		"oneself":                  {viewer.Viewer{Local: true}, time.Time{}},
		"nobody":                   {viewer.Viewer{Token: "opaque", Anonymous: true}, time.Time{}},
	} {
		if got := tt.viewer.Ends(now); !got.Equal(tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestTransport: a request that nobody has asked for isn't sent, and the page's own token
// is for nothing but to act for somebody.
func TestTransport(t *testing.T) {
	t.Parallel()
	own := func() (string, error) { return "own", nil }
	anna := &viewer.Person{User: "anna", Groups: []string{"a", "b"}}
	type sent struct {
		Sent   bool
		Token  string
		User   string
		Groups []string
	}
	for name, tt := range map[string]struct {
		viewer *viewer.Viewer
		own    func() (string, error)
		want   sent
	}{
		"nobody":                {nil, own, sent{}},
		"no token":              {&viewer.Viewer{Name: "anna"}, own, sent{}},
		"token":                 {&viewer.Viewer{Token: "abc"}, own, sent{Sent: true, Token: "Bearer abc"}},
		"local":                 {&viewer.Viewer{Local: true}, nil, sent{Sent: true, Token: "Bearer of-the-kubeconfig", User: "mallory"}},
		"person":                {&viewer.Viewer{As: anna}, own, sent{Sent: true, Token: "Bearer own", User: "anna", Groups: []string{"a", "b"}}},
		"person of no group":    {&viewer.Viewer{As: &viewer.Person{User: "anna"}}, own, sent{Sent: true, Token: "Bearer own", User: "anna"}},
		"person, by no account": {&viewer.Viewer{As: anna}, nil, sent{}},
		"person with a token":   {&viewer.Viewer{As: anna, Token: "abc"}, own, sent{}},
		"person without a name": {&viewer.Viewer{As: &viewer.Person{Groups: []string{"a"}}}, own, sent{}},
		"user of the cluster":   {&viewer.Viewer{As: &viewer.Person{User: "system:admin"}}, own, sent{}},
		"group of the cluster":  {&viewer.Viewer{As: &viewer.Person{User: "anna", Groups: []string{"system:masters"}}}, own, sent{}},
		"name of two lines":     {&viewer.Viewer{As: &viewer.Person{User: "anna\r\nImpersonate-Group: a"}}, own, sent{}},
		"name with blanks":      {&viewer.Viewer{As: &viewer.Person{User: " anna"}}, own, sent{}},
	} {
		var got sent
		transport := viewer.Transport(tt.own, roundTripper(func(r *http.Request) (*http.Response, error) {
			got = sent{true, r.Header.Get("Authorization"), r.Header.Get("Impersonate-User"), r.Header.Values("Impersonate-Group")}
			return &http.Response{Body: http.NoBody}, nil
		}))
		ctx := t.Context()
		if tt.viewer != nil {
			ctx = viewer.With(ctx, tt.viewer)
		}
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/", nil)
		r.Header.Set("Authorization", "Bearer of-the-kubeconfig")
		r.Header.Set("Impersonate-User", "mallory")
		response, err := transport.RoundTrip(r)
		if err == nil {
			_ = response.Body.Close()
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" || (err == nil) != tt.want.Sent {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestWhoseTokenIsRefused: a token that the API server doesn't take is the viewer's own
// affair if the viewer has given it, and the page's fault otherwise.
func TestWhoseTokenIsRefused(t *testing.T) {
	t.Parallel()
	missing := func() (string, error) { return "", os.ErrNotExist }
	own := func() (string, error) { return "own", nil }
	for name, tt := range map[string]struct {
		viewer viewer.Viewer
		own    func() (string, error)
		status int
		want   string
	}{
		"a viewer's":             {viewer.Viewer{Token: "abc"}, own, http.StatusUnauthorized, ""},
		"a kubeconfig's":         {viewer.Viewer{Local: true}, nil, http.StatusUnauthorized, ""},
		"the page's":             {viewer.Viewer{As: &viewer.Person{User: "anna"}}, own, http.StatusUnauthorized, "the token of the page's own account: the API server doesn't take it"},
		"the page's, not there":  {viewer.Viewer{As: &viewer.Person{User: "anna"}}, missing, http.StatusOK, "the token of the page's own account: file does not exist"},
		"nobody's":               {viewer.Viewer{Token: "abc", Anonymous: true}, own, http.StatusUnauthorized, "the token of the anonymous account: the API server doesn't take it"},
		"what a person may not":  {viewer.Viewer{As: &viewer.Person{User: "anna"}}, own, http.StatusForbidden, ""},
		"what nobody may not do": {viewer.Viewer{Token: "abc", Anonymous: true}, own, http.StatusForbidden, ""},
	} {
		transport := viewer.Transport(tt.own, roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: tt.status, Body: http.NoBody}, nil
		}))
		response, err := transport.RoundTrip(httptest.NewRequestWithContext(viewer.With(t.Context(), &tt.viewer), http.MethodGet, "https://api.example.com/", nil))
		var got string
		if err == nil {
			_ = response.Body.Close()
		} else if got = err.Error(); !errors.As(err, new(*viewer.OwnError)) {
			t.Errorf("%s: %v is no fault of the page's", name, err)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestPersonsOfSessions: a session of a person counts for the page that made it, and for
// the groups that it still may name.
func TestPersonsOfSessions(t *testing.T) {
	t.Parallel()
	s := sessions(t, testclock.NewFakeClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
	s.Realm, s.Groups = "issuer", []string{"a", "b"}
	v := &viewer.Viewer{Name: "anna", As: &viewer.Person{User: "anna", Groups: []string{"a", "b"}}}
	r := signedIn(t, s, v)
	for name, tt := range map[string]struct {
		realm  string
		groups []string
		want   []string
		err    error
	}{
		"as before":     {"issuer", []string{"a", "b"}, []string{"a", "b"}, nil},
		"a group less":  {"issuer", []string{"b"}, []string{"b"}, nil},
		"another realm": {"other", []string{"a", "b"}, nil, viewer.ErrExpired},
		"no realm":      {"", []string{"a", "b"}, nil, viewer.ErrExpired},
	} {
		changed := *s
		changed.Realm, changed.Groups = tt.realm, tt.groups
		got, err := changed.Of(r)
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if diff := cmp.Diff(&viewer.Person{User: "anna", Groups: tt.want}, got.As); diff != "" || got.Token != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	others := []*viewer.Viewer{{Token: "anna"}, {As: &viewer.Person{User: "anna"}}, {As: &viewer.Person{User: "anna", Groups: []string{"a"}}}, {As: &viewer.Person{User: "ben", Groups: []string{"a", "b"}}}}
	for _, other := range others {
		if other.Key() == v.Key() {
			t.Errorf("%+v can't be told from %+v", other, v)
		}
	}
}
