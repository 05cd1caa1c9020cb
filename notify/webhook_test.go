package notify

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/wait"
)

// canary stands for every credential of an address.
const canary = "xoxb-canary"

// impatient has the real code's steps, but for the length of its pauses.
func impatient(t *testing.T, address string, options Options) *Sender {
	t.Helper()
	sender, err := NewSender(address, options)
	if err != nil {
		t.Fatal(err)
	}
	sender.backoff = wait.Backoff{Duration: time.Millisecond, Steps: 8}
	return sender
}

// server answers with one handler after the other, the last one for good, and
// keeps what was asked.
type server struct {
	*httptest.Server
	mutex    sync.Mutex
	requests []string
}

func (s *server) asked() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.requests
}

func serve(t *testing.T, handlers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		user, password, _ := r.BasicAuth()
		s.mutex.Lock()
		s.requests = append(s.requests, fmt.Sprintf("%s %s %s:%s %s %s", r.Method, r.URL, user, password, r.Header.Get("Content-Type"), body))
		handle := handlers[min(len(s.requests), len(handlers))-1]
		s.mutex.Unlock()
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// serveTLS says nothing about handshakes that a test makes fail.
func serveTLS(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		// As some servers do, this one repeats what it was asked for.
		fmt.Fprintf(w, "Cannot %s %s %s", r.Method, r.URL, r.Header.Get("Authorization"))
	}
}

func (s *server) withCredentials() string {
	return strings.Replace(s.URL, "http://", "http://bot:"+canary+"@", 1) + "/hook/" + canary + "?token=" + canary
}

// checkSecret fails if err holds anything of the address.
func checkSecret(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{canary, "127.0.0.1", "bot", "hook"} {
		if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
			t.Errorf("the error %#v holds %q of the address", err, secret)
		}
	}
}

