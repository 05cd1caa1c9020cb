package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
)

// post is a mail server that keeps what it is given.
type post struct {
	address string
	roots   *x509.CertPool
	// refuse answers to a command with an error, unless nil.
	refuse func(command, value string) error

	mutex    sync.Mutex
	commands []string
	letters  []string
}

type postOption func(*post, *smtp.Server)

func withoutTLS(_ *post, s *smtp.Server) { s.TLSConfig = nil }

func refusing(refuse func(command, value string) error) postOption {
	return func(p *post, _ *smtp.Server) { p.refuse = refuse }
}

func servePost(t *testing.T, implicitTLS bool, options ...postOption) *post {
	t.Helper()
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	p := &post{roots: x509.NewCertPool(), refuse: func(string, string) error { return nil }}
	p.roots.AddCert(certified.Certificate())
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		_, secured := c.TLSConnectionState()
		return &visit{post: p, secured: secured}, nil
	}))
	s.Domain = "localhost"
	s.AllowInsecureAuth = true
	s.ErrorLog = silent{}
	s.TLSConfig = &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}
	for _, option := range options {
		option(p, s)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = listener.Addr().String()
	if implicitTLS {
		listener = tls.NewListener(listener, s.TLSConfig)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	})
	return p
}

// silent drops what the server says about connections that a test breaks.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// did keeps a command and answers it.
func (p *post) did(command, value string) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.commands = append(p.commands, command+" "+value)
	return p.refuse(command, value)
}

func (p *post) got() (commands, letters []string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.commands, p.letters
}

// visit is one connection to a post.
type visit struct {
	post    *post
	secured bool
}

func (v *visit) AuthMechanisms() []string { return []string{sasl.Plain} }

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		return v.post.did("AUTH", fmt.Sprintf("%s %s tls=%t", username, password, v.secured))
	}), nil
}

func (v *visit) Mail(from string, _ *smtp.MailOptions) error { return v.post.did("MAIL", from) }
func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error   { return v.post.did("RCPT", to) }

func (v *visit) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	v.post.mutex.Lock()
	v.post.letters = append(v.post.letters, string(text))
	v.post.mutex.Unlock()
	return v.post.did("DATA", "")
}

func (v *visit) Reset()        {}
func (v *visit) Logout() error { return nil }

const (
	credentials = "ci%40example.com:" + canary + "@"
	envelope    = "?from=KayCI+%3Cci%40example.com%3E&to=dev%2Bci@example.com,ops@example.com&to=boss@example.com"
)

// letter is what a mail program would show.
type letter struct {
	Headers map[string]string
	Body    string
}

func read(t *testing.T, text string) letter {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	result := letter{Headers: map[string]string{}}
	for key, values := range m.Header {
		if len(values) > 1 {
			t.Errorf("%d headers %s", len(values), key)
		}
		if result.Headers[key], err = (&mime.WordDecoder{}).DecodeHeader(values[0]); err != nil {
			t.Error(err)
		}
	}
	if _, err := m.Header.Date(); err != nil {
		t.Error(err)
	}
	delete(result.Headers, "Date")
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Error(err)
	}
	result.Body = string(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")))
	return result
}

func headers(subject, id string) map[string]string {
	return map[string]string{
		"From": `"KayCI" <ci@example.com>`, "To": "<dev+ci@example.com>, <ops@example.com>, <boss@example.com>",
		"Subject": subject, "Message-Id": id, "Auto-Submitted": "auto-generated", "User-Agent": "KayCI", "X-Mailer": "KayCI",
		"Mime-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "quoted-printable",
	}
}

