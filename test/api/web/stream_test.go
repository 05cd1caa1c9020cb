package web_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// listening is a stream that is read.
type listening struct {
	status int
	header http.Header
	lines  *bufio.Reader
	stop   func()
}

// event is one of a stream.
type event struct{ name, id, data string }

// listen opens a stream.
func (s *site) listen(t *testing.T, token, path string) *listening {
	t.Helper()
	// Whoever waits for an event in vain is told.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, cookie := range s.cookies {
		r.AddCookie(cookie)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	stop := func() {
		cancel()
		response.Body.Close()
	}
	t.Cleanup(stop)
	return &listening{response.StatusCode, response.Header, bufio.NewReader(response.Body), stop}
}

// next is the next event. It is blank once the stream has ended.
func (l *listening) next(t *testing.T) event {
	t.Helper()
	var got event
	var data []string
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			return event{}
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "event":
			got.name = value
		case "id":
			got.id = value
		case "data":
			data = append(data, value)
		case "":
			if got.name != "" {
				got.data = strings.Join(data, "\n")
				return got
			}
		}
	}
}

// firstEvent opens a stream and ends it with its first event.
func (s *site) firstEvent(t *testing.T, token, path string) answer {
	t.Helper()
	l := s.listen(t, token, path)
	defer l.stop()
	if l.status != http.StatusOK {
		body, _ := io.ReadAll(l.lines)
		return answer{l.status, l.header, string(body)}
	}
	return answer{l.status, l.header, l.next(t).data}
}