func TestWebhook(t *testing.T) {
	tests := map[string]struct {
		format Format
		body   string
	}{
		"json": {"", `{"title":"web #12 Failed","run":"web-3f9k2c","pipeline":"web","namespace":"ci","number":12,"phase":"Failed",` +
			`"failedJobs":["test"],"message":"job test failed: Error: container main exited with code 1","params":{"git_sha":"8f3"}}`},
		"slack": {FormatSlack, `{"text":"web #12 Failed: job test failed: Error: container main exited with code 1\nFailed jobs: test\n` +
			`Run web-3f9k2c in namespace ci","mrkdwn":false,"unfurl_links":false,"unfurl_media":false}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, status(http.StatusOK))
			if err := impatient(t, s.withCredentials(), Options{Format: test.format}).Send(t.Context(), sample()); err != nil {
				t.Fatal(err)
			}
			want := []string{"POST /hook/" + canary + "?token=" + canary + " bot:" + canary + " application/json " + test.body}
			if diff := cmp.Diff(want, s.asked()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSlackCallsNobodyByHostileValues(t *testing.T) {
	s := serve(t, status(http.StatusOK))
	if err := impatient(t, s.URL, Options{Format: FormatSlack}).Send(t.Context(), hostile()); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<", ">", `\u003c`, "@here"} {
		if strings.Contains(s.asked()[0], part) {
			t.Errorf("%s holds %q", s.asked()[0], part)
		}
	}
	if want := `\u0026lt;!channel\u0026gt;`; !strings.Contains(s.asked()[0], want) {
		t.Errorf("%s lacks %q", s.asked()[0], want)
	}
}

func TestSlackFormatFollowsTheHost(t *testing.T) {
	for address, want := range map[string]string{
		"https://hooks.slack.com/services/T/B/x": `{"text":`,
		"https://example.com/hooks.slack.com":    `{"title":`,
	} {
		sender := impatient(t, address, Options{})
		hook, ok := sender.channel.(*webhook)
		if !ok {
			t.Fatalf("%s: a channel of type %T", address, sender.channel)
		}
		body, err := hook.body(sample())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(body), want) {
			t.Errorf("%s gets %s, want %s…", address, body, want)
		}
	}
}

func TestWebhookAnswers(t *testing.T) {
	tests := map[string]struct {
		answers []http.HandlerFunc
		want    string
		asked   int
	}{
		"passes": {[]http.HandlerFunc{status(503), status(429, "Retry-After", "0"), status(500), status(204)}, "", 4},
		"gone":   {[]http.HandlerFunc{status(404)}, "the server answered with 404 Not Found", 1},
		"not implemented": {
			[]http.HandlerFunc{status(501)}, "the server answered with 501 Not Implemented", 1,
		},
		"asks for more patience than there is": {
			[]http.HandlerFunc{status(429, "Retry-After", "3600")},
			"gave up after attempt 1: the server answered with 429 Too Many Requests", 1,
		},
		"asks for patience until a date": {
			[]http.HandlerFunc{status(503, "Retry-After", "Fri, 31 Dec 2999 23:59:59 GMT")},
			"gave up after attempt 1: the server answered with 503 Service Unavailable", 1,
		},
		"names its reason": {
			[]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "channel_not_found", http.StatusNotFound) }},
			"the server answered with 404 Not Found: channel_not_found", 1,
		},
		"answers without end": {[]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			for _, err := w.Write(make([]byte, 1<<16)); err == nil; {
				_, err = w.Write(make([]byte, 1<<16))
			}
		}}, "the server answered with 403 Forbidden", 1},
		"breaks": {[]http.HandlerFunc{func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, status(200)}, "", 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.answers...)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := impatient(t, s.withCredentials(), Options{}).Send(ctx, sample())
			checkSecret(t, err)
			if got := text(err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := len(s.asked()); got != test.asked {
				t.Errorf("%d requests, want %d", got, test.asked)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := serve(t, status(http.StatusOK))
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := serve(t, status(code, "Location", other.URL+"/"+canary))
		err := impatient(t, s.withCredentials(), Options{}).Send(t.Context(), sample())
		checkSecret(t, err)
		want := fmt.Sprintf("the server answered with %d %s: redirects are not followed, so the address must be the final one", code, http.StatusText(code))
		if text(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if asked := other.asked(); len(asked) != 0 {
		t.Errorf("the other server was asked: %q", asked)
	}
}

func TestUnreachable(t *testing.T) {
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	trusted := serveTLS(t, status(http.StatusOK))
	plain := serve(t, status(http.StatusOK))
	tests := map[string]struct {
		address, want string
	}{
		"nobody listens": {"http://" + closed.Addr().String() + "/hook/" + canary, "gave up after attempt 8: the connection failed: connection refused"},
		"untrusted":      {trusted.URL + "/hook/" + canary, "the server's certificate is signed by an unknown authority"},
		"no TLS":         {strings.Replace(plain.withCredentials(), "http:", "https:", 1), "the server does not speak TLS on this port"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			sender := impatient(t, test.address, Options{})
			sender.channel = &limited{channel: sender.channel, attempts: 8}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := sender.Send(ctx, sample())
			checkSecret(t, err)
			if text(err) != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// limited asks, at an attempt, for more patience than any deadline has.
type limited struct {
	channel
	attempts int
}

func (l *limited) send(ctx context.Context, m Message) error {
	l.attempts--
	err := l.channel.send(ctx, m)
	if f, ok := err.(*failure); ok && l.attempts == 0 { //nolint:errorlint // A channel's failure is never wrapped.
		f.after = time.Hour
	}
	return err
}

func TestTrustedRoots(t *testing.T) {
	s := serveTLS(t, status(http.StatusOK))
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	if err := impatient(t, s.URL, Options{Roots: roots}).Send(t.Context(), sample()); err != nil {
		t.Error(err)
	}
	wrong := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	err := impatient(t, wrong, Options{Roots: roots}).Send(t.Context(), sample())
	if want := "the server's certificate is for another host"; text(err) != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	hangs := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := impatient(t, hangs.withCredentials(), Options{}).Send(ctx, sample())
	checkSecret(t, err)
	if want := "gave up after attempt 1: the server did not answer in time"; text(err) != want {
		t.Errorf("got %v, want %q", err, want)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	err = impatient(t, hangs.withCredentials(), Options{}).Send(cancelled, sample())
	checkSecret(t, err)
	if want := "it was cancelled"; text(err) != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