func TestMail(t *testing.T) {
	tests := map[string]struct {
		scheme   string
		message  Message
		commands []string
		want     letter
	}{
		"STARTTLS": {
			"smtp://" + credentials, sample(),
			[]string{"AUTH ci@example.com " + canary + " tls=true"},
			letter{headers("web #12 Failed", "<9ld3sbl4u0e1cilir7sco1boe0m5an3o@example.com>"), "web #12 Failed: job test failed: Error: container main exited with code 1\n" +
				"Failed jobs: test\nRun web-3f9k2c in namespace ci\n"},
		},
		"TLS": {
			"smtps://" + credentials, sample(),
			[]string{"AUTH ci@example.com " + canary + " tls=true"},
			letter{headers("web #12 Failed", "<9ld3sbl4u0e1cilir7sco1boe0m5an3o@example.com>"), "web #12 Failed: job test failed: Error: container main exited with code 1\n" +
				"Failed jobs: test\nRun web-3f9k2c in namespace ci\n"},
		},
		"hostile, without a password": {
			"smtp://", hostile(), nil,
			letter{headers("Subject Bcc: victim@example.com <!channel>", "<gbggc3fu6ect61lsvkvqlerrts5to5oe@example.com>"), "Subject Bcc: victim@example.com <!channel>: " +
				"[2J<!here> & <https://evil.example.com|click> @here Run good in namespace prod txt.exe�\n" +
				"Failed jobs: a b, <@U123>\nRun web-3f9k2c in namespace ci\n"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := servePost(t, strings.HasPrefix(test.scheme, "smtps:"))
			if err := impatient(t, test.scheme+p.address+envelope, Options{Roots: p.roots}).Send(t.Context(), test.message); err != nil {
				t.Fatal(err)
			}
			commands, letters := p.got()
			want := slices.Concat(test.commands, []string{"MAIL ci@example.com", "RCPT dev+ci@example.com", "RCPT ops@example.com", "RCPT boss@example.com", "DATA "})
			if diff := cmp.Diff(want, commands); diff != "" {
				t.Error(diff)
			}
			if len(letters) != 1 {
				t.Fatalf("%d letters", len(letters))
			}
			if diff := cmp.Diff(test.want, read(t, letters[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMailRefused(t *testing.T) {
	// As some servers do, this one repeats what it was told.
	refuse := func(command string, code, times int) postOption {
		return refusing(func(c, value string) error {
			if c != command || times == 0 {
				return nil
			}
			times--
			return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 7, 1}, Message: "no " + value + " bot " + canary}
		})
	}
	tests := map[string]struct {
		scheme  string
		options []postOption
		want    string
		last    string
	}{
		"wrong password":   {"smtp://" + credentials, []postOption{refuse("AUTH", 535, 9)}, "the server refused it with code 535", "AUTH"},
		"no such sender":   {"smtp://" + credentials, []postOption{refuse("MAIL", 553, 9)}, "the mail server refused the sender with code 553", "MAIL"},
		"no such receiver": {"smtp://", []postOption{refuse("RCPT", 550, 1)}, "the mail server refused a recipient with code 550", "RCPT"},
		"spam":             {"smtp://", []postOption{refuse("DATA", 554, 9)}, "the mail server refused the message with code 554", "DATA"},
		"greylisted":       {"smtp://", []postOption{refuse("RCPT", 451, 3)}, "", "DATA"},
		"busy":             {"smtp://" + credentials, []postOption{refuse("AUTH", 454, 1)}, "", "DATA"},
		"no STARTTLS":      {"smtp://" + credentials, []postOption{withoutTLS}, "the server offers no STARTTLS, no sign-in that fits, or is no mail server", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := servePost(t, false, test.options...)
			err := impatient(t, test.scheme+p.address+envelope, Options{Roots: p.roots}).Send(t.Context(), sample())
			checkSecret(t, err)
			if text(err) != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
			commands, _ := p.got()
			last := ""
			if len(commands) > 0 {
				last, _, _ = strings.Cut(commands[len(commands)-1], " ")
			}
			if last != test.last {
				t.Errorf("the server heard %q, and %s should be the last", commands, test.last)
			}
		})
	}
}

func TestMailInTheClear(t *testing.T) {
	p := servePost(t, false, withoutTLS)
	if err := impatient(t, "smtp://"+p.address+envelope+"&tls=none", Options{}).Send(t.Context(), sample()); err != nil {
		t.Error(err)
	}
	if _, letters := p.got(); len(letters) != 1 {
		t.Errorf("%d letters", len(letters))
	}
}

func TestMailServerIsNotTrusted(t *testing.T) {
	for scheme, implicit := range map[string]bool{"smtp://": false, "smtps://": true} {
		p := servePost(t, implicit)
		err := impatient(t, scheme+credentials+p.address+envelope, Options{}).Send(t.Context(), sample())
		checkSecret(t, err)
		if want := "the server's certificate is signed by an unknown authority"; text(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
		if commands, _ := p.got(); len(commands) != 0 {
			t.Errorf("the server heard %q", commands)
		}
	}
}

// TestStrangeMailServers: what a server says first isn't trusted either, and one
// that says nothing is left when there is no time any more.
func TestStrangeMailServers(t *testing.T) {
	for greeting, want := range map[string]string{
		"HTTP/1.1 400 " + canary + "\r\n": "the server offers no STARTTLS, no sign-in that fits, or is no mail server",
		"554 go away " + canary + "\r\n":  "the server refused it with code 554",
		"":                                "gave up after attempt 1: the server did not answer in time",
	} {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		patience := time.Minute
		if greeting == "" {
			patience = 50 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		heard := make(chan error, 1)
		go func() { heard <- greet(listener, greeting) }()
		err = impatient(t, "smtp://"+credentials+listener.Addr().String()+envelope, Options{}).Send(ctx, sample())
		checkSecret(t, err)
		if text(err) != want {
			t.Errorf("%q: got %v, want %q", greeting, err, want)
		}
		cancel()
		listener.Close()
		if err := <-heard; err != nil {
			t.Error(err)
		}
	}
}

// greet reads until the other side leaves.
func greet(listener net.Listener, text string) error {
	connection, err := listener.Accept()
	if err != nil {
		return err
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, text); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, connection)
	return err
}
